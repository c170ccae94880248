"""Ctrl-C and polite kills: turned into KeyboardInterrupt, at once or at a moment that suits.

A signal that this process was started to ignore, as by ``nohup``, stays ignored.
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
"""The signals beside Ctrl-C's that ask a process to end."""


@contextmanager
def interruptible(*signals: signal.Signals) -> Iterator[None]:
    """Each of the signals raises KeyboardInterrupt in the block, as Ctrl-C does. Main thread only."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(signals, interrupt):
        yield


@contextmanager
def deferred(*signals: signal.Signals) -> Iterator[Callable[[], None]]:
    """The first of the signals only takes effect where the block calls what it is given; a second one at once.

    So a step that writes in several places is not cut in two. Both raise KeyboardInterrupt. Main thread only.
    """
    arrived = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal arrived
        if arrived:
            raise KeyboardInterrupt
        arrived = True

    def check() -> None:
        if arrived:
            raise KeyboardInterrupt

    with _handled(signals, note):
        yield check


@contextmanager
def _handled(signals: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    heeded = [one for one in signals if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, handler) for one in heeded}
    try:
        yield
    finally:
        for one, earlier in before.items():
            signal.signal(one, earlier)
