"""The step sizes of a schedule, asked for as far as a search goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

import numpy as np

from .._validate import nonnegative
from ..typing import Vector

Schedule = Callable[[int], float]

#: Seconds that are spent on step sizes which nobody may ask for.
_AHEAD = 5e-3
_FIRST = 64


class Rates:
    """The step sizes of a user's schedule, for a compiled loop, which cannot ask for one.

    They are asked for in order, each once, and some more than are needed at once: for as many
    again as there are, or as time allows. What is wrong with one of these is told when it is
    needed. Several threads may share one.

    Parameters
    ----------
    schedule : callable
        The user's, of the iteration from 1.
    maxiter : int
        The number of iterations.
    """

    def __init__(self, schedule: Schedule, maxiter: int) -> None:
        self._schedule, self._maxiter = schedule, maxiter
        self._lock = Lock()
        self._table, self._known = np.empty(_FIRST), 0
        self._failure: Exception | None = None

    @property
    def known(self) -> Vector:
        """Those that are known, from the first on."""
        return self._table[: self._known]

    def after(self, nit: int) -> Vector:
        """Return some for the iterations after ``nit`` of them, which is less than maxiter."""
        if self._known <= nit:
            self.ask(nit)
        return self.known[nit:]

    def ask(self, nit: int) -> None:
        """Get to know the one for the iteration after ``nit`` of them, and some more.

        Raises
        ------
        Exception
            What the schedule raised for that one, or ValueError or TypeError for its value.
        """
        with self._lock:
            most = min(max(2 * self._known, _FIRST), self._maxiter)
            end = time.monotonic() + _AHEAD
            while self._known < most and self._failure is None:
                if self._known > nit and time.monotonic() >= end:
                    return
                self._next()
            if self._failure is not None and self._known <= nit:
                raise self._failure

    def _next(self) -> None:
        step = self._known + 1
        try:
            rate = step_size(self._schedule, step)
        except Exception as failure:
            self._failure = failure
            return
        if self._known == len(self._table):
            # The old one is left as it is: other threads are reading it.
            table = np.empty(2 * self._known)
            table[: self._known] = self._table
            self._table = table
        self._table[self._known] = rate
        self._known = step


def step_size(schedule: Schedule, step: int) -> float:
    """Return the step size of an iteration, from 1, as a schedule says."""
    return nonnegative(f"lr({step})", schedule(step))
