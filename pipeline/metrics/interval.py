"""The 95 % confidence interval of a share of images."""

import math
from typing import NamedTuple

CONFIDENCE = 0.95
"""How often such an interval has the true value in it, over many sets of images."""

_Z = 1.959964
"""The quantile of the normal distribution that leaves 2.5 % above it."""


class Interval(NamedTuple):
    """The values that the images leave plausible, both ends included.

    >>> str(Interval(0.9551, 0.98))
    '0.9551 to 0.9800'
    """

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:.4f} to {self.high:.4f}"


def wilson(hits: float, n: int) -> Interval | None:
    """The interval of the share ``hits`` / ``n``; None for n = 0.

    Wilson's score interval (E. B. Wilson, Probable inference, the law of succession, and statistical inference, 1927).
    It stays within 0 and 1 and keeps a width where all or none are hits; Brown, Cai and DasGupta (Interval estimation
    for a binomial proportion, 2001) recommend it for small n.

    >>> low, high = wilson(10, 10)
    >>> round(low, 3), high
    (0.722, 1.0)
    """
    if not n:
        return None
    share, spread = hits / n, _Z * _Z / n
    centre = (share + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (share * (1 - share) + spread / 4)) / (1 + spread)
    return Interval(max(0.0, centre - half) if hits else 0.0, min(1.0, centre + half) if hits < n else 1.0)
