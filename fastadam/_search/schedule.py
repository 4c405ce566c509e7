"""The step sizes of a schedule, asked for as far as a search goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

import numpy as np

from .._validate import nonnegative
from ..typing import Vector

#: The step size of each iteration, from 1.
Schedule = Callable[[int], float]

#: Seconds that are spent on step sizes which nobody may ask for.
_AHEAD = 5e-3
_FIRST = 64


class Rates:
    """The step sizes of a user's schedule, for a compiled loop, which cannot ask for one.

    They are asked for in order, each once, and some more than are needed at once: for as many
    again as there are, or as time allows. What is wrong with one of these is told when it is
    needed. Several threads may share one.
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
        """Give some for the iterations after ``nit`` of them, which is less than maxiter."""
        if self._known <= nit:
            self.ask(nit)
        return self.known[nit:]

    def ask(self, nit: int) -> None:
        """Get to know the one for the iteration after ``nit`` of them, and some more."""
        with self._lock:
            # A search that goes on from a checkpoint begins late.
            most = min(max(2 * self._known, nit + 1, _FIRST), self._maxiter)
            end = time.monotonic() + _AHEAD
            while self._known < most and self._failure is None:
                if self._known > nit and time.monotonic() >= end:
                    return
                self._next()
            if self._failure is not None and self._known <= nit:
                raise self._failure

    def _next(self) -> None:
        try:
            rate = step_size(self._schedule, self._known + 1)
        except Exception as failure:
            self._failure = failure
            return
        if self._known == len(self._table):
            # The old one is left as it is: other threads are reading it.
            self._table = np.concatenate([self._table, np.empty(self._known)])
        self._table[self._known] = rate
        self._known += 1


def step_size(schedule: Schedule, step: int) -> float:
    """Ask a schedule for the step size of an iteration, from 1, and check it."""
    return nonnegative(f"lr({step})", schedule(step))
