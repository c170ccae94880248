"""Whether a score can be reached at all."""

import math

from pipeline.errors import JobError
from pipeline.metrics import Metric


def check_reachable(metric: Metric, score: float) -> None:
    """JobError for a score that the metric never has."""
    low, high = metric.bounds
    if low <= score <= high:
        return
    expected = f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"
    percent = f"; for {score:g} % give {score / 100:g}" if high == 1 < score <= 100 else ""
    raise JobError(f"--stop-at: expected a score that {metric.name} can reach, {expected}, got {score:g}{percent}")
