"""Many problems: what they are; and those of functions in Python, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._minimize.options import Options, rule_of
from .._minimize.problem import make_run, make_search
from .._rules.rules import Rule
from .._search.deadline import Deadline
from .._search.monitor import Watch
from .._search.outcomes import RUNNING
from .._search.progress import progress
from .._search.rows import OUTCOME, Starts, lose
from .._search.runs import Functions
from .._search.search import Search
from ..typing import Matrix
from .results import Results

_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Rows:
    """What each problem has of its own.

    Attributes
    ----------
    row_args : tuple of ndarray
        Arrays whose k-th rows are further arguments of problem k.
    starts, lowers, uppers : ndarray, shape (B, n)
        The bounds may also be (1, n), for all problems.
    rates : ndarray, shape (B,) or (1,)
        The step sizes.
    """

    row_args: tuple[Any, ...]
    starts: Matrix
    lowers: Matrix
    uppers: Matrix
    rates: Matrix

    @property
    def searches(self) -> Starts:
        """Where their searches start."""
        return Starts(self.starts, self.lowers, self.uppers, self.rates)

    def part(self, rows: slice) -> Rows:
        """Take some of them, as views."""
        size = len(self.starts)
        return self._change(lambda array: array[rows] if len(array) == size else array)

    def make_contiguous(self) -> Rows:
        """Take all of them, as contiguous arrays."""
        return self._change(np.ascontiguousarray)

    def _change(self, change: Callable[[Any], Any]) -> Rows:
        return Rows(tuple(map(change, self.row_args)), *map(change, self.searches))


@dataclass(frozen=True)
class Problems:
    """Many problems that differ in their rows.

    Attributes
    ----------
    objective : Functions
        The user's, with the common arguments.
    rows : Rows
        What each has of its own.
    method, options
        As for `minimize`, checked.
    dtype : dtype
        What a device computes in.
    on_error : {"raise", "nan"}
        What an exception of a row does.
    copy_args : bool
        Whether each thread has its own copy of the arrays in the common arguments.
    """

    objective: Functions
    rows: Rows
    method: str
    options: Options
    dtype: np.dtype[Any] = _FLOAT64
    on_error: str = "raise"
    copy_args: bool = False

    def __len__(self) -> int:
        return len(self.rows.starts)

    @property
    def args(self) -> tuple[Any, ...]:
        """The common arguments for one thread."""
        args = self.objective.args
        return tuple(map(_copied, args)) if self.copy_args else args

    @property
    def common(self) -> Problems:
        """What they have in common: the same without rows."""
        none = np.empty((0, 0))
        return replace(self, rows=Rows((), none, none, none, none))

    def make_template(self) -> tuple[Rule, tuple[float, ...], Search]:
        """Make the rule, its hyper-parameters, and the memory of a search that has not begun."""
        rule, hyper = rule_of(self.method, self.options)
        n = self.rows.starts.shape[1]
        return rule, hyper, make_search(self.objective, rule, self.options, n)


def _copied(value: Any) -> Any:
    """Copy an array, also those in tuples."""
    if isinstance(value, tuple):
        return tuple(map(_copied, value))
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def solve_python(problems: Problems, results: Results, deadline: Deadline) -> None:
    """Solve one problem after the other, for functions in Python."""
    objective, size = replace(problems.objective, args=problems.args), len(problems)
    with progress(size, "problem", problems.options.disp) as update:
        deadline.start()
        for k in range(size):
            if deadline.is_over:
                return
            _solve_row(problems, objective, k, results, deadline)
            update(1)


def _solve_row(
    problems: Problems, objective: Functions, k: int, results: Results, deadline: Deadline
) -> None:
    row = problems.rows.part(slice(k, k + 1))
    objective = replace(objective, args=objective.args + tuple(a[0] for a in row.row_args))
    run = make_run(objective, problems.method, problems.options, row.searches)
    if (outcome := run.search.scalars.status) != RUNNING:
        results.counts[k, OUTCOME] = outcome
        return
    try:
        Watch(run, None, False, deadline, False).drive()
    except Exception:
        if problems.on_error == "raise":
            raise
        lose(k, results.arrays, *run.search.counts)
    else:
        run.search.store(results.arrays, k)
