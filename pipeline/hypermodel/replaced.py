"""Replaces an attribute of a class for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def replaced(owner: type, name: str, value: Any) -> Iterator[None]:
    """``owner.name`` is ``value`` in the block; afterwards it is what it was, inherited or its own.

    >>> class Animal: legs = 4
    >>> with replaced(Animal, "legs", 2):
    ...     Animal.legs
    2
    """
    before = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)
