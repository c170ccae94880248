"""Memory of one worker over many trials.

    python bench/memory.py [--trials 100] [--epochs 1]

Trains random points of the quick space on mnist5k in one worker and prints its resident memory after every tenth
trial, and the ratio of the last to the tenth.
"""

import argparse
import tempfile
from functools import partial
from itertools import islice
from pathlib import Path

import psutil
from machine import machine

from pipeline import space as spaces
from pipeline.data import load
from pipeline.executors import worker
from pipeline.model_card import ModelCard
from pipeline.search.candidate import judge
from pipeline.search.ledger import Ledger
from pipeline.search.propose import Proposer
from pipeline.search.searches import SEARCHES
from pipeline.trial import Answer, Outcome, State


def main() -> None:
    """Parses, measures, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--epochs", type=int, default=1)
    args = parser.parse_args()
    print(machine())
    data = load("mnist5k", seed=0, fetch=lambda name, target: None)
    space = spaces.load("quick")
    card = ModelCard(data.classes, data.shape, data.name, data.digest, 0, "memory", 0)
    sizes = []
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "optuna.db", space, "none", args.epochs)
        proposer = Proposer(
            space, SEARCHES["random"](space, 0), ledger, partial(judge, space, shape=data.shape, classes=10), 0
        )
        executor = worker(Path(folder) / "worker.log")
        begun = islice(filter(None, proposer.proposals(args.epochs)), args.trials)
        for number, (trial, candidate) in enumerate(begun, start=1):
            model = Path(folder) / "model.keras"
            executor.submit(candidate.task(trial, data, "auto", model, card))
            while not executor.wait(lambda report: Answer.GO):
                pass
            ledger.tell(Outcome(trial.number, State.COMPLETE, 0.5))
            [pid] = executor.pids
            sizes.append(psutil.Process(pid).memory_info().rss)
            if number % 10 == 0:
                print(f"after {number:3d} trials: {sizes[-1] / 2**20:,.0f} MiB (process {pid})", flush=True)
        executor.close()
    print(f"after {args.trials} trials / after 10: {sizes[-1] / sizes[9]:.3f}")


if __name__ == "__main__":
    main()
