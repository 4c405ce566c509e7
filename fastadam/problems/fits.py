"""Least-squares fits of a curve to data."""

from __future__ import annotations

import math

import numpy as np

from ..typing import Vector
from .problem import Maker, Problem


def beale() -> Problem:
    """Make Beale's function: u (1 - v^i) fitted to three numbers; flat, with steep corners.

    ::

        (1.5 - u (1 - v))^2 + (2.25 - u (1 - v^2))^2 + (2.625 - u (1 - v^3))^2

    Box: -4.5 to 4.5. Start: (1, 1). Minimum: 0 at (3, 0.5).

    References
    ----------
    .. [1] E. M. L. Beale, "On an iterative method for finding a local minimum of a function of
       more than one variable", Technical Report 25, Statistical Techniques Research Group,
       Princeton University, 1958; MGH 5.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.beale()
    >>> problem.fun(problem.x0)
    14.203125
    """
    make = Maker(_beale_value, _beale_gradient, "Beale (1958)")
    return make("beale", x0=(1, 1), bounds=(-4.5, 4.5), minimizers=(3, 0.5))


def _beale_value(x: Vector) -> float:
    u, v = x[0], x[1]
    return (
        (1.5 - u * (1.0 - v)) ** 2
        + (2.25 - u * (1.0 - v**2)) ** 2
        + (2.625 - u * (1.0 - v**3)) ** 2
    )


def _beale_gradient(x: Vector, grad: Vector) -> None:
    u, v = x[0], x[1]
    r1 = 1.5 - u * (1.0 - v)
    r2 = 2.25 - u * (1.0 - v**2)
    r3 = 2.625 - u * (1.0 - v**3)
    grad[0] = -2.0 * (r1 * (1.0 - v) + r2 * (1.0 - v**2) + r3 * (1.0 - v**3))
    grad[1] = 2.0 * u * (r1 + 2.0 * v * r2 + 3.0 * v**2 * r3)


def misra1a() -> Problem:
    """Make NIST's data set Misra1a: a monolayer's volume by pressure, from dental research.

    ::

        sum_i (volume_i - b1 (1 - exp(-b2 pressure_i)))^2

    The two parameters differ by 6 orders of magnitude, and are strongly correlated.

    Box: 0 to 1000 and 0 to 0.01, ours. Start: (500, 1e-4), the harder of NIST's two; the other is
    (250, 5e-4). Minimum: 0.12455138894 at (238.94212918, 5.5015643181e-4), as certified; the
    digits beyond are from a calculation with 50.

    References
    ----------
    .. [1] D. Misra, "Dental research monomolecular adsorption study", NIST, 1978; NIST
       Statistical Reference Datasets, nonlinear regression, Misra1a,
       https://www.itl.nist.gov/div898/strd/nls/data/misra1a.shtml

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.misra1a()
    >>> round(problem.fun(problem.x0), 4)
    10780.1902
    """
    make = Maker(_misra1a_value, _misra1a_gradient, "Misra (1978), NIST StRD")
    return make(
        "misra1a",
        x0=(500, 1e-4),
        bounds=((0, 1000), (0, 0.01)),
        minimizers=(238.9421291788617, 0.0005501564318059136),
        fmin=0.12455138894440551,
    )


# fmt: off
_PRESSURE = np.array([
    77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8,
    378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0,
])
_VOLUME = np.array([
    10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02,
    44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78,
])
# fmt: on


def _misra1a_value(x: Vector) -> float:
    total = 0.0
    for i in range(_VOLUME.size):
        total += (_VOLUME[i] + x[0] * math.expm1(-x[1] * _PRESSURE[i])) ** 2
    return total


def _misra1a_gradient(x: Vector, grad: Vector) -> None:
    grad[0] = grad[1] = 0.0
    for i in range(_VOLUME.size):
        unfilled = math.exp(-x[1] * _PRESSURE[i])
        residual = _VOLUME[i] + x[0] * math.expm1(-x[1] * _PRESSURE[i])
        grad[0] += 2.0 * residual * math.expm1(-x[1] * _PRESSURE[i])
        grad[1] -= 2.0 * residual * x[0] * _PRESSURE[i] * unfilled
