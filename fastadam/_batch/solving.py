"""Who solves a batch: a GPU, threads, lockstep, Python, or workers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

from .._minimize.results import attach_result
from .._numba import private
from .._objective.objective import Objective
from .._search.outcomes import describe_exception
from .._search.rows import Solutions
from ..typing import BatchResult, Vector
from .arguments import BatchOptions
from .checkpoints import open_saver, take_up
from .device_arguments import require_sendable
from .lockstep import solve_vectorized
from .problems import Problems, solve_python
from .results import make_batch_result, summarize_batch
from .rounds import split_rounds
from .threads import default_threads, solve_compiled
from .workers.chunks import Solve
from .workers.pools import Workers, solve_by_workers


def solve_problems(
    problems: Problems,
    like: Any,
    own: BatchOptions,
    device: str,
    workers: Workers | None,
    tolerance: Vector | None,
) -> tuple[BatchResult, Callable[[], str]]:
    """Solve what is checked; ``like`` is the array on a GPU that starts came in, or None."""
    if device == "cuda" and workers in (None, 1) and tolerance is None:
        from .cuda import solve_there

        return solve_there(problems, like)
    if workers not in (None, 1):
        require_sendable(problems)
    points = problems.starts.points
    if device == "cuda":  # which may be the user's
        points = points.copy()
    solutions, saver = Solutions.unknown(points), open_saver(problems, tolerance)
    marks = None if saver is None else take_up(saver, solutions)
    try:
        solve = _choose_solver(problems.objective, device, own, workers)
        rounds = split_rounds(problems, solutions, tolerance)
        with saver or nullcontext():
            solve_by_workers(problems, rounds, solve, workers, marks, device)
    except BaseException as error:
        attach_result(error, make_batch_result(solutions, describe_exception(error)))
        raise
    if saver is not None and marks is not None and marks.done.all():
        saver.remove()
    result: BatchResult = make_batch_result(solutions)
    return result, lambda: summarize_batch(result)


def _choose_solver(
    objective: Objective, device: str, own: BatchOptions, workers: Workers | None
) -> Solve:
    """Choose what solves the problems; it can be pickled."""
    if device == "cuda":
        from .cuda import solve_on_device

        return solve_on_device
    if own.vectorized:
        return solve_vectorized
    if not (objective.is_compiled and private.is_usable()):
        return solve_python
    threads = own.threads or (default_threads() if workers is None else 1)
    return partial(solve_compiled, threads=threads)
