import os
import signal
import threading

import pytest

from pipeline.signals import ENDING, deferred, interruptible


@pytest.mark.parametrize("number", ENDING)
def test_an_ending_signal_is_an_interrupt(number):
    with pytest.raises(KeyboardInterrupt), interruptible(number):
        os.kill(os.getpid(), number)


def test_a_deferred_signal_waits_for_its_moment():
    steps = []

    def work():
        with deferred(signal.SIGINT) as check:
            check()
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("this step is not cut in two")
            check()
            steps.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["this step is not cut in two"]


def test_a_second_signal_does_not_wait():
    steps = []

    def work():
        with deferred(signal.SIGINT):
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("first")
            os.kill(os.getpid(), signal.SIGINT)
            steps.append("second")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert steps == ["first"]


def test_after_the_block_signals_have_their_earlier_handlers():
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with interruptible(signal.SIGTERM), deferred(signal.SIGINT):
        pass
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


@pytest.mark.parametrize("block", [interruptible, deferred])
def test_a_signal_that_a_process_was_started_to_ignore_stays_ignored(block):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with block(signal.SIGHUP):
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("block", [interruptible, deferred])
def test_outside_of_the_main_thread_signals_stay_as_they_are(block):
    seen = []

    def work():
        with block(signal.SIGINT):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGINT)]
