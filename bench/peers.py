"""Compares convtune with KerasTuner and with a loop of Optuna and Keras: the same space, images, machine and time.

    python bench/peers.py                     # tables of the runs that are recorded in bench/results/peers.json
    python bench/peers.py report              # the same, and draws docs/images/peers.png
    python bench/peers.py run FOLDER          # runs what is not recorded yet: 6 contenders, 3 seeds, 10 minutes each
    python bench/peers.py run FOLDER --seconds 300 --only convtune-same convtune-plain
    python bench/peers.py check               # what differs between the peers' space and bench/peers_space.yaml

FOLDER is CIFAR-10 as an image folder, with train/<class> and test/<class>. Each run is a new process that has the whole
machine and ends its search ``--seconds`` after its start; what comes after, such as the test, is not counted. Every
contender runs with the first seed, then with the second, and so on. A run that is in the file of results is skipped,
and each is added when it ends, so a benchmark can be made in pieces. convtune plans by the time it has, so what it
reaches in half of the time is another run of it; the others' best model at half time is tested in the same run.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from contenders import convtune
from contenders.records import add_run, has_run, read_runs
from contenders.report import CONTENDERS, PEERS, Results
from contenders.subset import write_subset
from machine import commit, machine

BENCH = Path(__file__).resolve().parent
RESULTS = BENCH / "results" / "peers.json"
PLOT = BENCH.parent / "docs" / "images" / "peers.png"


def main() -> None:
    """Parses the arguments, then runs, checks or reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(do=show, plot=None)
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of the runs (bench/results/peers.json)")
    commands = parser.add_subparsers()
    drawn = commands.add_parser("report", help="print the table, draw the plot")
    drawn.set_defaults(do=show)
    drawn.add_argument("--plot", type=Path, default=PLOT, help="file of the plot (docs/images/peers.png)")
    run = commands.add_parser("run", help="run contenders")
    run.set_defaults(do=run_all)
    run.add_argument("folder", type=Path)
    run.add_argument("--seconds", type=float, nargs="+", default=[600.0])
    run.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    run.add_argument("--only", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    run.add_argument("--images", type=int, default=8000, help="training images; a quarter to validate, and to test")
    run.add_argument("--epochs", type=int, default=12, help="epochs of a full training")
    check = commands.add_parser("check", help="compare the two forms of the space")
    check.set_defaults(do=check_space)
    check.add_argument("--points", type=int, default=200)
    args = parser.parse_args()
    args.do(args)


def show(args: argparse.Namespace) -> None:
    """Prints the table of the recorded runs and the one of the README; draws the plot if there is a file for it."""
    runs = read_runs(args.results)
    if not runs:
        print(f"no runs in {args.results.name} yet; make them with: python bench/peers.py run FOLDER")
        return
    results = Results(runs)
    print(results.table(), results.summary(), sep="\n\n")
    if args.plot:
        results.plot(args.plot)


def check_space(args: argparse.Namespace) -> None:
    """Prints what differs between random points of the peers' space and their counterparts."""
    from contenders.check import compare

    print(compare(args.points, BENCH / "peers_space.yaml"))


def run_all(args: argparse.Namespace) -> None:
    """Runs each contender with each seed and each budget that is not recorded yet."""
    with tempfile.TemporaryDirectory() as temporary:
        subset = Path(temporary, "subset.npz")
        write_subset(args.folder, args.images, subset)
        for seed in args.seeds:
            for name in args.only:
                for seconds in args.seconds:
                    key = {"contender": name, "seed": seed, "seconds": seconds}
                    key |= {"images": args.images, "epochs_at_most": args.epochs}
                    if not has_run(read_runs(args.results), key):
                        one = run_one(key, subset)
                        add_run(args.results, one)
                        print(
                            {field: one[field] for field in (*key, "trials", "epochs", "best_val", "test")}, flush=True
                        )


def run_one(key: dict[str, Any], subset: Path) -> dict[str, Any]:
    """One run in a folder of its own: what ``key`` asks for, where and when it ran, and its outcome."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        shutil.copy(subset, folder / "subset.npz")
        shutil.copy(BENCH / "peers_space.yaml", folder)
        circumstances = {"sgemm_gflops": sgemm_gflops(), "load": round(os.getloadavg()[0], 2), "date": now()}
        if key["contender"] in PEERS:
            outcome = run_peer(key, folder)
        else:
            name, seed, seconds, epochs = (key[field] for field in ("contender", "seed", "seconds", "epochs_at_most"))
            outcome = convtune.run(name, seed, seconds, epochs, folder)
    return {
        **key,
        "best_val": outcome["curve"][-1][1] if outcome["curve"] else None,
        **outcome,
        **circumstances,
        "machine": machine(),
        "versions": {package: version(package) for package in ("convtune", "keras-tuner", "numpy")},
        "commit": commit(),
    }


def now() -> str:
    """The date and time in UTC."""
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime())


def run_peer(key: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The outcome that ``peer.py`` prints; SystemExit with the end of its output if it fails."""
    flags = f"--data subset.npz --seed {key['seed']} --seconds {key['seconds']:g} --epochs {key['epochs_at_most']}"
    arguments = [key["contender"], *flags.split()]
    began = time.time()
    script = [sys.executable, str(BENCH / "contenders" / "peer.py"), *arguments, "--began", str(began)]
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{key['contender']}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return {
        **json.loads(done.stdout.splitlines()[-1]),
        "process_seconds": round(time.time() - began, 1),
        "command": f"python bench/contenders/peer.py {' '.join(arguments)}",
    }


def sgemm_gflops(size: int = 2048, seconds: float = 1.0) -> float:
    """The rate of float32 matrix products on all cores, in 1e9 floating-point operations per second."""
    matrix = np.ones((size, size), np.float32)
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        matrix @ matrix
        count += 1
    return round(2 * size**3 * count / (time.perf_counter() - began) / 1e9, 1)


if __name__ == "__main__":
    main()
