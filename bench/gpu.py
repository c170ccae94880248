"""Measures how many trials an hour a GPU trains when 1, 2, 4 or 8 workers share it, against one worker.

    KERAS_BACKEND=jax python bench/gpu.py [--per-gpu 1 2 4 8] [--macs 20] [--epochs 5] [--images 20000] [--cpu] [--keep]

Every worker trains one trial: a network of 20 million multiply-accumulates at 32x32, on made-up images, as a study does
it, from building and compiling to the saved model. An hour is that of the slowest worker, after Keras is imported. The
GPU's memory is what is taken while all workers are there, idle. Without a GPU nothing is measured; ``--cpu`` tries the
bench itself there. ``--keep`` writes bench/results/gpu_BACKEND.json.
"""

import argparse
import os
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from machine import keep, machine
from matrix_rate import NETWORKS, make_task, write_dataset

from pipeline.data import Dataset
from pipeline.executors import Ready, Slots, call_all, local
from pipeline.executors.devices import gpus
from pipeline.executors.gpu_memory import memory_of
from pipeline.training.worker import DetectDevice, import_training


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--per-gpu", type=int, nargs="+", default=[1, 2, 4, 8], help="numbers of workers; 1 comes first"
    )
    parser.add_argument("--macs", type=int, choices=NETWORKS, default=20, help="millions of the network")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=20_000, help="for training; a quarter as many for validation")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--cpu", action="store_true", help="let the workers share the CPU, to try the bench itself")
    parser.add_argument("--keep", action="store_true", help="write results/gpu_BACKEND.json")
    args = parser.parse_args()
    cards = tuple(gpus()[:1])
    if not cards and not args.cpu:
        print("no GPU here (nvidia-smi lists none): nothing is measured; --cpu tries the bench itself")
        return
    print(machine(), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONVTUNE_CACHE"] = folder
        data = write_dataset(Path(folder), args.images)
        ways = {str(count): measure(data, Path(folder), count, cards, args) for count in sorted({1, *args.per_gpu})}
    report(ways)
    if args.keep:
        keep({"ways": ways}, f"gpu_{os.environ.get('KERAS_BACKEND', 'tensorflow')}.json")


def measure(
    data: Dataset, folder: Path, count: int, cards: tuple[str, ...], args: argparse.Namespace
) -> dict[str, Any]:
    """One trial in each of ``count`` workers on the first card, or on the CPU: the trials an hour, and the memory."""
    slots = Slots(count, hides_gpus=True) if args.cpu else Slots(count, cards, count)
    free = None if args.cpu else memory_of(cards[0], "memory.free")
    with closing(local.start(slots, Path(os.devnull), import_training)) as executor:
        call_all(executor, [Ready(number) for number in range(count)])
        [device] = call_all(executor, [DetectDevice()])
        began = time.perf_counter()
        results = call_all(executor, [make_task(data, folder, args.macs, number, args) for number in range(count)])
        seconds = time.perf_counter() - began
        left = None if args.cpu else memory_of(cards[0], "memory.free")
    taken = None if free is None or left is None else (free - left) / count / 1e9
    return {
        "device": device,
        "seconds": seconds,
        "trials an hour": 3600 * count / seconds,
        "gigabytes a worker": taken,
        "batch sizes": sorted({result.batch_size or 0 for result in results} - {0}),
    }


def report(ways: dict[str, dict[str, Any]]) -> None:
    """Prints one line for each number of workers."""
    alone = ways["1"]["trials an hour"]
    for count, found in ways.items():
        memory = found["gigabytes a worker"]
        took = "" if memory is None else f", {memory:.1f} GB of GPU memory each"
        smaller = f", batches of {found['batch sizes']} for want of memory" if found["batch sizes"] else ""
        print(
            f"{count:>2} on one {found['device']}: {found['trials an hour']:.0f} trials an hour,"
            f" {found['trials an hour'] / alone:.2f} times those of one worker{took}{smaller}"
        )


if __name__ == "__main__":
    main()
