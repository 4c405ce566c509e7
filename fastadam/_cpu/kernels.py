"""Kernels, compiled from a rule.

A kernel does the whole step of one rule over one flat array, parameters and state in one pass::

    kernel(p, g, state, hyper, t)

``p``, ``g``: contiguous arrays of one dtype and length n, overlapping nowhere (but ``g`` may be
``p`` itself). ``state``: a contiguous (k, n) array of the same dtype, a row for each name in
``rule.state``. ``hyper``: the rule's hyper-parameters, a tuple of floats. ``t``: the step, from 1.

With a `Form` of more than that it is::

    kernel(p, g, state, hyper, t, average, extras)

``average``: like ``p``, or of no elements where there is none. ``extras``: what gradients are
scaled by and cut at, the weight of the parameters in the average, and the norm of the gradients,
which is not read (`SCALE` and so on are the places).

Nothing is checked here. The serial and the parallel kernel are one loop compiled twice, without
``fastmath``: they agree bit for bit at every number of threads and every split of the array
(with ``fastmath`` they differ in the last bits, and it gains only while all fits in cache).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numba import from_dtype, prange, types

from .._backend import PLAIN, Form
from .._forms.narrow import choose_reader
from .._numba.cache import compile_kernel
from .._numba.options import KERNEL_OPTIONS
from .._rules.beside import choose_clip
from .._rules.shared import FLOOR
from .._rules.spec import Rule
from .._rules.state import make_accessors, make_average_accessor, make_floor, make_floors

Kernel = Callable[..., Any]

#: The places in ``extras``.
SCALE, LIMIT, WEIGHT, NORM = range(4)
EXTRAS = 4


def make_step_kernel(
    rule: Rule, dtype: np.dtype[Any], form: Form = PLAIN, *, parallel: bool = False
) -> Kernel:
    """Compile the kernel of a rule over arrays of a dtype, or load it; see the module.

    A parallel one spreads the array over Numba's threads: see `threads.run_parallel`.
    """
    if form == PLAIN:
        return _make_plain_kernel(rule, dtype, parallel)
    return _make_kernel_of_form(rule, dtype, parallel, form)


@cache
def _make_plain_kernel(rule: Rule, dtype: np.dtype[Any], parallel: bool) -> Kernel:
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)

    def kernel(p, g, state, hyper, t):
        c = coefficients(hyper, float(t))
        for i in prange(p.size):  # a plain range, unless compiled with parallel=True
            p[i], new_state = update(p[i], g[i], load(state, i, floors), c)
            store(state, i, new_state, floors)

    kernel.__qualname__ = _name(rule, dtype, parallel)
    arguments, cast = _declare(rule, dtype)
    signature = types.void(*arguments)
    return compile_kernel(kernel, signature, parallel=parallel, locals=cast, **KERNEL_OPTIONS)


@cache
def _make_kernel_of_form(rule: Rule, dtype: np.dtype[Any], parallel: bool, form: Form) -> Kernel:
    coefficients, update = rule.coefficients, rule.update
    load, store = make_accessors(rule)
    floors = make_floors(rule, dtype)
    clip, add = choose_clip(form.is_clipped), make_average_accessor(form.is_averaged)
    floor = make_floor(FLOOR, dtype)

    def kernel(p, g, state, hyper, t, average, extras):
        c = coefficients(hyper, float(t))
        scale, limit, weight = extras[SCALE], extras[LIMIT], extras[WEIGHT]
        for i in prange(p.size):
            gradient = clip(g[i], scale, limit)
            new, new_state = update(p[i], gradient, load(state, i, floors), c)
            p[i] = new
            store(state, i, new_state, floors)
            add(average, i, new, weight, floor)

    kernel.__qualname__ = "_".join((_name(rule, dtype, parallel), *form.words))
    arguments, cast = _declare(rule, dtype)
    signature = types.void(*arguments, arguments[0], types.float64[::1])
    cast |= dict.fromkeys(("scale", "limit", "weight"), from_dtype(dtype))
    return compile_kernel(kernel, signature, parallel=parallel, locals=cast, **KERNEL_OPTIONS)


def _name(rule: Rule, dtype: np.dtype[Any], parallel: bool) -> str:
    return f"{rule.name}_{dtype.name}_{'parallel' if parallel else 'serial'}"


def _declare(rule: Rule, dtype: np.dtype[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Give the types of a kernel's arguments, and of its variables that need one."""
    real = from_dtype(dtype)
    vector = types.Array(real, 1, "C")
    matrix, scalars = types.Array(real, 2, "C"), types.UniTuple(types.float64, len(rule.hyper))
    # Declaring the type of c is what casts the float64 coefficients.
    cast = {"c": types.UniTuple(real, rule.coefficient_count)}
    return [vector, vector, matrix, scalars, types.int64], cast


@cache
def make_finite_kernel(dtype: np.dtype[Any]) -> Kernel:
    """Compile or load ``all_finite(x)`` for contiguous vectors of a dtype.

    One comparison that is false for NaN too, and no early exit: so it vectorises. On 100,000
    finite float32 numbers it took 5 us; ``isfinite`` up to the first that is not took 33.
    Of uint16 it is for the bits of bfloat16.
    """
    read, largest = choose_reader(dtype), np.finfo(np.float32 if dtype == np.uint16 else dtype).max

    def kernel(x):
        bad = False
        for i in range(x.size):
            bad |= not abs(read(x[i])) <= largest
        return not bad

    kernel.__qualname__ = f"all_finite_{dtype.name}"
    signature = types.boolean(types.Array(from_dtype(dtype), 1, "C"))
    return compile_kernel(kernel, signature, **KERNEL_OPTIONS)
