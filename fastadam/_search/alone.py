"""One search from its beginning to its end, in memory that somebody else has found for it.

It is for code that Python does not see: it has no clock, and nothing halts it. All that it needs is
in two places: the memory, whose head is its start, and its solution when it returns; and the
*constants*, what searches have in common.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numpy.typing import NDArray

from .._numba.addresses import complex_vector_at, make_vector_at, matrix_at, vector_at
from .._numba.cache import compile_kernel
from .._numba.calls import make_function_at
from .._numba.options import register_jitable
from .._objective.layout import BEST_X, LOWER, REL_STEP, STATE, TRIAL, UPPER, X_SCALE
from ..typing import Vector
from . import metric, rows
from .outcomes import OUTCOMES, RUNNING
from .search import Search
from .state import INTEGERS, MOST, RECORDS, SCALARS

#: Of the record of a search.
WORDS = SCALARS.itemsize // 8
#: What is in the constants: four counts, the words of a search that has not begun, its step size,
#: the vectors that it does not change, and the step sizes of a schedule. Each vector has a number
#: for each variable, or one column serves all.
_COLUMNS, _STATE_ROWS, _COMPLEX_ROWS, _RATES = range(4)
_TEMPLATE, _RATE, _VECTORS = 4, 4 + WORDS, 5 + WORDS
_ROWS = (LOWER, UPPER, REL_STEP, X_SCALE)

#: By outcome.
_STATUSES = np.array([OUTCOMES.get(k, (0,))[0] for k in range(1 + max(OUTCOMES))])

_rows_needed = register_jitable(metric.rows_needed)
_integers_at, _records_at = make_vector_at(INTEGERS), make_vector_at(RECORDS)


def make_constants(
    search: Search, bounds: tuple[Vector, Vector], rates: Vector, has_complex: bool
) -> NDArray[np.int64]:
    """Make the constants of searches like one of n variables, or of any number if n is 1."""
    template = search.record.view(np.int64)
    limits = np.array([*bounds, search.vectors[REL_STEP], search.vectors[X_SCALE]])
    counts = [search.x.size, len(search.rule.state), int(has_complex), rates.size]
    floats = np.concatenate([[search.scalars.lr], limits.ravel(), rates])
    return np.concatenate([np.array(counts, np.int64), template, floats.view(np.int64)])


@register_jitable
def count_words(n, state_rows, has_complex):
    """Count the words that a search of n variables takes, those of its x included."""
    return WORDS + n * (1 + count_rows(n, state_rows) + (2 if has_complex else 0))


@register_jitable
def count_rows(n, state_rows):
    """Count the rows of the vectors."""
    return STATE + state_rows + _rows_needed(n)


def make_alone(run: Callable[..., Any]) -> Callable[..., Any]:
    """Make ``solve(data, x, words, record, vectors, trial, constants, floats, hyper)``.

    It returns the value, the status and the iterations; ``x`` is the start, and then the solution.
    ``words`` are those of the record, and ``floats`` the constants as such.
    ``run(data, record, vectors, trial, hyper, rates, iterations)`` is the loop.
    """

    @register_jitable
    def solve(data, x, words, record, vectors, trial, constants, floats, hyper):
        columns = constants[_COLUMNS]
        limits = floats[_VECTORS : _VECTORS + len(_ROWS) * columns]
        rates = floats[_VECTORS + limits.size :]
        for i in range(WORDS):
            words[i] = constants[_TEMPLATE + i]
        for i in range(x.size):
            k = i if columns > 1 else 0
            vectors[TRIAL, i] = x[i]
            vectors[LOWER, i], vectors[UPPER, i] = limits[k], limits[columns + k]
            vectors[REL_STEP, i] = limits[2 * columns + k]
            vectors[X_SCALE, i] = limits[3 * columns + k]
        s = record[0]
        points, lowers = vectors[TRIAL : TRIAL + 1], vectors[LOWER : LOWER + 1]
        starts = rows.Starts(points, lowers, vectors[UPPER : UPPER + 1], floats[_RATE : _RATE + 1])
        rows.begin(s, vectors, 0, starts)
        while s.status == RUNNING:
            iterations = rates.size if rates.size > 0 else MOST
            run(data, record, vectors, trial, hyper, rates, iterations)
            rates = rates[:0]  # all are used, and the last point is to be judged
        for i in range(x.size):
            x[i] = vectors[BEST_X, i]
        f, _, _ = rows.find_solution(s)
        return f, _STATUSES[s.status], s.nit

    return solve


@cache
def alone_kernel(run_signature: Any) -> Callable[..., Any]:
    """Compile ``solve(run_address, address, user_data, memory, n, constants, hyper)``.

    ``memory`` and ``constants`` are addresses. At ``run_address`` is the machine code of
    `loops.run_kernel`, whose signature it depends on.
    """
    function_at = make_function_at(run_signature)

    @register_jitable
    def run(data, record, vectors, trial, hyper, rates, iterations):
        run_address, address, user_data = data
        loop = function_at(run_address)
        loop(address, user_data, record, vectors, trial, hyper, rates, iterations)

    solve_in = make_alone(run)

    def solve(run_address, address, user_data, memory, n, constants, hyper):
        counts = _integers_at(constants, _TEMPLATE)
        size = _VECTORS + len(_ROWS) * counts[_COLUMNS] + counts[_RATES]
        count = count_rows(n, counts[_STATE_ROWS])
        words, vectors = memory + 8 * n, memory + 8 * (n + WORDS)
        return solve_in(
            (run_address, address, user_data),
            vector_at(memory, n),
            _integers_at(words, WORDS),
            _records_at(words, 1),
            matrix_at(vectors, count, n),
            complex_vector_at(vectors + 8 * count * n, n * counts[_COMPLEX_ROWS]),
            _integers_at(constants, size),
            vector_at(constants, size),
            hyper,
        )

    solve.__qualname__ = "solve_alone"
    return compile_kernel(solve, alone_signature(run_signature), nogil=True)


@cache
def alone_signature(run_signature: Any) -> Any:
    """Make the Numba signature of `alone_kernel`."""
    results = types.Tuple((types.float64, types.int64, types.int64))
    *_, hyper, _, _ = run_signature.args
    return results(*(types.intp,) * 6, hyper)
