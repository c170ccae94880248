"""McNemar's test: whether two models differ in accuracy on the same images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities

LEVEL = 0.05
"""Models differ significantly when the p value is below it."""

_FEW = 25
"""Fewer disagreements than these are tested exactly."""


@dataclass(frozen=True)
class McNemar:
    """How many images both models, only one of them, or neither of them classifies rightly.

    Only the images on which they disagree say which one is better (Q. McNemar, Note on the sampling error of the
    difference between correlated proportions or percentages, 1947; for classifiers T. Dietterich, Approximate
    statistical tests for comparing supervised classification learning algorithms, 1998).

    >>> test = McNemar(both_right=80, only_first=9, only_second=1, both_wrong=10)
    >>> test.test, round(test.p_value, 4), test.differ
    ('exact binomial', 0.0215, True)
    """

    both_right: int
    only_first: int
    only_second: int
    both_wrong: int

    @property
    def disagreements(self) -> int:
        """The images that only one of the models classifies rightly."""
        return self.only_first + self.only_second

    @property
    def accuracies(self) -> tuple[float, float]:
        """The accuracy of each model; there must be images."""
        n = self.both_right + self.disagreements + self.both_wrong
        return (self.both_right + self.only_first) / n, (self.both_right + self.only_second) / n

    @property
    def test(self) -> str:
        """The form of the test."""
        return "exact binomial" if self.disagreements < _FEW else "chi-square with continuity correction"

    @property
    def p_value(self) -> float:
        """The probability of so uneven disagreements, or more, if both models were equally good.

        Two-sided. Exact for fewer than 25 disagreements, else the chi-square distribution of one degree of freedom with
        A. L. Edwards's correction for continuity (1948). 1 without disagreements.
        """
        from scipy.special import bdtr, chdtrc  # type: ignore[import-untyped]

        if self.disagreements < _FEW:
            return min(1.0, 2 * float(bdtr(min(self.only_first, self.only_second), self.disagreements, 0.5)))
        gap = max(0, abs(self.only_first - self.only_second) - 1)
        return float(chdtrc(1, gap * gap / self.disagreements))

    @property
    def differ(self) -> bool:
        """Whether the models differ significantly at 5 %. If not, that does not mean that they are equal."""
        return self.p_value < LEVEL

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "both_right": self.both_right,
            "only_first_right": self.only_first,
            "only_second_right": self.only_second,
            "both_wrong": self.both_wrong,
            "accuracies": list(self.accuracies),
            "test": f"McNemar, {self.test}",
            "p_value": self.p_value,
            "level": LEVEL,
            "significant": self.differ,
        }


def compare(labels: "Labels", first: "Probabilities", second: "Probabilities") -> McNemar:
    """Compares the most probable classes of two models, each (n, classes), with ``labels``, (n,)."""
    right, other = (probabilities.argmax(axis=1) == labels for probabilities in (first, second))
    return McNemar(
        int((right & other).sum()),
        int((right & ~other).sum()),
        int((~right & other).sum()),
        int((~right & ~other).sum()),
    )
