"""Tunes a small network from Python and reads the results with pandas; python examples/from_python.py [DATA]"""

import sys

from pipeline import tune

data = sys.argv[1] if len(sys.argv) > 1 else "digits"
settings = {"space": "quick", "limit": {"macs": "300k"}, "epochs": 2, "trials": 3, "workers": 1}
study = tune(data=data, study="from-python", quiet=True, **settings)

trials = study.trials  # a pandas frame: one row per trial, one typed column per hyperparameter
print(trials[["trial", "state", "score", "epochs", "parameters", "blocks", "learning_rate"]].to_string(index=False))
print(trials.groupby("blocks").score.agg(["count", "mean", "max"]).round(3))

best = study.best
print(f"trial {best.number} is the best: {study.metric} {best.score:.3f} with {best.parameters:,} parameters")
print(f"on the test images: {study.test_scores[study.metric]:.3f}")
print(study.history()[["val_accuracy", "val_loss", "seconds"]])  # of the best trial, by epoch
