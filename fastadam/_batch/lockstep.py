"""All problems of a batch in step, for functions that take many points at once."""

from __future__ import annotations

from .._search.deadline import Deadline
from .._search.lockstep import VectorizedSearches
from .._search.progress import progress
from .._search.rows import Solutions
from .._search.schedule import step_size
from .problems import Problems


def solve_vectorized(problems: Problems, solutions: Solutions, deadline: Deadline) -> None:
    """Solve all problems of a batch whose functions are vectorised."""
    options, objective, size = problems.options, problems.thread_objective, len(problems)
    with progress(size, "problem", options.disp) as update:
        deadline.start()
        template = problems.make_search(problems.starts.points.shape[1])
        searches = VectorizedSearches(objective, problems.row_args, template, size, deadline)
        active = searches.begin(problems.starts, solutions)
        update(size - active.size)
        if deadline.is_over:
            return
        step = 0  # of all that go on, unless the step size is chosen for each
        while active.size and searches.evaluate(active) and not deadline.is_over:
            step += 1
            if callable(options.lr) and step <= options.maxiter:
                searches.records["lr"][active] = step_size(options.lr, step)
            goes_on = searches.iterate(active)
            ended, active = active[~goes_on], active[goes_on]
            if ended.size:
                searches.finish(ended, solutions)
                update(ended.size)
        if active.size:
            searches.conclude(active)
            searches.finish(active, solutions, leaving=True)
