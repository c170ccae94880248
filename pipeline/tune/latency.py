"""The latency model of a study: calibrated when it begins, if a limit or the objective needs one, then its own."""

import json

from pipeline.architecture.latency import LatencyModel
from pipeline.errors import ConvtuneError, StudyError, WorkerError
from pipeline.executors import Executor, call, check
from pipeline.folder import StudyFolder, write
from pipeline.job import Job
from pipeline.loading import working
from pipeline.space import Space


def latency_model(space: Space, job: Job, folder: StudyFolder, executor: Executor, quiet: bool) -> LatencyModel | None:
    """What predicts latencies in this study; None where nothing asks for them. Writes nothing.

    A study that has begun has its own (StudyError when that cannot be read): predictions made at other times or on
    another machine would not compare. Else small networks are measured on a worker, in about 10 s (measured).
    WorkerError when that fails.
    """
    if "latency_ms" not in space.limits and "latency" not in job.objective:
        return None
    if folder.exists:
        return _read(folder)
    with working("measuring how long small networks take", quiet):
        check(executor)
        try:
            model: LatencyModel = call(executor, "pipeline.training.calibrate:calibrate")
        except ConvtuneError as error:
            raise WorkerError(
                f"the latency calibration failed ({error}); mend that, or ask for no limit and objective of latency"
            ) from None
    return model


def keep(folder: StudyFolder, model: LatencyModel | None) -> None:
    """Writes ``latency.json`` for when the study goes on."""
    if model is not None:
        write(folder.latency, json.dumps(model.as_dict(), indent=1))


def _read(folder: StudyFolder) -> LatencyModel:
    try:
        return LatencyModel.from_dict(json.loads(folder.latency.read_text(encoding="utf-8")))
    except FileNotFoundError:
        before = f"study {folder.name} was begun without a latency to search by"
    except (OSError, ValueError, TypeError, AttributeError):
        before = f"{folder.latency}: unreadable, so this study cannot go on"
    raise StudyError(f"{before}; choose another --study")
