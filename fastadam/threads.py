"""Which loop runs: the serial or the parallel one, and when the parallel one may.

Both give the same bits, so the choice is one of speed alone. It cannot be made by size: right
after a matrix product the BLAS library's threads keep spinning on the cores that the parallel
loop waits for. A million parameters then took 2.5 ms in parallel and 0.57 ms serially, where on
a quiet machine they took 0.28 and 0.54 ms. So the two are timed while they do their work.
"""

from __future__ import annotations

import os
import statistics
import threading
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

import numba
import numpy as np

from .loops import Kernel, step_kernel
from .rules import Rule

#: Below this many parameters the serial loop is never clearly slower (it takes 5 us where waking
#: the other threads takes 2 to 5), and the parallel one is not tried.
PARALLEL_MIN_SIZE = 16_384

#: The share of the time of all steps that trials of the other loop may cost.
TRIAL_SHARE = 0.02

#: Steps of one trial. The first pays for waking up threads that sleep.
TRIAL_STEPS = 3

#: A step this much (seconds) slower than expected may be the operating system's doing.
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
    """Run a parallel kernel where that is safe.

    Parameters
    ----------
    kernel : callable
        A kernel compiled with ``parallel=True``.
    arguments : tuple
        Its arguments.
    threads : int, optional
        How many threads to use; then other Python threads are waited for. By default as many
        as Numba uses, and only if no other Python thread runs a parallel kernel of ours.

    Returns
    -------
    bool
        Whether the kernel ran. If not, nothing was written.
    """
    if _forked or not _lock.acquire(blocking=threads is not None):
        return False
    try:
        if threads is None:
            kernel(*arguments)
        else:
            before = numba.get_num_threads()
            numba.set_num_threads(threads)
            try:
                kernel(*arguments)
            finally:
                numba.set_num_threads(before)
    finally:
        _lock.release()
    return True


class Loops:
    """The loops of one optimiser.

    Arrays of about one size share their timings: a model of many arrays learns from each step
    once, not once an array.

    Parameters
    ----------
    threads : int or None
        1 for the serial loop, more for the parallel loop on so many threads, None for whichever
        is faster at the time.
    """

    def __init__(self, threads: int | None) -> None:
        self._threads = threads
        self._choices: dict[tuple[Rule, np.dtype[Any], int], TimedChoice] = {}

    def loop(self, rule: Rule, dtype: np.dtype[Any], size: int) -> Kernel:
        """Return the loop for an array: call it with the arguments of a kernel."""
        serial = step_kernel(rule, dtype, False)
        if self._threads == 1 or numba.config.NUMBA_NUM_THREADS == 1:
            return serial
        if self._threads is not None:
            return FixedThreads(serial, step_kernel(rule, dtype, True), self._threads)
        if size < PARALLEL_MIN_SIZE:
            return serial
        key = (rule, dtype, size.bit_length())
        if key not in self._choices:
            self._choices[key] = TimedChoice(serial, partial(step_kernel, rule, dtype, True))
        return self._choices[key]

    def plan(self) -> None:
        """Prepare for a step; whatever has still to be compiled is compiled here."""
        for choice in self._choices.values():
            choice.plan()


class FixedThreads:
    """The parallel loop on a fixed number of threads (in a forked child: the serial one)."""

    def __init__(self, serial: Kernel, parallel: Kernel, threads: int) -> None:
        self._serial = serial
        self._parallel = parallel
        self._threads = threads

    def __call__(self, *arguments: Any) -> None:
        """Run the loop over one array."""
        if not run_parallel(self._parallel, arguments, self._threads):
            self._serial(*arguments)


class TimedChoice:
    """The faster of the two loops, by the time they took.

    The loop in use is timed at every step. Now and then the other one is tried, as often as the
    trials cost no more than `TRIAL_SHARE` of the time of all steps: often where the two are
    close, once in a thousand steps where the other takes twenty times as long. The parallel
    loop is left at once when its steps take longer than serial ones would.

    Call `plan` before each step, then the object itself for each array of the step.

    Parameters
    ----------
    serial : callable
        The serial kernel.
    load_parallel : callable
        Returns the parallel kernel; called before its first trial.
    """

    def __init__(self, serial: Kernel, load_parallel: Callable[[], Kernel]) -> None:
        self._serial = serial
        self._load_parallel = load_parallel
        self._parallel: Kernel | None = None
        self._in_parallel = False
        # This step, over all its arrays.
        self._seconds = 0.0
        self._elements = 0
        # The first step is not timed: it meets state that was never touched (page faults).
        self._timed = False
        # Seconds an element of each loop, by in_parallel.
        self._cost: dict[bool, float] = {}
        # The samples of a trial while it runs, else None.
        self._trial: list[float] | None = None
        # The next trial starts when the budget, which grows with each step, covers its price.
        self._budget = 0.0
        self._price = 0.0
        # Seconds lost lately by running in parallel.
        self._loss = 0.0

    @property
    def in_parallel(self) -> bool:
        """Whether the step that was planned last runs in parallel."""
        return self._in_parallel

    def plan(self) -> None:
        """Choose the loop of the next step from the time of the last."""
        if self._elements and self._timed:
            self._learn(self._seconds, self._elements)
        self._timed = self._timed or self._elements > 0
        self._seconds = 0.0
        self._elements = 0
        if self._in_parallel and self._parallel is None:
            self._parallel = self._load_parallel()

    def __call__(self, *arguments: Any) -> None:
        """Run the planned loop over one array."""
        start = perf_counter()
        if self._in_parallel and self._parallel and run_parallel(self._parallel, arguments):
            pass
        else:
            self._serial(*arguments)
        self._seconds += perf_counter() - start
        self._elements += arguments[0].size

    def _learn(self, seconds: float, elements: int) -> None:
        """Take in the time of a step and set the loop of the next."""
        sample = seconds / elements
        if self._trial is not None:
            self._trial.append(sample)
            rival = self._cost[not self._in_parallel]
            if (sample - rival) * elements > max(HICCUP, 3.0 * rival * elements):
                self._conclude([sample], elements)  # hopeless
            elif len(self._trial) == TRIAL_STEPS:
                self._conclude(self._trial, elements)
            return
        mean = self._cost.get(self._in_parallel, sample)
        self._cost[self._in_parallel] = mean + (min(sample, 2.0 * mean) - mean) / 8.0
        self._budget += TRIAL_SHARE * seconds
        if self._in_parallel:
            serial = self._cost[False] * elements
            self._loss = max(0.0, self._loss + seconds - serial)
            if self._loss > max(HICCUP, serial):
                self._conclude([sample], elements)
                return
        if self._budget >= self._price:
            self._trial = []
            self._in_parallel = not self._in_parallel

    def _conclude(self, samples: list[float], elements: int) -> None:
        """Settle on the faster loop, given samples of the one that ran."""
        self._cost[self._in_parallel] = statistics.median_low(samples)
        gap = self._cost[True] - self._cost[False]
        self._in_parallel = gap < 0.0
        self._price = elements * max(len(samples) * abs(gap), min(self._cost.values()))
        self._trial = None
        self._budget = 0.0
        self._loss = 0.0
