"""Turns Ctrl-C and the signals that ask a process to end into KeyboardInterrupt, at once or at a safe moment.

A signal that this process was started to ignore, as by ``nohup``, stays ignored. Python allows handlers in the main
thread alone: in another one, as some notebooks have it, all signals stay as they are.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = tuple(signal.Signals[name] for name in ("SIGTERM", "SIGHUP") if name in signal.Signals.__members__)
"""The signals other than Ctrl-C's (SIGINT) that ask a process to end."""


@contextmanager
def interruptible(*signals: signal.Signals) -> Iterator[None]:
    """Within the block, each of the signals raises KeyboardInterrupt, as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(signals, interrupt):
        yield


@contextmanager
def deferred(*signals: signal.Signals) -> Iterator[Callable[[], None]]:
    """Within the block, the first of the signals waits until the block calls the function that it is given.

    So a step that writes in several places is not cut in two. A second signal does not wait. Both raise
    KeyboardInterrupt.
    """
    arrived = False

    def defer(number: int, frame: FrameType | None) -> None:
        nonlocal arrived
        if arrived:
            raise KeyboardInterrupt
        arrived = True

    def check() -> None:
        if arrived:
            raise KeyboardInterrupt

    with _handled(signals, defer):
        yield check


@contextmanager
def _handled(signals: tuple[signal.Signals, ...], handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Installs ``handler`` for the signals that are not ignored, and restores their handlers afterwards."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {
        number: signal.signal(number, handler) for number in signals if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, earlier in previous.items():
            signal.signal(number, earlier)
