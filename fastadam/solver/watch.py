"""What happens between iterations: callbacks, the clock, the progress bar."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from .runs import Run
from .search import GRADIENT, RUNNING, Vector

# Why a search was stopped from outside; `search` has the other reasons.
STOPPED = -1
TIMEOUT = -2

#: A compiled loop comes back to Python about this often (seconds), for Ctrl-C and the clock.
_INTERVAL = 0.02


class Watch:
    """Drives a run, and looks at it from time to time.

    Parameters
    ----------
    run : Run
        The search.
    callback : callable or None
        As for `fastadam.minimize`.
    keep_all : bool
        Whether to collect the iterates.
    max_seconds : float
        When to stop.
    progress : bool
        Whether to show a progress bar.
    """

    def __init__(
        self,
        run: Run,
        callback: Callable[..., Any] | None,
        keep_all: bool,
        max_seconds: float,
        progress: bool,
    ) -> None:
        self._run, self._search = run, run.search
        self._callback = None if callback is None else with_result(callback)
        self.iterates: list[Vector] | None = [run.search.x.copy()] if keep_all else None
        self._deadline = time.monotonic() + max_seconds
        self._seen = 0
        most = int(run.search.view("maxiter")[0])
        self._bar = progress_bar(most, "it") if progress else None

    def drive(self) -> int:
        """Run to the end; return the status, or `STOPPED`, or `TIMEOUT`."""
        try:
            status = self._drive()
            self._show()
        finally:
            if self._bar is not None:
                self._bar.close()
        return status

    def _drive(self) -> int:
        each = self._callback is not None or self.iterates is not None
        iterations = 1
        while True:
            start = time.monotonic()
            status = self._run.run(iterations)
            if status != RUNNING:
                return status
            reason = self._look()
            now = time.monotonic()
            if reason == RUNNING and now >= self._deadline:
                reason = TIMEOUT
            if reason != RUNNING:
                self._end()
                return reason
            self._show()
            if not each:
                pace = _INTERVAL / max(now - start, 1e-9)
                left = (self._deadline - now) / max(now - start, 1e-9)
                iterations = max(1, int(iterations * min(4.0, pace, max(left, 0.0))))

    def _look(self) -> int:
        """Show a new iterate to the callback and keep it."""
        search = self._search
        if search.view("request")[0] == GRADIENT:  # no new iterate
            return RUNNING
        if self.iterates is not None:
            self.iterates.append(search.x.copy())
        if self._callback is not None:
            try:
                self._callback(search.x.copy(), float(search.view("f")[0]))
            except StopIteration:
                return STOPPED
        return RUNNING

    def _end(self) -> None:
        """Have the last point judged, so that it can be the best."""
        search = self._search
        search.view("maxiter")[0] = search.view("nit")[0]
        self._run.run(1)

    def _show(self) -> None:
        if self._bar is not None:
            nit = int(self._search.view("nit")[0])
            self._bar.set_postfix(fun=f"{self._search.view('best_f')[0]:.6g}", refresh=False)
            self._bar.update(nit - self._seen)
            self._seen = nit


def with_result(callback: Callable[..., Any]) -> Callable[[Vector, float], Any]:
    """Return ``callback(x, f)`` for either of the forms that SciPy knows."""
    try:
        names = set(inspect.signature(callback).parameters)
    except (TypeError, ValueError):  # some built-in functions have no signature
        names = set()
    if names == {"intermediate_result"}:
        return lambda x, f: callback(intermediate_result=OptimizeResult(x=x, fun=f))
    return lambda x, f: callback(np.copy(x))


def progress_bar(total: int, unit: str) -> Any:
    """Return a tqdm bar, or None where tqdm is not installed."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return None
    return tqdm(total=total, unit=unit, leave=False)
