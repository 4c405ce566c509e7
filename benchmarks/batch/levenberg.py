"""Compiled batches of Levenberg and Marquardt's method, on the decays of `workloads`.

ndoptimize is one; with lumafit and scijit, whose fits can be called from compiled code, the loop
over the curves is Numba's `prange`. The derivatives are given by hand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import numba
import numpy as np

from workloads.decays import LOWER, NOISE, TIMES, UPPER

from ..harness.adam import Array

#: ``(starts, curves) -> parameters``, a row each.
Solve = Callable[[Array, Array], Array]

NDOPTIMIZE, NDOPTIMIZE_FREE = "ndoptimize, bounds", "ndoptimize, no bounds"
LUMAFIT, SCIJIT = "lumafit in prange, no bounds", "scijit leastsq in prange, no bounds"


@numba.njit(error_model="numpy")
def decay(p, t):  # type: ignore[no-untyped-def]  # Numba finds the types
    """Return the decay."""
    out = np.empty(t.size)
    for i in range(t.size):
        out[i] = p[0] * math.exp(-p[1] * t[i]) + p[2]
    return out


@numba.njit(error_model="numpy")
def slopes(p, t):  # type: ignore[no-untyped-def]
    """Return its derivatives, a column a parameter."""
    out = np.empty((t.size, 3))
    for i in range(t.size):
        e = math.exp(-p[1] * t[i])
        out[i, 0], out[i, 1], out[i, 2] = e, -p[0] * t[i] * e, 1.0
    return out


@numba.njit(error_model="numpy")
def residuals(p, t, y):  # type: ignore[no-untyped-def]
    """Return how far off the decay is."""
    return decay(p, t) - y


@numba.njit(error_model="numpy")
def residual_slopes(p, t, y):  # type: ignore[no-untyped-def]
    """Return the residuals' derivatives."""
    return slopes(p, t)


def ndoptimize_batch(bounded: bool) -> Solve:
    """Return `ndoptimize.least_squares`; raises ImportError where it is not installed."""
    import ndoptimize

    @ndoptimize.model(parameters=("amplitude", "rate", "offset"), inputs=("t",), cache=False)
    def model(x, p, f, jacobian):  # type: ignore[no-untyped-def]
        for i in range(x.shape[0]):
            t = x[i, 0]
            e = math.exp(-p[1] * t)
            f[i] = p[0] * e + p[2]
            jacobian[i, 0], jacobian[i, 1], jacobian[i, 2] = e, -p[0] * t * e, 1.0

    within: Any = {"lower": LOWER, "upper": UPPER} if bounded else {}

    def run(starts: Array, y: Array) -> Array:
        found = ndoptimize.least_squares(
            model, x=TIMES[:, None], data=y, variance=NOISE**2, guess=starts, **within
        )
        return found.parameters

    return run


def lumafit_batch() -> Solve:
    """Return lumafit's fit in `prange`; raises ImportError where it is not installed.

    Its own loop over pixels has one start for all.
    """
    from lumafit import levenberg_marquardt_core

    @numba.njit(parallel=True)
    def run(starts, y, t):  # type: ignore[no-untyped-def]
        ends = np.empty_like(starts)
        for k in numba.prange(len(starts)):
            found = levenberg_marquardt_core(decay, starts[k], y[k], jac_func=slopes, args=(t,))
            ends[k] = found[0]
        return ends

    return lambda starts, y: run(starts, y, TIMES)


def scijit_batch() -> Solve:
    """Return MINPACK's lmder as scijit has it, in `prange`; raises ImportError without scijit."""
    from scijit.optimize import leastsq

    @numba.njit(parallel=True)
    def run(starts, y, t):  # type: ignore[no-untyped-def]
        ends = np.empty_like(starts)
        for k in numba.prange(len(starts)):
            ends[k] = leastsq(residuals, starts[k], args=(t, y[k]), Dfun=residual_slopes)[0]
        return ends

    return lambda starts, y: run(starts, y, TIMES)


MAKERS: dict[str, Callable[[], Solve]] = {
    NDOPTIMIZE: partial(ndoptimize_batch, True),
    NDOPTIMIZE_FREE: partial(ndoptimize_batch, False),
    LUMAFIT: lumafit_batch,
    SCIJIT: scijit_batch,
}
