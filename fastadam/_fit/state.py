"""The memory of a thread that fits curves, one after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..typing import Matrix, Vector

#: The rows of `Work.vectors`. Differences are taken between TRIAL and BESIDE.
P, TRIAL, BESIDE, INVERSE_STEP, GRADIENT, STEP, SCALE, UNSCALE, UNIT, FREE = range(10)
LOWER, UPPER, VECTORS = range(10, 13)
#: What `Work.vectors` has of a parameter in FREE.
IS_FREE, IS_HELD, IS_PINNED = 1.0, 0.0, -1.0

#: What a point is evaluated for: to begin; as a trial; for the derivatives where a trial was good
#: without them; for those at the end.
START, TRY, SLOPES, END = range(4)

#: The scalars of a search.
SCALARS = np.dtype(
    [
        ("outcome", np.int64),
        ("phase", np.int64),
        ("f", np.float64),  # at P
        ("trial_f", np.float64),  # where it was evaluated last; -1 if the model's shape is wrong
        ("size", np.float64),  # of the data, divided by sigma
        ("radius", np.float64),  # what steps may be long, in units of the scales
        ("length", np.float64),  # of the step
        ("damping", np.float64),  # of the step: 0 if it is Gauss and Newton's
        ("predicted", np.float64),  # by how much f should fall
        ("slope", np.float64),  # half of that to first order, below 0
        ("expected", np.float64),  # what it was for the first trial from P, or -1
        ("has_weights", np.int64),  # whether one is not 1
        ("nit", np.int64),
        ("nfev", np.int64),
        ("starts", np.int64),  # how often the start was evaluated
        ("wants_slopes", np.int64),  # whether the next evaluation is with derivatives
        ("has_factor", np.int64),  # whether `Work.factor` is that of J^T J at P
        ("has_slopes", np.int64),  # whether those at P are in `Work.model`
    ],
    align=True,
)


class Work(NamedTuple):
    """What a thread fits its curves in: n parameters, m points."""

    search: NDArray[Any]  # (1,): the scalars
    model: Matrix  # (1 + n, m): residuals at TRIAL, and their derivatives, a row a parameter
    weight: Vector  # (m,): 1 / sigma, or 0 for a point that is left out
    vectors: Matrix  # (VECTORS, n)
    normal: Matrix  # (n, n): J^T J at P
    factor: Matrix  # (n, n)

    @classmethod
    def of(cls, n: int, m: int) -> Work:
        """Make it for n parameters and m points."""
        shapes = (1 + n, m), (m,), (VECTORS, n), (n, n), (n, n)
        return cls(np.zeros(1, SCALARS), *map(np.zeros, shapes))


class Limits(NamedTuple):
    """When a search ends, and how well its derivatives are known."""

    ftol: float
    xtol: float
    maxfev: int
    rounding: float  # of the terms of differences; 0 if derivatives are given
