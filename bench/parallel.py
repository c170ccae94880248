"""Measures what workers side by side are worth: trials an hour with one for each core, and with a single one.

    python bench/parallel.py [--trials 8] [--epochs 3] [--workers N] [--keep]

For a LeNet-like network on 28x28 grey images and one of 40 million MACs on 32x32 colour images, both of noise, runs of
``convtune tune`` train equal trials: with one worker on one core, with one that has all cores, with ``--workers``
(default: physical cores), and as ``--workers`` studies at once with one worker on a core of its own each. The last is
what the machine can give: cores that share memory, caches or multipliers slow each other down, whoever uses them.
Times are those that the study notes of its trials: from the begin of the first to the end of the last. ``idle`` is the
time between a slot's trials, as a share of that time on all slots: what proposing, storing and handing over costs.
Aims: a speed-up of at least 1.6 on two cores, and less than 3 % idle. Over a worker with all cores it cannot be much
for large networks, whose single steps use all cores well. ``--keep`` writes bench/results/parallel.json.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import uuid
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from machine import keep, machine

from pipeline.search.optuna_study import load_trials

_COMMON = "learning_rate: {float: [0.0001, 0.1], log: true}, batch_size: 64, optimizer: adam, flip: false, shift: 0.0"


@dataclass(frozen=True)
class Network:
    """A network of a space in which only the learning rate varies; its images are (count, height, width, channels)."""

    hyperparameters: str
    images: tuple[int, int, int, int]


NETWORKS = {
    "LeNet-like": Network(
        "blocks: 2, filters: [6, 16], kernel: 5, pool: max, head: flatten, fc_layers: 2, fc_width: [120, 84]",
        (20_000, 28, 28, 1),
    ),
    "40 M MACs": Network(
        "blocks: 3, convs: [1, 2, 2], filters: [64, 64, 128], kernel: 3, pool: max, norm: batch, head: average, "
        "fc_layers: 0",
        (4_000, 32, 32, 3),
    ),
}


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=psutil.cpu_count(logical=False) or 1)
    parser.add_argument("--keep", action="store_true", help="write results/parallel.json")
    args = parser.parse_args()
    print(machine())
    figures: dict[str, Any] = {}
    for name, network in NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder), network)
            runs = {
                "1 worker, 1 core": measure(Path(folder), 1, args, core=0),
                "1 worker, all cores": measure(Path(folder), 1, args),
                f"{args.workers} workers": measure(Path(folder), args.workers, args),
                f"{args.workers} studies": measure_apart(Path(folder), args),
            }
        one_core, all_cores, together, apart = (run["trials an hour"] for run in runs.values())
        speed_ups = {
            "over one core": together / one_core,
            "over all cores": together / all_cores,
            "of studies apart over one core": apart / one_core,
        }
        figures[name] = {**runs, "speed-up": speed_ups}
        for workers, run in runs.items():
            print(
                f"{name}: {workers}: {run['trials an hour']:.0f} trials an hour, {run['idle %']:.1f} % idle, "
                f"{run['macs'] / 1e6:.1f} M MACs",
                flush=True,
            )
        print(f"{name}: speed-up " + ", ".join(f"{key} {value:.2f}" for key, value in speed_ups.items()), flush=True)
    if args.keep:
        keep(figures)


def write_data(folder: Path, network: Network) -> None:
    """Writes images of noise in four classes, and the space."""
    generator = np.random.default_rng(0)
    count = network.images[0]
    parts = {"train": count, "val": count // 10, "test": 100}
    arrays = {
        f"{kind}_{part}": generator.integers(0, 255, (number, *network.images[1:]), np.uint8)
        if kind == "x"
        else np.arange(number) % 4
        for part, number in parts.items()
        for kind in "xy"
    }
    np.savez(folder / "noise.npz", **arrays)
    hyperparameters = f"{{{network.hyperparameters}, {_COMMON}}}"
    (folder / "space.yaml").write_text(f"family: plain\nhyperparameters: {hyperparameters}\n")


def measure_apart(folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Runs as many studies at once as there are workers, on a core each; their trials an hour together."""
    with ThreadPoolExecutor() as threads:
        runs = list(threads.map(lambda core: measure(folder, 1, args, core), range(args.workers)))
    return {**runs[0], "trials an hour": sum(run["trials an hour"] for run in runs)}


def measure(folder: Path, workers: int, args: argparse.Namespace, core: int | None = None) -> dict[str, Any]:
    """Runs a study with so many workers; its trials an hour, and the share of time that its slots were idle.

    ``core`` is the position of the only one of this machine's cores that it may use (None: all).
    """
    study = f"{workers}-{uuid.uuid4().hex[:8]}"
    flags = ["--data", "noise.npz", "--space", "space.yaml", "--search", "random", "--trials", str(args.trials)]
    flags += ["--epochs", str(args.epochs), "--pruner", "none", "--workers", str(workers), "--limit", "macs=none"]
    root = str(Path(__file__).resolve().parent.parent)
    environment = os.environ | {"PYTHONPATH": root, "CONVTUNE_CACHE": str(folder / "cache")}
    command = [sys.executable, "-m", "pipeline", "tune", *flags, "--study", study, "-q"]
    if core is not None:
        command = ["taskset", "--cpu-list", str(sorted(os.sched_getaffinity(0))[core]), *command]
    subprocess.run(command, check=True, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, records, _ = load_trials(str(folder / "studies" / study))
    slots: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for record in records:
        assert record.trial.began is not None
        assert record.trial.slot is not None
        slots[record.trial.slot].append((record.trial.began, record.trial.began + record.result.seconds))
    return {**summarise(list(slots.values())), "macs": records[0].macs}


def summarise(slots: list[list[tuple[float, float]]]) -> dict[str, float]:
    """Trials an hour and the idle time in percent, from the begin and end of each trial (seconds), slot by slot.

    A slot's time before its first and after its last trial is none that it waited.
    """
    runs = [run for slot in slots for run in slot]
    wall = max(end for _, end in runs) - min(begin for begin, _ in runs)
    gaps = 0.0
    for slot in map(sorted, slots):
        gaps += sum(max(later[0] - earlier[1], 0.0) for earlier, later in pairwise(slot))
    return {"trials an hour": 3600 * len(runs) / wall, "idle %": 100 * gaps / (wall * len(slots))}


if __name__ == "__main__":
    main()
