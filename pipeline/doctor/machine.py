"""Checks the free memory, and the free space of the disks that studies write to."""

import os
import shutil
from pathlib import Path

from pipeline.data.cache import cache_root
from pipeline.doctor.finding import Finding, note, ok, problem
from pipeline.errors import printable
from pipeline.executors.devices import WORKER_BYTES, available_memory, count_cores, most_workers
from pipeline.quantity import counted, format_bytes

_LITTLE, _TOO_LITTLE = 5e9, 1e9
"""Free bytes of a disk below which a study of many trials, or of any, may fill it."""


def check_memory() -> list[Finding]:
    """The free memory, and how many workers fit into it."""
    free = available_memory()
    fact = f"{format_bytes(free)} free"
    if free < WORKER_BYTES:
        return [problem(f"{fact}, too little for a worker", "end other programs")]
    workers, cores = most_workers(free), count_cores()
    if workers < cores:
        return [note(f"{fact}, for {counted(workers, 'worker')} on {cores} cores", "end other programs to use all")]
    return [ok(fact)]


def check_disk() -> list[Finding]:
    """The free space of the current folder, where studies are, and of the cache if that is on another disk."""
    here, cache = Path.cwd(), _existing(cache_root())
    places = {"studies": here} if cache.stat().st_dev == here.stat().st_dev else {"studies": here, "cache": cache}
    return [judge_disk(what, place, shutil.disk_usage(place).free) for what, place in places.items()]


def judge_disk(what: str, place: Path, free: float) -> Finding:
    """The finding for a disk with ``free`` bytes, where ``what`` is kept below ``place``."""
    fact = f"{format_bytes(free)} free for {what} in {printable(place)}"
    if not os.access(place, os.W_OK | os.X_OK):
        return problem(f"{printable(place)} cannot be written", "go to another folder")
    if free < _TOO_LITTLE:
        return problem(fact, "free some, or `convtune delete` a study")
    if free < _LITTLE:
        return note(fact, "a study keeps the models of its best 5 trials, or of as many as --keep-models says")
    return ok(fact)


def _existing(folder: Path) -> Path:
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
