"""SIGTERM and Ctrl-C wait until they are asked for, and then do what they did."""

import signal
import threading

import pytest

from fastadam._checkpoint.signals import Deferred


@pytest.fixture
def heard():
    """Return the signals that a handler of the user's has got."""
    numbers = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: numbers.append(number))
    yield numbers
    signal.signal(signal.SIGTERM, before)


def test_a_signal_waits_until_it_is_delivered_and_the_next_one_too(heard):
    own = signal.getsignal(signal.SIGTERM)
    with Deferred() as deferred:
        for times in (1, 2):
            signal.raise_signal(signal.SIGTERM)
            assert deferred.has_come
            assert len(heard) == times - 1
            deferred.deliver()
            assert not deferred.has_come
            assert heard == [signal.SIGTERM] * times
        deferred.deliver()
    assert len(heard) == 2
    assert signal.getsignal(signal.SIGTERM) is own


def test_what_was_not_delivered_comes_at_the_end(heard):
    with Deferred():
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_a_second_signal_comes_at_once(heard):
    with Deferred() as deferred:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert heard == [signal.SIGTERM]
        assert not deferred.has_come


def test_control_c_is_raised_where_it_is_delivered():
    own = signal.getsignal(signal.SIGINT)
    with Deferred() as deferred:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            deferred.deliver()
    assert signal.getsignal(signal.SIGINT) is own


def test_ignored_signals_and_other_threads_are_left_alone(heard):
    def enter():
        with Deferred():
            handlers.append(signal.getsignal(signal.SIGTERM))

    own, handlers = signal.getsignal(signal.SIGTERM), []
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    enter()
    assert handlers == [own, signal.SIG_IGN]
