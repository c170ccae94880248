"""The arrays that rooms hand to each other."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8]
"""(n, height, width, channels); a pixel is 0 (black) to 255 (white)."""

Labels = NDArray[np.int64]
"""(n,), the number of each image's class."""

Probabilities = NDArray[np.floating[Any]]
"""(n, classes); the rows add up to 1."""
