"""Where tasks run: one file per executor, and one table."""

from collections.abc import Mapping

from pipeline.executors.inline import INLINE, InlineExecutor
from pipeline.executors.local import LOCAL, LocalExecutor
from pipeline.executors.ray import RAY
from pipeline.executors.task import (
    Executor,
    ExecutorKind,
    Progress,
    Ready,
    Slots,
    Task,
    TaskResult,
    Watched,
    call,
    call_all,
    progress_of,
    start_all,
)

__all__ = [
    "EXECUTORS",
    "Executor",
    "ExecutorKind",
    "InlineExecutor",
    "LocalExecutor",
    "Progress",
    "Ready",
    "Slots",
    "Task",
    "TaskResult",
    "Watched",
    "call",
    "call_all",
    "progress_of",
    "start_all",
]

EXECUTORS: Mapping[str, ExecutorKind] = {kind.name: kind for kind in (LOCAL, INLINE, RAY)}
