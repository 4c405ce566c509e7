"""All problems of a batch in step, for functions that take many points at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .._search.deadline import Deadline
from .._search.lockstep import VectorizedSearches
from .._search.progress import progress
from .._search.rows import Solutions
from .._search.schedule import step_size
from .problems import Problems


def solve_vectorized(problems: Problems, solutions: Solutions, deadline: Deadline) -> None:
    """Solve all problems of a batch whose functions are vectorised."""
    with progress(len(problems), "problem", problems.options.disp) as update:
        deadline.start()
        for ended in _solve(problems, solutions, deadline):
            update(ended)


def _solve(problems: Problems, solutions: Solutions, deadline: Deadline) -> Iterator[int]:
    """Solve the problems, and yield from time to time how many more have ended."""
    options, size = problems.options, len(problems)
    template = problems.make_search(problems.starts.points.shape[1])
    functions = replace(problems.objective, args=problems.args)
    searches = VectorizedSearches(functions, problems.row_args, template, size, deadline)
    records = searches.records
    active = searches.begin(problems.starts, solutions)
    yield size - active.size
    if deadline.is_over:
        return
    step = 0  # of all that go on, unless the step size is chosen for each
    while active.size:
        if not searches.evaluate(active) or deadline.is_over:
            break
        step += 1
        if callable(options.lr) and step <= options.maxiter:
            records["lr"][active] = step_size(options.lr, step)
        goes_on = searches.iterate(active)
        ended, active = active[~goes_on], active[goes_on]
        if ended.size:
            searches.finish(ended, solutions)
            yield ended.size
    if active.size:
        searches.conclude(active)
        searches.finish(active, solutions, leaving=True)
