"""The rule by which a study gets what its job leaves open: time, size of the images, epochs and a limit of MACs.

What a study can afford is its time and this machine's rate, the multiply-accumulates (MACs) per second that training
makes. Training on one image takes the MACs of the network, 2 million more, and 750 for each pixel (``macs_beside``); a
full training takes images x epochs of that. So:

- space: ``quick``; ``plain`` from an hour on, since a wide space needs many trials.
- time: 10 minutes, if neither a time nor a number of trials is given and the search does not end by itself.
- trials: 14 full trainings share 10 minutes, and four times the time is for twice as many of twice the length. Given
  trials without a time take 43 s each, as those 14 do.
- epochs: 750 / sqrt(training images), 5 to 40. Few images need many epochs for as many steps, and can afford them.
  Where the time allows networks larger than 24,000 MACs per pixel, half of that factor goes into more epochs.
- image size: the largest whose trials can afford 11,000 MACs per pixel (four blocks of convolutions, 32 to 128 filters
  wide), from 32 to 128 pixels a side and never above the images' own size.
- MACs of one network: at most 4 times the mean that the time allows, since most trials are pruned after a part of their
  epochs, but never so few that hardly any network of the space is left.
"""

import math
from dataclasses import dataclass

from pipeline.search.forecast import BESIDE_PER_IMAGE, BESIDE_PER_PIXEL, TRIAL_OVERHEAD, macs_beside

SECONDS = 600.0
"""The time of a study that is given neither a time nor a number of trials."""

_LONG = 3600.0
"""From so many seconds on the wide space is searched."""

_TRIALS = 14
"""Full trainings in ``SECONDS``."""

_EPOCHS = 750
_FEWEST_EPOCHS, _MOST_EPOCHS = 5, 40

_MACS_PER_PIXEL = 11_000
"""The MACs that a network needs for each pixel: fewer leave no room for a good network at that size."""

_AMPLE_MACS_PER_PIXEL = 24_000
"""Above this, more epochs are worth as much as larger networks."""

_MOST_MACS_PER_PIXEL = 50_000
"""Time that would allow larger networks than this goes into more trials."""

_LIMIT = 4
"""The limit of MACs, relative to the mean that the time allows."""

_SMALLEST, _LARGEST = 32, 128
"""Sides that images are resized to, in pixels: the square root of their area."""

_MULTIPLES = (8, 4)
"""The sides are multiples of the first, or of the second if the first would stretch images by over ``_STRETCHED``."""

_STRETCHED = 0.1
"""The largest relative change of the aspect ratio."""

_NEARLY = 1.05
"""Sides that differ by less than this factor are the same but for rounding to multiples."""

_MOST_UNEQUAL = 4
"""The largest ratio of an image's sides that resizing keeps."""


@dataclass(frozen=True)
class Budget:
    """The computation that a study can afford.

    ``seconds`` is the time of the whole search, ``trials`` the full trainings that share it, ``rate`` the measured
    multiply-accumulates of training per second.
    """

    seconds: float
    trials: float
    rate: float

    @classmethod
    def share(cls, time: float | None, trials: int | None, rate: float, workers: int = 1) -> "Budget":
        """The budget for the given time in seconds and number of trials, either of which may be open.

        ``workers`` share the rate, so there are at least as many trials: one takes all of the time of its worker.

        >>> Budget.share(None, None, 1e9).trials, Budget.share(2400.0, None, 1e9).trials
        (14.0, 28.0)
        >>> Budget.share(None, 7, 1e9).seconds
        300.0
        """
        by_trials = SECONDS if trials is None else SECONDS * trials / _TRIALS
        seconds = by_trials if time is None else time
        return cls(seconds, trials or max(1.0, workers, _TRIALS * math.sqrt(seconds / SECONDS)), rate)

    def work(self, images: int, epochs: int) -> float:
        """The MACs that one image may take in one epoch, all work counted, if ``images`` train for ``epochs``."""
        seconds = self.seconds / self.trials
        return max(seconds - TRIAL_OVERHEAD, seconds / 2) / (epochs * self.seconds_per_mac(images))

    def seconds_per_mac(self, images: int) -> float:
        """The seconds of an epoch per multiply-accumulate, if one network trains alone."""
        return images / self.rate

    def seconds_per_trial(self, macs: float, images: int, epochs: int, pixels: int) -> float:
        """How long a full training of a network of ``macs`` takes on images of ``pixels``."""
        return (macs + macs_beside(pixels)) * epochs * self.seconds_per_mac(images) + TRIAL_OVERHEAD


