"""Which kernel runs: the serial or the parallel one, and when the parallel one may.

Both give the same bits, so the choice is one of speed alone. It cannot be made by size: right
after a matrix product the BLAS library's threads keep spinning on the cores that the parallel
kernel waits for. A million parameters then took 2.5 ms in parallel and 0.57 ms serially, where on
a quiet machine they took 0.28 and 0.54 ms. So the two are timed while they do their work.
"""

from __future__ import annotations

import math
import os
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from operator import itemgetter
from time import perf_counter
from typing import Any

import numba

from .._uninterrupted import Call, call_each, exhaust
from .kernels import Kernel

#: Below this many parameters the serial kernel is never clearly slower (it takes 5 us where waking
#: the other threads takes 2 to 5), and the parallel one is not tried.
PARALLEL_MIN_SIZE = 16_384

#: Steps of each kernel in a trial. The first parallel one pays for waking up threads that sleep.
TRIAL_STEPS = 3

#: The parallel kernel is chosen up to this many times the serial one's time: a few steps do not
#: tell closer calls, and where they differ so little (at the memory's limit) it mostly is faster.
PARALLEL_BONUS = 1.1

#: The share of the time of all steps that trials may cost: at first, when one unlucky trial may
#: have chosen the wrong kernel, and at last, when each has confirmed the one before.
FIRST_TRIAL_SHARE, LAST_TRIAL_SHARE = 0.1, 0.02

#: The least number of steps between two trials.
LEAST_WAIT = 50

#: Seconds that a step may take longer than expected by the operating system's doing.
HICCUP = 4e-4

# Numba's "workqueue" threading layer aborts the process when two threads enter parallel code at
# once, and the GNU OpenMP layer hangs or dies in a child forked after parallel code has run.
_lock = threading.Lock()
_forked = False


def _after_fork() -> None:
    global _lock, _forked
    _lock = threading.Lock()  # the parent may have held it
    _forked = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def run_parallel(kernel: Kernel, arguments: tuple[Any, ...], threads: int | None = None) -> bool:
    """Run a parallel kernel where that is safe, and tell whether it ran.

    With a number of threads other Python threads are waited for. Without one, it runs on as many
    as Numba uses, and only if no other Python thread runs a parallel kernel of ours.
    """
    if _forked:
        return False
    is_locked: list[bool] = []
    try:
        # In one call, so that Ctrl-C cannot come between having the lock and knowing it.
        is_locked.extend(map(_lock.acquire, (threads is not None,)))
        if not is_locked[0]:
            return False
        if threads is None or threads == numba.get_num_threads():  # setting it takes 1.2 us
            kernel(*arguments)
        else:
            _run_on(threads, kernel, arguments)
    finally:
        if is_locked and is_locked[0]:
            _lock.release()
    return True


def _run_on(threads: int, kernel: Kernel, arguments: tuple[Any, ...]) -> None:
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(threads)
        kernel(*arguments)
    finally:
        numba.set_num_threads(before)


