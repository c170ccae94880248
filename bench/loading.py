"""Seconds to load an image folder, cold and warm: python bench/loading.py FOLDER"""

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from pipeline.data import Dataset, load


def main(folder: str) -> None:
    """Loads ``folder`` into an empty cache, then from it, and prints what each took."""
    with tempfile.TemporaryDirectory() as cache:
        os.environ["CONVTUNE_CACHE"] = cache
        cold, dataset = timed(folder)
        warm, _ = timed(folder)
    print(f"{folder}: {dataset.describe()}")
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"cold {cold:7.2f} s   {len(dataset.images) / cold:10,.0f} images/s")
    print(f"warm {warm:7.2f} s   {len(dataset.images) / warm:10,.0f} images/s")


def timed(folder: str) -> tuple[float, Dataset]:
    """Seconds of one load, and the dataset."""
    begin = time.perf_counter()
    dataset = load(folder, fetch=no_network)
    return time.perf_counter() - begin, dataset


def no_network(name: str, folder: Path) -> None:
    """This measures folders only."""
    raise SystemExit(f"{name}: expected an image folder")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
