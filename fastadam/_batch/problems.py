"""Many problems: what they are; and those of functions in Python, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .._minimize.setup import Setup
from .._objective.objective import Objective
from .._search.deadline import Deadline
from .._search.monitor import Monitor
from .._search.outcomes import RUNNING
from .._search.progress import progress
from .._search.rows import OUTCOME, Solutions, Starts, lose

_FLOAT64 = np.dtype(np.float64)


@dataclass(frozen=True)
class Problems(Setup):
    """Many problems: the functions, with the common arguments, the options, and a row for each.

    Attributes
    ----------
    row_args : tuple of ndarray
        Arrays whose k-th rows are further arguments of problem k.
    starts : Starts
        Where they start.
    dtype : dtype
        What a device computes in.
    on_error : {"raise", "nan"}
        What an exception of a row does.
    copy_args : bool
        Whether each thread has its own copy of the arrays in the common arguments.
    """

    row_args: tuple[Any, ...]
    starts: Starts
    dtype: np.dtype[Any] = _FLOAT64
    on_error: str = "raise"
    copy_args: bool = False

    def __len__(self) -> int:
        return len(self.starts.points)

    @property
    def args(self) -> tuple[Any, ...]:
        """The common arguments for one thread."""
        args = self.objective.args
        return tuple(map(_copy_arrays, args)) if self.copy_args else args

    @property
    def common(self) -> Problems:
        """What they have in common: the same without rows."""
        none = np.empty((0, 0))
        return replace(self, row_args=(), starts=Starts(none, none, none, none))

    def part(self, rows: slice) -> Problems:
        """Take some of them, as views."""
        size = len(self)
        return self._change(lambda array: array[rows] if len(array) == size else array)

    def make_contiguous(self) -> Problems:
        """Take all of them, as contiguous arrays."""
        return self._change(np.ascontiguousarray)

    def _change(self, change: Callable[[Any], Any]) -> Problems:
        starts = Starts(*map(change, self.starts))
        return replace(self, row_args=tuple(map(change, self.row_args)), starts=starts)


def _copy_arrays(value: Any) -> Any:
    """Copy an array, also those in tuples."""
    if isinstance(value, tuple):
        return tuple(map(_copy_arrays, value))
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def solve_python(problems: Problems, solutions: Solutions, deadline: Deadline) -> None:
    """Solve one problem after the other, for functions in Python."""
    objective, size = replace(problems.objective, args=problems.args), len(problems)
    with progress(size, "problem", problems.options.disp) as update:
        deadline.start()
        for k in range(size):
            if deadline.is_over:
                return
            _solve_row(problems, objective, k, solutions, deadline)
            update(1)


def _solve_row(
    problems: Problems, objective: Objective, k: int, solutions: Solutions, deadline: Deadline
) -> None:
    row = problems.part(slice(k, k + 1))
    args = objective.args + tuple(array[0] for array in row.row_args)
    run = replace(row, objective=replace(objective, args=args)).start_run(row.starts)
    if (outcome := run.search.scalars.status) != RUNNING:
        solutions.counts[k, OUTCOME] = outcome
        return
    try:
        Monitor(run, deadline).drive()
    except Exception:
        if problems.on_error == "raise":
            raise
        lose(k, solutions.whole, *run.search.counts)
    else:
        run.search.store(solutions, k)