def mean_macs(work: float, pixels: int) -> float:
    """The mean MACs of the networks that a budget's ``work`` allows for images of ``pixels``; 0 if it is too little.

    >>> mean_macs(10e6, 32 * 32)
    7232000.0
    """
    return max(0.0, work - macs_beside(pixels))


def choose_space(time: float | None, trials: int | None) -> str:
    """The space that is searched for ``time`` in seconds, or for so many trials.

    >>> choose_space(None, None), choose_space(7200, None), choose_space(None, 100)
    ('quick', 'plain', 'plain')
    """
    return "plain" if Budget.share(time, trials, rate=1.0).seconds >= _LONG else "quick"


def choose_epochs(images: int) -> int:
    """The epochs of a full training on so many training images, unless there is ample time.

    >>> choose_epochs(100), choose_epochs(1400), choose_epochs(50_000)
    (40, 20, 5)
    """
    return min(max(round(_EPOCHS / math.sqrt(images)), _FEWEST_EPOCHS), _MOST_EPOCHS)


def lengthen(epochs: int, mean: float, pixels: int) -> int:
    """The epochs, or more of them if ``mean`` MACs of a network are ample for images of ``pixels``.

    >>> lengthen(5, mean=1e9, pixels=1024), lengthen(5, mean=1e8, pixels=1024), lengthen(5, mean=1e7, pixels=1024)
    (32, 10, 5)
    """
    ample = mean / (_AMPLE_MACS_PER_PIXEL * pixels)
    return min(round(epochs * math.sqrt(max(1.0, ample))), max(epochs, _MOST_EPOCHS))


def choose_image_size(own: tuple[int, int], work: float) -> tuple[int, int]:
    """The (height, width) to which images of the size ``own`` are resized, for that much ``work`` on each of them.

    The aspect ratio stays, unless one side is more than 4 times as long as the other. An image that is at most a tenth
    larger than affordable, or smaller than 32x32 pixels, keeps its size.

    >>> choose_image_size((480, 640), 40e6), choose_image_size((100, 100), 1e6), choose_image_size((28, 28), 1e9)
    ((48, 64), (32, 32), (28, 28))
    """
    height, width = (min(side, _MOST_UNEQUAL * min(own)) for side in own)
    side = math.sqrt(height * width)
    pixels = max(0.0, work - BESIDE_PER_IMAGE) / (_MACS_PER_PIXEL + BESIDE_PER_PIXEL)
    affordable = min(max(math.sqrt(pixels), _SMALLEST), _LARGEST)
    if side <= 1.1 * affordable:
        return height, width
    return _resize(height, width, affordable / side)


def explain_image_size(own: tuple[int, int], size: tuple[int, int]) -> str:
    """Why ``choose_image_size`` gives ``size`` for images of the size ``own``.

    >>> explain_image_size((480, 640), (48, 64)), explain_image_size((28, 28), (28, 28))
    ('as large as the time allows', 'their own size')
    """
    side = math.sqrt(math.prod(size))
    if size == own:
        return "their own size"
    if side > _LARGEST / _NEARLY:
        return "the largest that is planned"
    return "the smallest that is planned" if side < _SMALLEST * _NEARLY else "as large as the time allows"


def _resize(height: int, width: int, factor: float) -> tuple[int, int]:
    for multiple in _MULTIPLES:
        rows, columns = (max(1, round(side * factor / multiple)) * multiple for side in (height, width))
        if abs(rows * width / (columns * height) - 1) <= _STRETCHED:
            break
    return rows, columns


def choose_macs(mean: float, pixels: int, least: float) -> int:
    """The limit of MACs of one network, in two digits.

    ``mean`` is what the budget allows on average, ``pixels`` the number of pixels of an image, and ``least`` the limit
    that leaves enough networks of the space.

    >>> choose_macs(4.33e6, 32 * 32, least=1e6), choose_macs(4.33e6, 32 * 32, least=28_123_456)
    (18000000, 29000000)
    """
    wanted = _LIMIT * min(mean, _MOST_MACS_PER_PIXEL * pixels)
    return _round_up(max(wanted, least))


def _round_up(number: float) -> int:
    digit = int(10 ** max(0, math.floor(math.log10(number)) - 1))
    return math.ceil(number / digit) * digit
