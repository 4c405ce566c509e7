"""Many problems: their data; and those of functions in Python, one after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np

from .._minimize.options import Options, select_rule
from .._minimize.results import report
from .._minimize.setup import run_of, search_of
from .._objective.objective import Objective
from .._rules.spec import Rule
from .._search.monitor import Watch, progress_bar
from .._search.outcomes import INFEASIBLE, TIMEOUT
from .._search.rows import END, lose
from .._search.state import Search
from ..typing import Matrix

_FLOAT64 = np.dtype(np.float64)


@dataclass
class Batch:
    """The problems, and what has been found of each.

    Attributes
    ----------
    functions : Objective
        The user's, with the common arguments.
    rows : tuple of ndarray
        Arrays whose k-th rows are further arguments of problem k.
    starts, lowers, uppers : ndarray, shape (B, n)
        The bounds may also be (1, n), for all problems.
    rates : ndarray, shape (B,) or (1,)
        The step sizes.
    options : Options
        The rest of the options.
    dtype : dtype
        What a device computes in.
    on_error : {"raise", "nan"}
        What an exception of a row does.
    copies_args : bool
        Whether each thread has its own copy of the arrays in the common arguments.
    x, fun, jac : ndarray
        The best points, and the values and gradients there.
    counts : ndarray of int64, shape (B, 4)
        Iterations, evaluations of the function and of the gradient, and how it ended.
    """

    functions: Objective
    rows: tuple[np.ndarray[Any, Any], ...]
    starts: Matrix
    lowers: Matrix
    uppers: Matrix
    rates: Matrix
    method: str
    options: Options
    dtype: np.dtype[Any] = _FLOAT64
    on_error: str = "raise"
    copies_args: bool = False

    def __post_init__(self) -> None:
        size, n = self.starts.shape
        self.x, self.jac = self.starts.copy(), np.full((size, n), np.nan)
        self.fun = np.full(size, np.nan)
        self.counts = np.zeros((size, 4), dtype=np.int64)
        self.counts[:, END] = TIMEOUT  # until it is solved
        self.deadline = math.inf
        self.stop = Event()

    def start_clock(self) -> None:
        """Count `max_seconds` from now, when all is compiled."""
        self.deadline = time.monotonic() + self.options.max_seconds

    @property
    def over(self) -> bool:
        """Whether no more iterations are to be made."""
        return self.stop.is_set() or time.monotonic() >= self.deadline

    @property
    def args(self) -> tuple[Any, ...]:
        """The common arguments for one thread."""
        args = self.functions.args
        return tuple(map(_copied, args)) if self.copies_args else args

    def lose(self, row: int, counts: Sequence[int]) -> None:
        """Note that an exception ended a row, after some iterations and evaluations."""
        lose(row, self.x, self.fun, self.jac, self.counts)
        self.counts[row, :END] = counts


def _copied(value: Any) -> Any:
    """Return a copy of an array, also of those in tuples."""
    if isinstance(value, tuple):
        return tuple(map(_copied, value))
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def search_template(batch: Batch) -> tuple[Rule, tuple[float, ...], Search]:
    """Return the rule, its hyper-parameters, and the memory of a search that has not begun."""
    rule, h = select_rule(batch.method, batch.options)
    n = batch.starts.shape[1]
    free = np.full(n, -np.inf), np.full(n, np.inf)
    return rule, h, search_of(batch.functions, rule, batch.options, np.zeros(n), *free)


def solve_python(batch: Batch) -> None:
    """Solve one problem after the other, for functions in Python."""
    size = len(batch.starts)
    bar = progress_bar(size, "problem") if batch.options.disp else None
    functions = replace(batch.functions, args=batch.args)
    batch.start_clock()
    try:
        for k in range(size):
            if batch.over:
                return
            _solve_row(batch, functions, k)
            if bar is not None:
                bar.update()
    finally:
        if bar is not None:
            bar.close()


def _solve_row(batch: Batch, functions: Objective, k: int) -> None:
    lower, upper = (bound[k if len(bound) > 1 else 0] for bound in (batch.lowers, batch.uppers))
    if not np.all((lower <= upper) & (lower < np.inf) & (upper > -np.inf)):
        batch.counts[k, END] = INFEASIBLE
        return
    functions = replace(functions, args=functions.args + tuple(rows[k] for rows in batch.rows))
    options = batch.options
    if not (options.auto or callable(options.lr)):
        options = replace(options, lr=float(batch.rates[k if len(batch.rates) > 1 else 0]))
    start = np.clip(batch.starts[k], lower, upper)
    run = run_of(functions, batch.method, options, start, lower, upper)
    try:
        end = Watch(run, None, False, batch.deadline - time.monotonic(), False).drive()
    except Exception:
        if batch.on_error == "raise":
            raise
        batch.lose(k, search_counts(run.search))
        return
    result = report(run, end)
    batch.x[k], batch.fun[k], batch.jac[k] = result.x, result.fun, result.jac
    batch.counts[k] = result.nit, result.nfev, result.njev, end


def search_counts(search: Search) -> tuple[int, ...]:
    """Return the iterations of a search, and its evaluations of the function and gradients."""
    return tuple(int(search.view(name)[0]) for name in ("nit", "nfev", "njev"))
