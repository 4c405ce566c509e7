"""What happens between iterations: callbacks, the clock, the progress bar."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ..typing import Vector
from .deadline import Deadline
from .outcomes import RUNNING, STOPPED, TIMEOUT, WAITING
from .progress import progress
from .rows import keep_gradient
from .runs import Run
from .state import MOST


class Monitor:
    """Drives a run, and looks at it from time to time: for the callback, `iterates` and a bar."""

    def __init__(
        self,
        run: Run,
        deadline: Deadline,
        callback: Callable[..., Any] | None = None,
        keep_all: bool = False,
        has_bar: bool = False,
    ) -> None:
        self._run, self._search = run, run.search
        self._callback = None if callback is None else with_result(callback)
        self.iterates: list[Vector] | None = [run.search.x.copy()] if keep_all else None
        self._deadline, run.deadline = deadline, deadline.end
        #: The last iterate that the callback has seen.
        self.looked = 0
        #: What is called after each turn, with whether the search is left then; what the search is
        #: made of is whole there, and may be kept.
        self.pause: Callable[[bool], None] = _pass
        self._seen = 0
        self._has_bar = has_bar

    def drive(self) -> None:
        """Run to the end; the outcome is in the search's ``status`` then."""
        most = self._search.scalars.maxiter
        with progress(most, "it", self._has_bar) as update:
            with self._run.ticking() as ticks:
                each = self._callback is not None or self.iterates is not None
                self._end(MOST if ticks and not each else 1, update)
            self._show(update)

    def _end(self, iterations: int, update: Callable[..., None]) -> None:
        """Run to the end, and to the gradient there: without time for that, it is not the end."""
        s = self._search.scalars
        is_taken_up = s.status != RUNNING  # from a checkpoint, which was made in that gradient
        if not is_taken_up:
            s.status = self._drive(iterations, update)
            if s.status == TIMEOUT or not self._search.wants_narrow():
                return
        if not self._narrow(is_taken_up) and s.status != STOPPED:
            s.status = TIMEOUT

    def _drive(self, iterations: int, update: Callable[..., None]) -> int:
        while True:
            outcome = self._run.run(iterations)
            if outcome == WAITING:
                outcome = self._search.compare()
            if outcome != RUNNING:
                return outcome
            outcome = self._look()
            goes_on = outcome == RUNNING and self._go_on()
            self.pause(not goes_on)
            if goes_on:
                self._show(update)
                continue
            self._search.conclude()
            self._run.run(1)
            return outcome or TIMEOUT

    def _go_on(self) -> bool:
        """Tell whether there is time for more, and let it begin."""
        self._search.scalars.halt = 0
        return not self._deadline.is_over

    def _narrow(self, begins: bool) -> bool:
        """Have the scheme's own gradient at the best point; tell whether there was time for it.

        If it ``begins``, there is time for one evaluation: a search that is taken up gets on.
        """
        s = self._search.scalars
        while begins or self._may_narrow():
            begins = False
            self._run.run(0)  # the evaluation alone, maybe not to the end
            if s.part == 0:
                keep_gradient(s, self._search.whole)
                return True
        return False

    def _may_narrow(self) -> bool:
        goes_on = self._go_on()
        if self._search.scalars.status != STOPPED:  # what was kept goes on where it was stopped
            self.pause(not goes_on)
        return goes_on

    def _look(self) -> int:
        """Show a new iterate to the callback and keep it."""
        search = self._search
        nit = search.scalars.nit
        if nit == self.looked or search.scalars.part > 0:  # no new iterate, or not yet
            return RUNNING
        self.looked = nit
        if self.iterates is not None:
            self.iterates.append(search.x.copy())
        if self._callback is not None:
            try:
                self._callback(search.x.copy(), search.scalars.f)
            except StopIteration:
                return STOPPED
        return RUNNING

    def _show(self, update: Callable[..., None]) -> None:
        if self._has_bar:
            nit = self._search.scalars.nit
            update(nit - self._seen, fun=f"{self._search.scalars.best_f:.6g}")
            self._seen = nit


def _pass(ends: bool) -> None:
    pass


def with_result(callback: Callable[..., Any]) -> Callable[[Vector, float], Any]:
    """Make ``callback(x, f)`` for either of the forms that SciPy knows."""
    try:
        names = set(inspect.signature(callback).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        names = set()
    if names == {"intermediate_result"}:
        return lambda x, f: callback(intermediate_result=OptimizeResult(x=x, fun=f))
    return lambda x, f: callback(np.copy(x))
