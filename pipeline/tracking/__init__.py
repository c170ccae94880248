"""All communication with MLflow. A study is a run, and each trial is a child run of it."""

from pipeline.tracking.registry import ModelDecision
from pipeline.tracking.store import ui_command, ui_location
from pipeline.tracking.tracker import Tracker, connect

__all__ = ["ModelDecision", "Tracker", "connect", "ui_command", "ui_location"]
