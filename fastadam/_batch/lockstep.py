"""All problems of a batch in step, for functions that take many points at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from .._search.lockstep import VectorizedSearches
from .._search.monitor import progress_bar
from .._search.outcomes import MAXITER, RUNNING, TIMEOUT
from .._search.schedule import step_size
from .problems import Batch, search_template


def solve_vectorized(batch: Batch) -> None:
    """Solve all problems of a batch whose functions are vectorised."""
    bar = progress_bar(len(batch.starts), "problem") if batch.options.disp else None
    batch.start_clock()
    try:
        for ended in _solve(batch):
            if bar is not None:
                bar.update(ended)
    finally:
        if bar is not None:
            bar.close()


def _solve(batch: Batch) -> Iterator[int]:
    """Solve the problems, and yield from time to time how many more have ended."""
    functions, options, size = batch.functions, batch.options, len(batch.starts)
    rule, h, template = search_template(batch)
    functions = replace(functions, args=batch.args)

    def over() -> bool:
        return batch.over

    searches = VectorizedSearches(functions, batch.rows, rule, h, template, size, over)
    records, results = searches.records, (batch.x, batch.fun, batch.jac, batch.counts)
    boxes = batch.lowers, batch.uppers
    active = searches.begin(
        batch.starts, *boxes, batch.rates, functions.gradient_cost, batch.counts
    )
    yield size - active.size
    if batch.over:
        return
    step = 0  # of all that go on, unless the step size is chosen for each
    while active.size:
        if not searches.evaluate(active) or batch.over:
            break
        step += 1
        if callable(options.lr) and step <= options.maxiter:
            records["lr"][active] = step_size(options.lr, step)
        goes_on = searches.iterate(active)
        ended, active = active[~goes_on], active[goes_on]
        if ended.size:
            searches.finish(ended, *results)
            yield ended.size
    if active.size:
        searches.conclude(active)
        status = records["status"][active]
        out_of_time = (status == MAXITER) | (status == RUNNING)
        records["status"][active] = np.where(out_of_time, TIMEOUT, status)
        searches.finish(active, *results)
