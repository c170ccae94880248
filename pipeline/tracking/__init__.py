"""All communication with MLflow. A study is a run, and each trial is a child run of it."""

from pipeline.tracking.registry import ModelDecision, Registration
from pipeline.tracking.store import ui_command, ui_location
from pipeline.tracking.tracker import Tracker, connect, promote

__all__ = ["ModelDecision", "Registration", "Tracker", "connect", "promote", "ui_command", "ui_location"]
