"""Python's collector of garbage, which must hold up neither imports nor a study."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Within the block nothing is collected: modules are imported there, which leave no garbage.

    The collector would look again and again at what is there: for a quarter of the time that MLflow, Optuna and
    scikit-learn take, which is 1 s, or that TensorFlow takes, 4.6 s. After the block it would look at it three times
    more until it is old, 0.2 s each time: so all of it is made old at once. (Measured.)
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        if was_on:
            gc.enable()


@contextmanager
def short_collections() -> Iterator[None]:
    """Within the block the collector does not look at what there was before it, as the modules that are imported.

    A full collection of these takes 0.2 s (measured, with MLflow and Optuna), in which no worker gets an answer.
    Where somebody else has called ``gc.freeze``, nothing more is frozen: only all of it together could be let go again.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
