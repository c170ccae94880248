"""Measures the share of the machine's matrix rate that training reaches, and where the rest of the time goes.

    python bench/matrix_rate.py [--epochs 3] [--images 8000] [--networks 2 20 200] [--workers 2 1] [--keep]

The matrix rate is that of a product of two matrices: on CPUs float32 ones on all cores (numpy's sgemm), on a GPU those
of the training's precision. Networks of 2, 20 and 200 million multiply-accumulates (MACs) at 32x32 are trained on 8,000
made-up images, as trials of a study are: mirrored and shifted, validated on 2,000 images after each epoch, the best
epoch saved. Once as many workers as cores train the same network side by side, and once one worker has all cores;
``--workers`` says other numbers. With a GPU all workers share the first one. A training step counts 6 floating-point
operations per MAC and image: 2 forwards, 4 backwards. Whatever else takes time lowers the share: making batches,
validation, tracing the graph, saving. "All together" is the work of all networks over the time of all.

With a GPU the steps run while the next batches are made, so the parts of an epoch do not add up. ``--keep`` writes
bench/results/matrix_rate.json, with a GPU matrix_rate_gpu_BACKEND.json. On a machine that does other things meanwhile
the shares are too low; those of the processor time that the training got are less so.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from machine import keep, machine
from numpy.typing import NDArray

from pipeline.architecture import FAMILIES
from pipeline.data import Dataset, load
from pipeline.executors import Ready, Slots, call, call_all, local
from pipeline.executors.devices import GPU_MASK, gpus, usable_cores
from pipeline.metrics import ACCURACY
from pipeline.recipe import Recipe
from pipeline.study.model_metadata import ModelMetadata
from pipeline.study.trial import ReportCallback, Trial, TrialResult
from pipeline.training.inputs import TrainingInputs
from pipeline.training.task import TrainTask
from pipeline.training.worker import import_training

NETWORKS: dict[int, dict[str, Any]] = {
    2: {"convs": 1, "filters_1": 16, "filters_2": 24, "filters_3": 48},
    20: {"convs": 1, "filters_1": 48, "filters_2": 88, "filters_3": 192},
    200: {"convs": 2, "filters_1": 72, "filters_2": 144, "filters_3": 288},
}
"""Three blocks of 3x3 convolutions, batch norm, ReLU and pool, by about how many million MACs they have."""
COMMON = {"blocks": 3, "fc_layers": 0, "head": "average", "norm": "batch", "optimizer": "sgd", "learning_rate": 0.05}
COMMON |= {"schedule": "one_cycle", "weight_decay": 5e-4, "batch_size": 64, "flip": True, "shift": 0.12}
CLASSES = 10
FLOPS_PER_MAC = 6
SIDE, GPU_SIDE, PRODUCTS = 3_000, 8_192, 20


def main() -> None:
    """Parses the arguments, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=3, help="at least 2: the first has the tracing")
    parser.add_argument("--images", type=int, default=8_000, help="for training; a quarter as many for validation")
    parser.add_argument("--networks", type=int, nargs="+", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument("--workers", type=int, nargs="+", help="numbers of trainings side by side")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--keep", action="store_true", help="write results/matrix_rate.json")
    args = parser.parse_args()
    print(machine())
    cards = gpus()[:1]
    if cards:
        os.environ[GPU_MASK] = cards[0]  # else the workers would take the cards in turn
    rate = gpu_rate(args.precision) if cards else matrix_rate()
    whose = "the GPU" if cards else f"{len(usable_cores())} cores"
    print(f"matrix rate of {whose}: {rate / 1e9:.0f} GFLOP/s", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CONVTUNE_CACHE"] = folder
        data = write_dataset(Path(folder), args.images)
        counts = args.workers or worker_counts()
        ways = {str(workers): measure(data, Path(folder), workers, rate, args) for workers in counts}
    if args.keep:
        backend = os.environ.get("KERAS_BACKEND", "tensorflow")
        keep({"flops": rate, "ways": ways}, f"matrix_rate_gpu_{backend}.json" if cards else "")


def worker_counts() -> list[int]:
    """As many workers as cores, and one."""
    return sorted({len(usable_cores()), 1}, reverse=True)


def matrix_rate() -> float:
    """Floating-point operations per second of the fastest of some matrix products, on all cores."""
    matrix, times = np.ones((SIDE, SIDE), np.float32), []
    for _ in range(PRODUCTS):
        began = time.perf_counter()
        np.matmul(matrix, matrix)
        times.append(time.perf_counter() - began)
    return 2 * SIDE**3 / min(times)


def gpu_rate(precision: str) -> float:
    """Floating-point operations per second of matrix products on the GPU, in a worker since they import Keras."""
    with closing(local.start_one(Path(os.devnull), import_training)) as executor:
        return call(executor, GpuRate(precision))


@dataclass(frozen=True)
class GpuRate:
    """The task of measuring the GPU's matrix rate."""

    precision: str
    number: int = 0

    def run(self, report: ReportCallback) -> float:
        """Multiplies matrices in a chain, so that waiting for the last waits for all; the second chain counts."""
        import keras

        from pipeline.training.precision import choose_policy

        dtype = keras.DTypePolicy(choose_policy(self.precision)).compute_dtype
        matrix = keras.ops.ones((GPU_SIDE, GPU_SIDE), dtype) / GPU_SIDE
        for _ in range(2):
            began, product = time.perf_counter(), matrix
            for _ in range(PRODUCTS):
                product = keras.ops.matmul(product, matrix)
            float(keras.ops.convert_to_numpy(product[0, 0]).astype(np.float32))
            seconds = time.perf_counter() - began
        return 2 * GPU_SIDE**3 * PRODUCTS / seconds


def write_dataset(folder: Path, images: int) -> Dataset:
    """Noise whose brightness tells the class: how long training takes does not depend on the pixels."""
    rng, arrays = np.random.default_rng(0), {}
    for split, count in (("train", images), ("val", images // 4), ("test", 100)):
        labels = np.arange(count) % CLASSES
        noise = rng.integers(0, 100, (count, 32, 32, 3), dtype=np.uint8)
        arrays |= {f"x_{split}": noise + labels[:, None, None, None].astype(np.uint8) * 15, f"y_{split}": labels}
    np.savez(folder / "noise.npz", **arrays)
    return load(str(folder / "noise.npz"), seed=0, fetch=lambda name, target: None)


def measure(data: Dataset, folder: Path, workers: int, rate: float, args: argparse.Namespace) -> dict[str, Any]:
    """Trains each network in ``workers`` workers side by side, prints and returns the shares and the parts."""
    print(f"\n{workers} worker{'s' if workers > 1 else ''}")
    total, found = np.zeros(3), dict[str, Any]()
    with closing(local.start(Slots(workers, tuple(gpus())), Path(os.devnull), import_training)) as executor:
        call_all(executor, [Ready(number) for number in range(workers)])
        for macs in args.networks:
            tasks = [Timed(make_task(data, folder, macs, number, args)) for number in range(workers)]
            timings = call_all(executor, tasks)
            parts = {name: statistics.mean(timing[name] for timing in timings) for name in timings[0]}
            work = FLOPS_PER_MAC * tasks[0].task.architecture.macs * len(data.train) * args.epochs * workers
            spent = np.array([work, max(timing["whole"] for timing in timings), parts["processor"] * workers])
            total += spent
            speed = len(data.train) * workers / parts["epoch"]
            found[f"{macs} M"] = shares(spent, rate) | {"images a second": speed, "parts": parts}
            print(f"{macs:4} M MACs: {describe_shares(found[f'{macs} M'])}")
            print(f"     {speed:.0f} images a second after the first epoch; {describe(parts)}", flush=True)
    found["all together"] = shares(total, rate)
    print(f"all together: {describe_shares(found['all together'])}")
    return found


def shares(spent: NDArray[np.float64], rate: float) -> dict[str, float]:
    """The shares of the matrix rate in operations a second, and, without a GPU, in those of processor time."""
    work, seconds, processor = spent.tolist()
    found = {"share": work / seconds / rate}
    return found if gpus() else found | {"of processor time": work / processor / (rate / len(usable_cores()))}


def describe_shares(found: dict[str, Any]) -> str:
    """The shares of a network, or of all."""
    names = {"share": "share", "of processor time": "of the processor time that it got"}
    return ", ".join(f"{names[name]} {found[name]:.2g}" for name in names if name in found)


def make_task(data: Dataset, folder: Path, macs: int, number: int, args: argparse.Namespace) -> TrainTask:
    """A trial of the network; the seeds of workers differ."""
    params = COMMON | NETWORKS[macs]
    architecture = FAMILIES["plain"].build(params, data.shape, CLASSES)
    metadata = ModelMetadata(data.classes, data.shape, data.name, data.digest, 0, "bench", number)
    trial = Trial(number, params, number, args.epochs)
    inputs = TrainingInputs(trial, data, ACCURACY, args.precision, folder / f"{number}.keras", metadata)
    return TrainTask(inputs, architecture, Recipe.from_params(params))


def describe(parts: dict[str, float]) -> str:
    """One line: what an epoch and a whole trial are made of, in seconds."""
    loop = parts["epoch"] - parts["validation"] - parts["batches"] - parts["compute"]
    return (
        f"an epoch: {parts['epoch']:.2f} s = {parts['compute']:.2f} computing + {parts['batches']:.2f} making batches"
        f" + {loop:.2f} loop and callbacks + {parts['validation']:.2f} validation (metrics {parts['metrics']:.2f});"
        f" once: {parts['tracing']:.2f} building and tracing, {parts['saving']:.2f} saving"
    )


@dataclass(frozen=True)
class Timed:
    """A training that returns the seconds of its parts instead of its result."""

    task: TrainTask

    @property
    def number(self) -> int:
        """The trial's number."""
        return self.task.number

    def run(self, report: ReportCallback) -> dict[str, float]:
        """Trains; then measures a step."""
        from pipeline.training import batches, evaluation, fit

        watched = (
            ("saving", fit, "_inference_model", time.perf_counter),
            ("saving", fit, "save_best_model", time.perf_counter),
            ("batches", batches.TrainingBatches, "__getitem__", time.thread_time),  # in a thread beside the steps
            ("validation", evaluation._Validation, "evaluate", time.perf_counter),
            ("metrics", evaluation, "compute_metrics", time.perf_counter),
        )
        seconds: dict[str, list[float]] = {name: [] for name, *_ in watched}
        with ExitStack() as stack:
            for name, owner, attribute, clock in watched:
                timed = time_calls(getattr(owner, attribute), clock, seconds[name])
                stack.enter_context(mock.patch.object(owner, attribute, timed))
            began, used = time.perf_counter(), time.process_time()
            result = self.task.run(report)
            whole, used = time.perf_counter() - began, time.process_time() - used
        steps = len(self.task.inputs.dataset.train) // self.task.recipe.batch_size
        return dict(self._parts(result, seconds)) | {"whole": whole, "processor": used, "compute": self._step() * steps}

    def _parts(self, result: TrialResult, seconds: dict[str, list[float]]) -> Iterator[tuple[str, float]]:
        ends = [0.0, *(epoch.seconds for epoch in result.history)]
        epochs = [after - before for before, after in pairwise(ends)]
        epoch = statistics.median(epochs[1:])
        yield "epoch", epoch
        yield "tracing", epochs[0] - epoch
        yield "saving", sum(seconds["saving"])
        yield "batches", sum(seconds["batches"]) / len(epochs)
        yield "validation", statistics.median(seconds["validation"][1:])
        yield "metrics", statistics.median(seconds["metrics"])

    def _step(self) -> float:
        """Seconds of a training step on the same batch again and again."""
        from pipeline.training import fit

        inputs = self.task.inputs
        model = fit._compile(self.task.architecture, self.task.recipe, inputs)
        size, times = self.task.recipe.batch_size, list[float]()
        images, labels = inputs.dataset.images[:size], np.eye(CLASSES, dtype=np.float32)[inputs.dataset.labels[:size]]
        while len(times) < 10 or sum(times[2:]) < 1:
            began = time.perf_counter()
            model.train_on_batch(images, labels)
            times.append(time.perf_counter() - began)
        return statistics.median(times[2:])


def time_calls(function: Callable[..., Any], clock: Callable[[], float], seconds: list[float]) -> Callable[..., Any]:
    """The function, with the time of each call added to ``seconds``."""

    def timed(*args: Any, **settings: Any) -> Any:
        began = clock()
        try:
            return function(*args, **settings)
        finally:
            seconds.append(clock() - began)

    return timed


if __name__ == "__main__":
    main()
