"""Trials that the machine has failed are tried again, on request; the failures of a network itself are not."""

from collections.abc import Sequence

from pipeline.console import note
from pipeline.report.answer import describe_numbers
from pipeline.search.storage import StudyStorage
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
