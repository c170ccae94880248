"""All communication with MLflow. A study is a run, and each trial is a child run of it."""

from pipeline.tracking.client import ask_store
from pipeline.tracking.pages import EXPERIMENTS, Pages, prepare_pages
from pipeline.tracking.registry import ModelDecision, Registration
from pipeline.tracking.removal import StudyRuns, find_runs
from pipeline.tracking.runs import About
from pipeline.tracking.store import server_address, ui_command, ui_environment
from pipeline.tracking.surroundings import active_run
from pipeline.tracking.tracker import Tracker, connect, connect_or_wait, promote

__all__ = [
    "EXPERIMENTS",
    "About",
    "ModelDecision",
    "Pages",
    "Registration",
    "StudyRuns",
    "Tracker",
    "active_run",
    "ask_store",
    "connect",
    "connect_or_wait",
    "find_runs",
    "prepare_pages",
    "promote",
    "server_address",
    "ui_command",
    "ui_environment",
]
