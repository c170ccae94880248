"""Loads a dataset for a command: with a progress bar, with warnings on stderr, and with downloads in a worker."""

import os
from contextlib import closing
from pathlib import Path

from pipeline.console import status, warn
from pipeline.data.dataset import Dataset
from pipeline.data.fetch import FetchDataset
from pipeline.data.form import ChooseSize, own_size
from pipeline.data.load import load
from pipeline.executors import call, local


def load_with_progress(
    source: str,
    image_size: tuple[int, int] | None,
    seed: int,
    quiet: bool = False,
    channels: int | None = None,
    choose_size: ChooseSize = own_size,
    white: int | None = None,
    for_training: bool = True,
) -> Dataset:
    """See ``pipeline.data.load``. Unless ``quiet``, says that it reads, with a bar of the decoded images."""
    with status(f"reading {source}", quiet) as progress:
        return load(
            source,
            image_size=image_size,
            channels=channels,
            choose_size=choose_size,
            white=white,
            for_training=for_training,
            seed=seed,
            progress=progress,
            warn=warn,
            fetch=_fetch_in_worker,
        )


def _fetch_in_worker(name: str, folder: Path) -> None:
    with closing(local.start_one(Path(os.devnull), _import_nothing)) as executor:
        call(executor, FetchDataset(name, folder))


def _import_nothing() -> None:
    """The worker need not import anything before its first task: that imports Keras anyway."""
