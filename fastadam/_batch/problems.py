"""Many problems: what they are; and those of functions in Python, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._minimize.setup import Setup
from .._objective.objective import Objective
from .._search.deadline import Deadline
from .._search.known import NOTHING, Known
from .._search.monitor import Monitor
from .._search.outcomes import RUNNING, TIMEOUT
from .._search.progress import progress
from .._search.rows import OUTCOME, Solutions, Starts, lose
from .._search.search import Search


@dataclass(frozen=True)
class Problems(Setup):
    """Many problems: the functions, with the common arguments, the options, and a row for each."""

    row_args: tuple[Any, ...]  # arrays whose k-th rows are further arguments of problem k
    starts: Starts
    dtype: np.dtype[Any]  # what a GPU computes in
    on_error: str  # what an exception of a row does: "raise" or "nan"
    #: Whether each thread has its own copy of the arrays in the common arguments.
    copy_args: bool = False
    #: Minima at which a search may end.
    known: Known = NOTHING

    def __len__(self) -> int:
        return len(self.starts.points)

    def make_search(self, n: int) -> Search:
        """Make a search of n variables that has not begun."""
        search = super().make_search(n)
        search.known = self.known
        return search

    @property
    def thread_objective(self) -> Objective:
        """The functions, with the common arguments for one thread."""
        args = self.objective.args
        return replace(self.objective, args=_copy_arrays(args) if self.copy_args else args)

    def change(self, change: Callable[[Any], Any]) -> Problems:
        """Change each of the arrays that have rows."""
        starts = Starts(*map(change, self.starts))
        return replace(self, row_args=tuple(map(change, self.row_args)), starts=starts)

    def select(self, rows: slice) -> Problems:
        """Select some of them, as views."""
        size = len(self)
        return self.change(lambda array: array[rows] if len(array) == size else array)


class Marks(NamedTuple):
    """Which rows are done, and what is called from time to time, with whether it is the end."""

    done: NDArray[np.bool_]
    pause: Callable[[bool], None]

    @classmethod
    def none(cls, size: int) -> Marks:
        """Make those of rows of which none is done, and nothing kept."""
        return cls(np.zeros(size, dtype=np.bool_), lambda ends: None)

    def select(self, rows: slice) -> Marks:
        """Select those of some rows, as a view."""
        return Marks(self.done[rows], self.pause)


def _copy_arrays(value: Any) -> Any:
    """Copy an array, also those in tuples."""
    if isinstance(value, tuple):
        return tuple(map(_copy_arrays, value))
    return value.copy(order="K") if isinstance(value, np.ndarray) else value


def solve_python(
    problems: Problems, solutions: Solutions, deadline: Deadline, marks: Marks | None = None
) -> None:
    """Solve one problem after the other, for functions in Python."""
    objective, size = problems.thread_objective, len(problems)
    marks = Marks.none(size) if marks is None else marks
    with progress(size, "problem", problems.options.disp) as update:
        if done := int(np.count_nonzero(marks.done)):
            update(done)
        deadline.start()
        for k in np.flatnonzero(~marks.done).tolist():
            if deadline.is_over:
                break
            row = problems.select(slice(k, k + 1))
            args = objective.args + tuple(array[0] for array in row.row_args)
            run = replace(row, objective=replace(objective, args=args)).start_run(row.starts)
            if run.search.scalars.status != RUNNING:
                solutions.counts[k, OUTCOME] = run.search.scalars.status
            else:
                monitor = Monitor(run, deadline)
                monitor.pause = marks.pause
                try:
                    monitor.drive()
                except Exception:
                    if problems.on_error == "raise":
                        raise
                    lose(k, solutions.whole, *run.search.counts)
                else:
                    run.search.store(solutions, k)
            marks.done[k] = solutions.counts[k, OUTCOME] != TIMEOUT
            marks.pause(False)
            update(1)
    marks.pause(not marks.done.all())
