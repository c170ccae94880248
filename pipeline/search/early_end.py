"""When a trial's score is final before its last epoch, whatever other trials do: it plateaus, or it diverges."""

import math
from collections.abc import Sequence
from itertools import pairwise

from pipeline.metrics import Metric
from pipeline.study.trial import EPOCH_LEARNING_RATE, EpochReport

_SHARE = 1 / 3
"""The share of the full epochs without a better score that is a plateau."""
_SHORTEST = 6
"""The fewest epochs that are a plateau: shorter ones come and go with the noise of a small validation set."""
_WAITED = 11
"""The fewest epochs that are a plateau at a constant rate: Keras's ReduceLROnPlateau, which lowers it, waits for 10."""
_FALLEN = 0.1
"""The share of its peak at which a falling learning rate has little left to give."""
_FAR_ABOVE = 2.0
"""How many times its best a training loss is far above it."""
_UNMOVED = 0.97
"""The share of an earlier training loss above which a loss has not got lower."""
_EQUAL = 1 + 1e-6
"""Learning rates are float32: a constant one may differ from itself by rounding."""


def why_final(history: Sequence[EpochReport], metric: Metric, epochs: int) -> str:
    """Why a trial of ``epochs`` epochs will not get better than in its ``history`` so far; "" if it may.

    - Its score is perfect.
    - It plateaus: no better score for a third of its epochs, and at least six, while the learning rate has nothing left
      to give: it has stayed at its peak for 11 epochs or more, or been at a tenth of it for half of the time. While a
      rate falls, as a cosine does, scores may stand still and rise at the end.
    - It learns nothing: no better score for as long, and the training loss is where it was in the first epoch. A rate
      that falls is no excuse.
    - It diverges: for half as long the training loss is twice its best and above that of its first epoch, and does not
      come down.

    All of these epochs count from the one in which the learning rate has stopped rising: in the rise of a warm-up or of
    one cycle scores fall and losses rise. A history without learning rates is left alone.
    """
    plateau = max(_SHORTEST, math.ceil(_SHARE * epochs))
    losses = [report.metrics.get("loss", math.nan) for report in history]
    rates = [report.metrics.get(EPOCH_LEARNING_RATE, math.nan) for report in history]
    best_epoch = _best_epoch(history, metric)
    if best_epoch and metric.reaches(history[best_epoch - 1].metrics[metric.logged_as], metric.best):
        return "its score is perfect"
    if _has_settled(rates, plateau // 2) and _diverges(losses, plateau // 2):
        return f"its training loss rose from {min(losses):.3g} to {losses[-1]:.3g}"
    since = len(history) - best_epoch
    if since < plateau or not _has_settled(rates, plateau):
        return ""
    if min(losses[-plateau:]) > _UNMOVED * losses[0]:
        return f"it has learned nothing for {since} epochs"
    return f"no better for {since} epochs" if _is_spent(rates, plateau, since) else ""


def _best_epoch(history: Sequence[EpochReport], metric: Metric) -> int:
    """The epoch with the best score, the first of equal ones; 0 if none has a finite one."""
    best, score = 0, None
    for report in history:
        if metric.better(report.metrics[metric.logged_as], than=score):
            best, score = report.epoch, report.metrics[metric.logged_as]
    return best


def _has_settled(rates: Sequence[float], span: int) -> bool:
    """Whether the rate has not risen in the last ``span`` epochs, each compared with the one before it."""
    recent = rates[-span - 1 :]
    return len(rates) > span and all(later <= _EQUAL * earlier for earlier, later in pairwise(recent))


def _is_spent(rates: Sequence[float], span: int, since: int) -> bool:
    """Whether the learning rate has stayed at its peak for some epochs, or has been small for half of ``span``."""
    peak = max(rates)
    is_constant = since >= _WAITED and peak <= _EQUAL * min(rates[-since - 1 :])
    return is_constant or max(rates[-(span // 2) :]) <= _FALLEN * peak


def _diverges(losses: Sequence[float], span: int) -> bool:
    recent = losses[-span:]
    lost = all(loss > max(_FAR_ABOVE * min(losses), losses[0]) for loss in recent)
    return lost and recent[-1] > _UNMOVED * recent[0]
