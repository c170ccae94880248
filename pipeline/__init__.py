"""convtune: find the best convolutional network for somebody's images.

From Python: ``from pipeline import tune, load_study``.
"""

from typing import Any

__version__ = "0.1.0"

__all__ = ["Study", "__version__", "load_study", "tune"]


def __getattr__(name: str) -> Any:
    """Imports a name of ``pipeline.api`` at its first use (PEP 562): most of the package does without it.

    The types are in ``__init__.pyi``.
    """
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module("pipeline.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
