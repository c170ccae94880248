"""Trials that the machine has failed: a study that gives up on it says so, and they are tried again on request.

The failures of a network itself are not.
"""

from collections.abc import Sequence

from pipeline.console import note, warn
from pipeline.executors import EXECUTORS
from pipeline.job.job import Job
from pipeline.quantity import format_bytes
from pipeline.report.answer import describe_numbers
from pipeline.report.next_commands import resume_command
from pipeline.search.stop_reason import StopReason
from pipeline.search.storage import StudyStorage
from pipeline.steps.study_files import ROOM
from pipeline.study.paths import StudyPaths
from pipeline.study.record import TrialRecord
from pipeline.study.trial import Fault, TrialState


def retry(storage: StudyStorage, quiet: bool) -> None:
    """Queues again the trials that failed through a fault of the machine, and says so unless ``quiet``."""
    told = retry_failed(storage)
    if not quiet:
        note(f"note: {told}")


def retry_failed(storage: StudyStorage) -> str:
    """Queues again the trials that failed through a fault of the machine; returns a line with what is tried again."""
    own = sum(
        record.state is TrialState.FAILED and record.result.fault is not Fault.MACHINE for record in storage.records
    )
    return describe_retry(storage.requeue_failed(), own)


def describe_retry(numbers: Sequence[int], own: int) -> str:
    """The line about the trials that are tried again, and how many failed by themselves.

    >>> describe_retry([3, 7], 1)
    'tried again, since the machine was at fault: trials 3, 7; 1 failed by itself and is not'
    >>> describe_retry([], 2)
    'nothing is tried again; 2 failed by themselves and are not'
    """
    again = f"tried again, since the machine was at fault: {describe_numbers(numbers)}" if numbers else ""
    stay = f"{own:,} failed by {'itself and is' if own == 1 else 'themselves and are'} not" if own else ""
    return "; ".join(filter(None, [again or "nothing is tried again", stay or "no trial failed by itself"]))


def warn_if_given_up(reason: StopReason, paths: StudyPaths, job: Job, records: Sequence[TrialRecord]) -> None:
    """Warns in one line if the study has given up on the machine: with what, and which command goes on."""
    if not reason.gives_up:
        return
    failed = [record for record in records if record.result.fault is Fault.MACHINE]
    again = resume_command(paths, job.as_file(), {"--retry-failed": None} if failed else {})
    if reason is StopReason.NO_ROOM:
        why = f"its disk has less than {format_bytes(ROOM)} free, too little for another trial; free some"
    else:
        last = _last(failed, records, EXECUTORS[job.executor].on_cluster)
        why = f"the machine fails one trial after another, {last}; free space or memory, or see to the GPU"
    warn(f"{paths.path}: stopped: {why}, then run `{again}`")


def _last(failed: Sequence[TrialRecord], records: Sequence[TrialRecord], on_cluster: bool) -> str:
    """The last of those that failed, and its worker if there were several: the others may be well.

    On a cluster workers come and go, and have no number.
    """
    last = max(failed, key=lambda record: (record.trial.began or 0) + record.result.seconds)
    slot = None if on_cluster else last.trial.slot
    worker = f", worker {slot + 1}" if slot is not None and any(one.trial.slot != slot for one in records) else ""
    return f"the last ({last.number}{worker}) with {last.result.reason.removeprefix('machine fault: ')}"
