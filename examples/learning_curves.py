"""Draws the learning curves of a study's trials; python examples/learning_curves.py STUDY [PLOT.png]"""

import sys

import matplotlib.pyplot as plt

from pipeline import load_study
from pipeline.errors import StudyError

study = load_study(sys.argv[1])
figure, axes = plt.subplots(layout="constrained")
for trial in study.trials.itertuples():
    try:
        curve = study.history(trial.trial)[f"val_{study.metric}"]
    except StudyError:  # it finished no epoch
        continue
    is_best = trial.trial == study.best.number
    axes.plot(curve.index, curve, color="tab:blue" if is_best else "0.7", zorder=3 if is_best else 2)
axes.set(title=f"{study.name}: trial {study.best.number} is the best", xlabel="epoch", ylabel=study.metric)
file = sys.argv[2] if len(sys.argv) > 2 else "learning_curves.png"
figure.savefig(file)
print(f"wrote {file}: {len(study.trials)} trials")
