"""Whether a model is as often right as its probabilities say."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pipeline.arrays import Labels, Probabilities

BINS = 15
"""Bins of equal width, as many as Guo et al. have."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Images in bins of their confidence, the probability of the predicted class.

    Bin ``i`` of ``BINS`` holds confidences above i / BINS, up to (i + 1) / BINS. ``images`` are the counts (bins,),
    ``confidence`` and ``accuracy`` the means of each bin, NaN for an empty one.
    """

    images: NDArray[np.int64]
    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]

    @property
    def error(self) -> float:
        """The expected calibration error: the mean gap between confidence and accuracy of a bin, weighted by images.

        C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, On calibration of modern neural networks, 2017. From 0, which
        is best, to 1; NaN without images. Few images make it too large, since the accuracy of a bin varies by chance.
        """
        gaps = np.abs(self.accuracy - self.confidence)
        return self._mean(gaps)

    @property
    def mean_confidence(self) -> float:
        """The accuracy that the model expects of itself; NaN without images."""
        return self._mean(self.confidence)

    def _mean(self, of_bins: NDArray[np.float64]) -> float:
        filled = self.images > 0
        return float(np.average(of_bins[filled], weights=self.images[filled])) if filled.any() else math.nan

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON: error, mean_confidence, and the bins that have images; None if not defined."""
        filled = np.flatnonzero(self.images)
        bins = [
            {
                "above": int(number) / BINS,
                "up_to": (int(number) + 1) / BINS,
                "images": int(self.images[number]),
                "confidence": float(self.confidence[number]),
                "accuracy": float(self.accuracy[number]),
            }
            for number in filled
        ]
        error, confidence = (self.error, self.mean_confidence) if bins else (None, None)
        return {"error": error, "mean_confidence": confidence, "bins": bins}


def measure_calibration(labels: "Labels", probabilities: "Probabilities") -> Calibration:
    """Puts the images into bins; none of them where a row of ``probabilities`` is not finite."""
    confidence = probabilities.max(axis=1, initial=0.0).astype(np.float64)
    if not np.isfinite(confidence).all():
        return measure_calibration(labels[:0], probabilities[:0])
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    right = (probabilities.argmax(axis=1) == labels) if len(labels) else np.zeros(0)
    images = np.bincount(bins, minlength=BINS)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(bins, weights=values, minlength=BINS) / images for values in (confidence, right)]
    return Calibration(images, *means)
