"""The latency model of a study: calibrated once, when the study begins, and kept in its folder."""

import json

from pipeline.console import status
from pipeline.errors import ConvtuneError, StudyError, WorkerError
from pipeline.executors import Executor, call
from pipeline.files import write_text
from pipeline.latency.model import LatencyModel
from pipeline.latency.task import CalibrateLatency
from pipeline.study.paths import StudyPaths
from pipeline.training.worker import check_backend


def load_or_calibrate(paths: StudyPaths, executor: Executor, quiet: bool) -> LatencyModel:
    """The latency model of a study: its own if it has begun, else a new one. Writes nothing.

    A study keeps its model because predictions made at another time or on another machine would not compare;
    StudyError when it cannot be read. A new model is calibrated by measuring small networks on a worker, which takes
    about 10 s (measured); WorkerError when that fails. ``quiet`` shows no status line meanwhile.
    """
    return _load(paths) if paths.exists else _calibrate(executor, quiet)


def save_latency_model(paths: StudyPaths, model: LatencyModel) -> None:
    """Writes the model to ``latency.json``, for when the study is resumed."""
    write_text(paths.latency, json.dumps(model.as_dict(), indent=1))


def _load(paths: StudyPaths) -> LatencyModel:
    try:
        return LatencyModel.from_dict(json.loads(paths.latency.read_text(encoding="utf-8")))
    except FileNotFoundError:
        reason = f"study {paths.name} was begun without a latency to search by"
    except (OSError, ValueError, TypeError, AttributeError):
        reason = f"{paths.latency}: unreadable, so this study cannot go on"
    raise StudyError(f"{reason}; choose another --study")


def _calibrate(executor: Executor, quiet: bool) -> LatencyModel:
    with status("measuring how long small networks take", quiet) as progress:
        check_backend(executor)
        try:
            return call(executor, CalibrateLatency(), progress)
        except ConvtuneError as error:
            raise WorkerError(
                f"the latency calibration failed ({error}); fix that, or use no limit and no objective of latency"
            ) from None
