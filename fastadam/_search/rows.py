"""Many searches, one after the other in each thread.

The compiled loop of one search is called for row after row. Its memory is used again for each, so
that a thread needs the memory of one. It returns in the middle of a row if another thread sets
``halt``, which is what Ctrl-C and the clock need, and rows are handed to threads a few at a time,
so that no core is idle while another has the slow ones. Each row is solved by itself: the threads
do not change the results.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any

from numba import types
from numba.extending import register_jitable

from .._numba.addresses import borrowed, spill
from .._numba.cache import compile_kernel
from .._numba.calls import make_function_at
from .._objective.layout import (
    BEST_GRAD,
    BEST_X,
    GRAD,
    GRADIENT,
    LOWER,
    STATE,
    TRIAL,
    UNIT,
    UPPER,
    X,
)
from .iteration import start
from .outcomes import INFEASIBLE, RAISED, RUNNING
from .state import MATRIX, MOST

#: The columns of ``counts``; the last is how the row ended.
NIT, NFEV, NJEV, END = range(4)

VECTOR = types.Array(types.float64, 1, "C")
WORDS = types.Array(types.int64, 1, "C")
COUNTS = types.Array(types.int64, 2, "C")


@cache
def solve_kernel(run_signature: Any, args_type: Any, batch_type: Any) -> Callable[..., Any]:
    """Return the compiled loop over rows: ``solve(run_address, address, args, batch, ...)``.

    Parameters
    ----------
    run_signature : numba.core.typing.Signature
        That of `kernels.run_kernel`, whose machine code is at ``run_address``.
    args_type, batch_type : numba.types.BaseTuple
        The types of the common arguments, and of the arrays whose rows are arguments.

    Returns
    -------
    callable
        It goes on at row ``cursor[0]``, and returns at ``stop``, when ``halt`` is set, or when
        the search wants more of the schedule; ``cursor[1]`` says whether the row has begun.
        ``words`` is the memory of ``record``, and ``template`` that of a search that has not
        begun. ``lowers`` and ``uppers`` have a row for each search or one for all of them,
        ``rates`` likewise a step size, and ``schedule`` those of the iterations from the first
        as far as they are known, or nothing if there is no schedule.
        ``per_free`` is the number of evaluations that the gradient takes for each coordinate
        that is not fixed.
    """
    function_at = make_function_at(run_signature)
    has_rows = len(batch_type) > 0

    def solve(
        run_address,
        address,
        args,
        batch,
        index,
        record,
        rows,
        words,
        template,
        trial,
        h,
        starts,
        lowers,
        uppers,
        rates,
        per_free,
        x,
        fun,
        jac,
        counts,
        cursor,
        schedule,
        stop,
    ):
        slot = spill((args, batch, index)) if has_rows else spill(args)
        index, record, rows, words, template, trial = borrowed(
            (index, record, rows, words, template, trial)
        )
        starts, lowers, uppers, rates, schedule = borrowed(
            (starts, lowers, uppers, rates, schedule)
        )
        x, fun, jac, counts, cursor = borrowed((x, fun, jac, counts, cursor))
        run = function_at(run_address)
        s = record[0]
        while cursor[0] < stop:
            k = cursor[0]
            if cursor[1] == 0:
                if s.halt != 0:
                    return
                index[0] = k
                for i in range(words.size - 1):  # not `halt`, the last
                    words[i] = template[i]
                if not begin(s, rows, k, starts, lowers, uppers, rates, per_free):
                    counts[k, END] = INFEASIBLE
                    cursor[0] += 1
                    continue
                cursor[1] = 1
            iterations = MOST
            known = s.nit if s.nit < s.maxiter else schedule.size  # in the end none is needed
            if schedule.size > 0 and s.nit < s.maxiter:
                iterations = schedule.size - s.nit
                if iterations == 0:
                    return
            run(address, slot, record, rows, trial, h, schedule[known:], iterations)
            if s.status == RUNNING:
                if s.halt != 0:
                    return
                continue
            if wants_narrow(s):
                to_best(s, rows)
                run(address, slot, record, rows, trial, h, schedule[:0], 0)
                if s.part == 0:  # not halted
                    keep_gradient(rows)
            store(s, rows, k, x, fun, jac, counts)
            cursor[0] += 1
            cursor[1] = 0

    solve.__qualname__ = "solve"
    address, _, record, rows, trial, h, rates, iterations = run_signature.args
    signature = types.void(
        types.intp, address, args_type, batch_type, WORDS, record, rows, WORDS, WORDS, trial,
        h, MATRIX, MATRIX, MATRIX, rates, types.int64, MATRIX, VECTOR, MATRIX, COUNTS, WORDS,
        rates, iterations,
    )  # fmt: skip
    return compile_kernel(solve, signature, [args_type, batch_type], nogil=True)


@register_jitable
def begin(s, rows, k, starts, lowers, uppers, rates, per_free):
    """Set up the search of row ``k``; return whether its bounds hold a number."""
    free = 0
    for i in range(rows.shape[1]):
        lower = lowers[k if lowers.shape[0] > 1 else 0, i]
        upper = uppers[k if uppers.shape[0] > 1 else 0, i]
        if not lower <= upper or lower == math.inf or upper == -math.inf:
            return False
        free += lower < upper
        p = starts[k, i]
        p = lower if p < lower else upper if p > upper else p  # NaN stays NaN
        rows[X, i] = rows[TRIAL, i] = rows[BEST_X, i] = p
        rows[LOWER, i], rows[UPPER, i], rows[UNIT, i] = lower, upper, 0.0
        rows[GRAD, i] = rows[BEST_GRAD, i] = 0.0
        for j in range(STATE, rows.shape[0]):
            rows[j, i] = 0.0
    s.cost, s.wide_cost = 1 + per_free * free, 1 + 2 * free
    if s.auto == 0:
        s.lr = rates[k if rates.size > 1 else 0]
    start(s, rows)
    return True


@register_jitable
def lose(k, x, fun, jac, counts):
    """Write that row ``k`` raised an exception."""
    fun[k] = math.nan
    for i in range(x.shape[1]):
        x[k, i] = jac[k, i] = math.nan
    counts[k, NIT] = counts[k, NFEV] = counts[k, NJEV] = 0
    counts[k, END] = RAISED


@register_jitable
def wants_narrow(s):
    """Return whether the best gradient came from wide differences, and another is allowed."""
    return s.best_width != 0.0 and s.nfev + s.cost - 1 <= s.maxfev


@register_jitable
def to_best(s, rows):
    """Ask for the gradient at the best point by the scheme's own differences."""
    s.f, s.width, s.request = s.best_f, 0.0, GRADIENT
    for i in range(rows.shape[1]):
        rows[X, i] = rows[TRIAL, i] = rows[BEST_X, i]


@register_jitable
def keep_gradient(rows):
    """Note the gradient as that at the best point."""
    for i in range(rows.shape[1]):
        rows[BEST_GRAD, i] = rows[GRAD, i]


@register_jitable
def store(s, rows, k, x, fun, jac, counts):
    """Write the result of row ``k``."""
    found = s.best_f < math.inf  # or not even the start gave a number
    fun[k] = s.best_f if found else s.f
    for i in range(rows.shape[1]):
        x[k, i] = rows[BEST_X, i]
        jac[k, i] = rows[BEST_GRAD, i] if found else rows[GRAD, i]
    counts[k, NIT], counts[k, NFEV] = s.nit, s.nfev
    counts[k, NJEV], counts[k, END] = s.njev, s.status
