"""Functions whose curvature differs by orders of magnitude between directions."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import numpy as np
from numba.extending import register_jitable

from .._validate import MOST_VARIABLES, count, finite
from ..typing import Vector
from .problem import GradientFormula, Maker, Problem, ValueFormula

Formulas = tuple[ValueFormula, GradientFormula]


def powell_badly_scaled() -> Problem:
    """Make Powell's badly scaled function: a hyperbola so narrow that few minimisers follow it.

    ::

        (10^4 x y - 1)^2 + (exp(-x) + exp(-y) - 1.0001)^2

    Box: 0 to 10, ours. Start: (0, 1). Minimum: 0 at (1.0982e-5, 9.1061), and with x and y
    exchanged.

    References
    ----------
    .. [1] M. J. D. Powell, "A hybrid method for nonlinear equations", in: P. Rabinowitz (ed.),
       Numerical Methods for Nonlinear Algebraic Equations, Gordon and Breach, 1970, 87-114;
       MGH 3.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.powell_badly_scaled()
    >>> round(problem.fun(problem.x0), 6)
    1.135262
    """
    root = (1.0981593296998175e-05, 9.106146739866524)
    make = Maker(_powell_badly_scaled_value, _powell_badly_scaled_gradient, "Powell (1970)")
    return make("powell_badly_scaled", x0=(0, 1), bounds=(0, 10), minimizers=(root, root[::-1]))


def _powell_badly_scaled_value(x: Vector) -> float:
    first = 1e4 * x[0] * x[1] - 1.0
    second = math.exp(-x[0]) + math.exp(-x[1]) - 1.0001
    return first**2 + second**2


def _powell_badly_scaled_gradient(x: Vector, grad: Vector) -> None:
    first = 1e4 * x[0] * x[1] - 1.0
    second = math.exp(-x[0]) + math.exp(-x[1]) - 1.0001
    grad[0] = 2e4 * first * x[1] - 2.0 * second * math.exp(-x[0])
    grad[1] = 2e4 * first * x[0] - 2.0 * second * math.exp(-x[1])


def brown_badly_scaled() -> Problem:
    """Make Brown's badly scaled function: at the minimum, one coordinate is 5e11 times the other.

    ::

        (x - 10^6)^2 + (y - 2 * 10^-6)^2 + (x y - 2)^2

    Box: 0 to 2e6 and 0 to 2, ours. Start: (1, 1). Minimum: 0 at (1e6, 2e-6).

    References
    ----------
    .. [1] J. J. Moré, B. S. Garbow, K. E. Hillstrom, "Testing unconstrained optimization
       software", ACM Transactions on Mathematical Software 7 (1981) 17-41; number 4.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.brown_badly_scaled()
    >>> round(problem.fun(problem.x0))
    999998000003
    """
    make = Maker(
        _brown_badly_scaled_value, _brown_badly_scaled_gradient, "Moré, Garbow & Hillstrom (1981)"
    )
    return make("brown_badly_scaled", x0=(1, 1), bounds=((0, 2e6), (0, 2)), minimizers=(1e6, 2e-6))


def _brown_badly_scaled_value(x: Vector) -> float:
    return (x[0] - 1e6) ** 2 + (x[1] - 2e-6) ** 2 + (x[0] * x[1] - 2.0) ** 2


def _brown_badly_scaled_gradient(x: Vector, grad: Vector) -> None:
    product = x[0] * x[1] - 2.0
    grad[0] = 2.0 * (x[0] - 1e6) + 2.0 * product * x[1]
    grad[1] = 2.0 * (x[1] - 2e-6) + 2.0 * product * x[0]


def ill_conditioned_quadratic(n: int = 10, condition: float = 1e6) -> Problem:
    """Make a quadratic with its axes along the coordinates: easy to rescale.

    ::

        sum_i condition^((i - 1)/(n - 1)) x_i^2

    Box: -5 to 5. Start: (1, ..., 1). Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 2.
    condition : float, default 1e6
        The condition number of the Hessian. Each one is compiled anew.

    References
    ----------
    .. [1] N. Hansen, A. Ostermeier, "Completely derandomized self-adaptation in evolution
       strategies", Evolutionary Computation 9 (2001) 159-195.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.ill_conditioned_quadratic(n=3, condition=100.0)
    >>> problem.fun(problem.x0)  # 1 + 10 + 100
    111.0
    """
    return _quadratic("ill_conditioned_quadratic", _diagonal_formulas, n, condition)


def rotated_quadratic(n: int = 10, condition: float = 1e6) -> Problem:
    """Make a quadratic whose axes are oblique: no scaling of the coordinates helps.

    ::

        sum_i condition^((i - 1)/(n - 1)) y_i^2,  y = x - 2 v (v.x)/(v.v),  v = (1, 2, ..., n)

    The reflection y is its own inverse, mixes all coordinates, and takes O(n) operations.

    Box: -5 to 5. Start: (1, ..., 1). Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 2.
    condition : float, default 1e6
        The condition number of the Hessian. Each one is compiled anew.

    References
    ----------
    .. [1] N. Hansen, A. Ostermeier, "Completely derandomized self-adaptation in evolution
       strategies", Evolutionary Computation 9 (2001) 159-195; there, rotated at random.

    Examples
    --------
    >>> import numpy as np
    >>> from fastadam import problems
    >>> problem = problems.rotated_quadratic(n=2, condition=100.0)
    >>> round(problem.fun(np.array([0.6, -0.8])), 6)  # along the first axis
    1.0
    """
    return _quadratic("rotated_quadratic", _rotated_formulas, n, condition)


def _quadratic(
    name: str, formulas: Callable[[float], Formulas], n: int, condition: float
) -> Problem:
    count("n", n, 2, MOST_VARIABLES)
    if not finite("condition", condition) >= 1.0:
        raise ValueError(f"condition must be >= 1, got {condition}")
    make = Maker(*formulas(float(condition)), "Hansen & Ostermeier (2001)")
    return make(name, x0=np.ones(n), bounds=(-5, 5), minimizers=np.zeros(n))


@cache
def _diagonal_formulas(condition: float) -> Formulas:
    def value(x: Vector) -> float:
        ratio = condition ** (1.0 / (x.size - 1))
        weight, total = 1.0, 0.0
        for i in range(x.size):
            total += weight * x[i] ** 2
            weight *= ratio
        return total

    def gradient(x: Vector, grad: Vector) -> None:
        ratio = condition ** (1.0 / (x.size - 1))
        weight = 1.0
        for i in range(x.size):
            grad[i] = 2.0 * weight * x[i]
            weight *= ratio

    return value, gradient


@cache
def _rotated_formulas(condition: float) -> Formulas:
    def value(x: Vector) -> float:
        ratio = condition ** (1.0 / (x.size - 1))
        shift = _shift(x)
        weight, total = 1.0, 0.0
        for i in range(x.size):
            total += weight * (x[i] - shift * (i + 1)) ** 2
            weight *= ratio
        return total

    def gradient(x: Vector, grad: Vector) -> None:
        ratio = condition ** (1.0 / (x.size - 1))
        shift = _shift(x)
        weight = 1.0
        for i in range(x.size):
            grad[i] = 2.0 * weight * (x[i] - shift * (i + 1))
            weight *= ratio
        shift = _shift(grad)
        for i in range(x.size):
            grad[i] -= shift * (i + 1)

    return value, gradient


@register_jitable
def _shift(x: Vector) -> float:
    """Find the multiple of (1, 2, ..., n) that reflects ``x`` when subtracted."""
    along, length = 0.0, 0.0
    for i in range(x.size):
        along += (i + 1) * x[i]
        length += (i + 1) ** 2
    return 2.0 * along / length
