"""A user's compiled model, in the form that the compiled loop calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numba import types

from .._numba.addresses import make_reals_at, make_vector_at, vector_at
from .._numba.options import KERNEL_OPTIONS, inline
from .._numba.tuples import make_exchange

#: ``(task, p, beside, inverses, out) -> whether the shape was right``. All are addresses.
SIGNATURE = types.boolean(*[types.intp] * 5)
#: What is at the address of a task: where x is, the number of points, numbers at each.
X, POINTS, WIDTH, WORDS = range(4)

words_at = make_vector_at(types.Array(types.int64, 1, "C"))


def make_column(model, n):
    """Make what fills in the derivatives at a point by all parameters before the n-th"""
    if n == 0:
        return inline(lambda x, p, q, inverses, value, m, i, out: None)
    before, exchange, last = make_column(model, n - 1), make_exchange(n - 1), n - 1

    def fill(x, p, q, inverses, value, m, i, out):
        before(x, p, q, inverses, value, m, i, out)
        out[n * m + i] = (model(x, *exchange(p, q)) - value) * inverses[last]

    return inline(fill)


@lru_cache(maxsize=64)
def pointwise_wrapper(model: Any, n: int, is_wide: bool) -> Callable[..., Any]:
    reals_at, fill = make_reals_at(n), make_column(model, n)

    @numba.njit(SIGNATURE, **KERNEL_OPTIONS)
    def wrapper(task, parameters, beside, inverses, out):
        words = words_at(task, WORDS)
        m, p = words[POINTS], reals_at(parameters)
        x = vector_at(words[X], m)
        if inverses == 0:
            values = vector_at(out, m)
            for i in range(m):
                values[i] = model(x[i], *p)
        else:
            q, scale = reals_at(beside), reals_at(inverses)
            values = vector_at(out, (n + 1) * m)
            for i in range(m):
                at = x[i]
                value = model(at, *p)
                values[i] = value
                fill(at, p, q, scale, value, m, i, values)
        return True

    return wrapper
