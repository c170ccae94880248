"""convtune: find the best convolutional network for somebody's images."""

__version__ = "0.1.0"
