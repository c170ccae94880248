"""MLflow: the only room that imports it. A study is a run, a trial is a child run of it."""

from pipeline.tracking.entities import StudyInfo
from pipeline.tracking.registry import ModelDecision
from pipeline.tracking.store import place_to_look, ui_command
from pipeline.tracking.tracker import Tracker, connect

__all__ = ["ModelDecision", "StudyInfo", "Tracker", "connect", "place_to_look", "ui_command"]
