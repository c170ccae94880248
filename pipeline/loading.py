"""What several commands need first: a dataset with its progress bar, a study's trials, a worker with Keras."""

import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from pipeline import job
from pipeline.data import Dataset, load
from pipeline.errors import JobError
from pipeline.executors import Executor, call, worker
from pipeline.folder import StudyFolder, find
from pipeline.record import Record


def load_data(
    source: str,
    image_size: tuple[int, int] | None,
    seed: int,
    quiet: bool = False,
    channels: int | None = None,
) -> Dataset:
    """The dataset, with warnings on stderr and, on a terminal and unless ``quiet``, a bar while images are decoded.

    ``image_size`` and ``channels`` are as in ``pipeline.data.load``.
    """
    with _bar(source, quiet) as progress:
        return load(
            source,
            image_size=image_size,
            channels=channels,
            seed=seed,
            progress=progress,
            warn=warn,
            fetch=_fetch,
        )


def announce(data: Dataset, *lines: str) -> None:
    """Says on stderr in one line what was read, then ``lines``. For when all is checked: bad input has its own line."""
    print(f"{data.name}: {data.describe()}", *lines, sep="\n", file=sys.stderr)


def warn(line: str) -> None:
    """One line on stderr, above a bar that may be there."""
    print(f"warning: {line}", file=sys.stderr)


def load_trials(study: str) -> tuple[StudyFolder, list[Record], Counter[str]]:
    """The folder of a study, its trials by number, its infeasible proposals by kind; StudyError when it is unknown."""
    from pipeline.search.ledger import read

    folder = find(study)
    if not folder.storage.is_file():  # begun, and ended before its first trial
        return folder, [], Counter()
    return folder, *read(folder.storage)


def whole(flag: str, text: str, low: int) -> int:
    """The whole number that a flag was given; JobError unless it is one from ``low`` on."""
    try:
        return job.whole(low)(text)
    except ValueError as error:
        shown = repr(text) if len(text) <= 40 else f"{len(text):,} characters"
        raise JobError(f"{flag}: {error}, got {shown}") from None


@contextmanager
def keras_worker(what: str, **environment: str) -> Iterator[Executor]:
    """A worker process with Keras that keeps its libraries' chatter to itself; a terminal shows ``what`` meanwhile.

    ``environment`` are variables that it sets before it imports Keras.
    """
    with closing(worker(Path(os.devnull), **environment)) as executor, working(what):
        yield executor


@contextmanager
def working(what: str, quiet: bool = False) -> Iterator[None]:
    """Says what is going on, on stderr and only on a terminal, and not when ``quiet``."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(escape(what)):
        yield


def _fetch(name: str, folder: Path) -> None:
    with closing(worker(Path(os.devnull))) as executor:
        call(executor, "pipeline.training.fetch:fetch", name, folder)


@contextmanager
def _bar(source: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    shown = sys.stderr.isatty() and not quiet
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as bar:
        task = bar.add_task(f"reading {escape(source)}", visible=False, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total, visible=True)