class KernelChoices:
    """The arrays of an optimiser that have a choice of kernels, and what they chose.

    Arrays of about one size share their timings: a model of many arrays learns from each step
    once, not once an array.

    ``threads`` is 1 for the serial kernel, more for the parallel one on so many threads, None for
    whichever is faster at the time.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads
        self._choices: dict[tuple[Any, ...], FixedThreads | TimedChoice] = {}
        self._by_place: dict[int, FixedThreads | TimedChoice] = {}
        # Those of calls that choose with others, which have parallel kernels of their own.
        self._loaders: dict[int, Callable[[], Kernel]] = {}
        self._joined: dict[int, Kernel] = {}

    def add(self, place: int, load_parallel: Callable[[], Kernel], size: int, *kind: Any) -> bool:
        """Tell whether the call at a place, over an array of a size, has a choice; remember it.

        ``kind`` is what its kernel was made from: calls of one kind and about one size choose
        together.
        """
        threads = self._threads
        if threads == 1 or numba.config.NUMBA_NUM_THREADS == 1:
            return False
        if threads is None and size < PARALLEL_MIN_SIZE:
            return False
        key = (*kind, size.bit_length())
        if key not in self._choices:
            self._choices[key] = (TimedChoice if threads is None else FixedThreads)(load_parallel)
        self._by_place[place] = self._choices[key]
        return True

    def join(self, place: int, load_parallel: Callable[[], Kernel], other: int) -> None:
        """Have the call at a place choose together with the one at another, if that has a choice.

        So it is with the norm of a gradient and the step: right after PyTorch's or BLAS's threads
        the first of them waits for the cores, and by itself would run serially.
        """
        if other in self._by_place:
            self._by_place[place] = self._by_place[other]
            self._loaders[place] = load_parallel

    def run(self, calls: Iterable[Call]) -> None:
        """Make the calls of a step, in one go: whatever raises does so before or after them.

        Those of kernels with a choice are at the places that `add` was told.
        """
        is_timed = in_parallel = False
        for choice in self._choices.values():
            choice.plan()  # what has still to be compiled is compiled here
            is_timed |= choice.is_timed
            in_parallel |= choice.parallel is not None
        for place, load in self._loaders.items():
            if self._by_place[place].parallel and place not in self._joined:
                self._joined[place] = load()
        if in_parallel and run_parallel(self._run_chosen, (calls, True), self._threads):
            return
        if is_timed:
            self._run_chosen(calls, False)
        else:
            exhaust(call_each(calls))

    def _run_chosen(self, calls: Iterable[Call], in_parallel: bool) -> None:
        """Make the calls with the kernels that were chosen, and time them."""
        clock = (perf_counter,)
        timed = []
        chosen = list(calls)
        for place, choice in self._by_place.items():
            if in_parallel and choice.parallel:
                kernel = self._joined.get(place, choice.parallel)
                chosen[place] = (kernel, *chosen[place][1:])
            if choice.is_timed:
                timed.append((place, choice))
        timed.sort(key=itemgetter(0))  # a clock that is put in moves what comes after it
        for place, _ in reversed(timed):
            chosen[place : place + 1] = [clock, chosen[place], clock]
        found: list[float | None] = []
        found.extend(call_each(chosen))  # from clocks; all else returns None
        times = [time for time in found if time is not None]
        for (_, choice), start, end in zip(timed, times[::2], times[1::2], strict=True):
            choice.seconds += end - start


class FixedThreads:
    """The parallel kernel on a fixed number of threads (in a forked child: the serial one)."""

    is_timed = False
    seconds = 0.0

    def __init__(self, load_parallel: Callable[[], Kernel]) -> None:
        self._load_parallel = load_parallel
        self.parallel: Kernel | None = None

    def plan(self) -> None:
        """Load the kernel before the first step."""
        if self.parallel is None:
            self.parallel = self._load_parallel()


class TimedChoice:
    """The faster of the two kernels, by the time they took.

    A trial runs and times each kernel for a few steps; the faster one is used until the next trial.
    The more a trial cost, the later the next one: often where the two are close, once in a
    thousand steps where one takes twenty times as long. Between trials serial steps are not timed,
    parallel ones are: when they take longer than serial ones would, the serial kernel takes over
    at once.

    After `plan`, ``is_timed`` tells whether the next step is timed: then who takes it adds its
    time, over all its arrays, to ``seconds``.
    """

    def __init__(self, load_parallel: Callable[[], Kernel]) -> None:
        self._load_parallel = load_parallel
        self._loaded: Kernel | None = None
        self._in_parallel = False
        self.is_timed = False
        self.seconds = 0.0
        # The first step is not timed: it meets state that was never touched (page faults).
        self._wait = 1  # steps until the next trial
        self._trial: list[float] | None = None  # the times of its steps so far
        self._trial_share = FIRST_TRIAL_SHARE
        self._serial_seconds = 0.0  # of a step, in the last trial
        self._was_parallel: bool | None = None  # the choice of the last trial
        self._loss = 0.0  # seconds lost lately by running in parallel

    @property
    def parallel(self) -> Kernel | None:
        """The parallel kernel, if the next step is to run in it."""
        return self._loaded if self._in_parallel else None

    def plan(self) -> None:
        """Choose the kernel of the next step from the time of the last; call it before each."""
        if self.is_timed:
            seconds, self.seconds = self.seconds, 0.0
            if self._trial is None:
                self._watch(seconds)
            else:
                self._continue_trial(self._trial, seconds)
        if self._trial is None:
            if self._wait:
                self._wait -= 1
            else:
                self._trial, self.is_timed, self._in_parallel = [], True, False
        if self._in_parallel and self._loaded is None:
            self._load()

    def _load(self) -> None:
        try:
            self._loaded = self._load_parallel()
        except ValueError as error:  # Numba has no threading layer: the serial kernel will do
            self._in_parallel = self.is_timed = False
            self._trial, self._wait = None, sys.maxsize
            message = f"fastadam: steps are not taken in parallel: {error}"
            warnings.warn(message, RuntimeWarning, stacklevel=6)  # at the user's step

    def _watch(self, seconds: float) -> None:
        """Leave the parallel kernel if it has become the slower one."""
        limit = PARALLEL_BONUS * self._serial_seconds
        self._loss = max(0.0, self._loss + seconds - limit)
        if self._loss > max(HICCUP, self._serial_seconds):
            self._settle(False, self._serial_seconds, cost=seconds - self._serial_seconds)

    def _continue_trial(self, trial: list[float], seconds: float) -> None:
        trial.append(seconds)
        if len(trial) < TRIAL_STEPS:
            return
        if len(trial) == TRIAL_STEPS:
            self._serial_seconds = sorted(trial)[TRIAL_STEPS // 2]
            self._in_parallel = True
            return
        serial = self._serial_seconds
        is_hopeless = seconds - serial > max(HICCUP, 3.0 * serial)
        if is_hopeless or len(trial) == 2 * TRIAL_STEPS:
            times = sorted(trial[TRIAL_STEPS:])
            parallel = times[len(times) // 2]
            is_chosen = parallel < PARALLEL_BONUS * serial and not is_hopeless
            step_seconds = parallel if is_chosen else serial
            others = trial[:TRIAL_STEPS] if is_chosen else trial[TRIAL_STEPS:]
            cost = sum(others) - len(others) * step_seconds
            self._settle(is_chosen, step_seconds, cost)

    def _settle(self, in_parallel: bool, step_seconds: float, cost: float) -> None:
        """Use a kernel from the next step on; ``cost`` is what the other one has just cost."""
        is_confirmed = in_parallel == self._was_parallel
        share = self._trial_share / 2 if is_confirmed else FIRST_TRIAL_SHARE
        self._trial_share = max(LAST_TRIAL_SHARE, share)
        self._in_parallel = self.is_timed = self._was_parallel = in_parallel
        self._trial = None
        self._loss = 0.0
        steps = cost / max(self._trial_share * step_seconds, 1e-9)
        self._wait = max(LEAST_WAIT, math.ceil(steps))
