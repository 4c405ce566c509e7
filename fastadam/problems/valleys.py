"""Curved valleys with a flat floor: steep descent leads in, but not along."""

from __future__ import annotations

import math

import numpy as np

from .._validate import MOST_VARIABLES, count
from ..typing import Vector
from .problem import Maker, Problem


def rosenbrock(n: int = 2) -> Problem:
    """Make Rosenbrock's banana: a parabolic valley with steep walls and a flat floor.

    ::

        sum_{i<n} 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2

    Box: -5 to 10. Start: (-1.2, 1, -1.2, ...). Minimum: 0 at (1, ..., 1); from n = 4 on there
    is a local minimum near (-1, 1, ..., 1).

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 2.

    References
    ----------
    .. [1] H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a
       function", The Computer Journal 3 (1960) 175-184; MGH 1.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.rosenbrock()
    >>> round(problem.fun(problem.x0), 6)
    24.2
    """
    count("n", n, 2, MOST_VARIABLES)
    make = Maker(_rosenbrock_value, _rosenbrock_gradient, "Rosenbrock (1960)")
    return make("rosenbrock", x0=np.resize([-1.2, 1.0], n), bounds=(-5, 10), minimizers=np.ones(n))


def _rosenbrock_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size - 1):
        total += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return total


def _rosenbrock_gradient(x: Vector, grad: Vector) -> None:
    grad[0] = 0.0
    for i in range(x.size - 1):
        height = x[i + 1] - x[i] ** 2
        grad[i] -= 400.0 * x[i] * height + 2.0 * (1.0 - x[i])
        grad[i + 1] = 200.0 * height


def dixon_price(n: int = 5) -> Problem:
    """Make the Dixon-Price function: a chain of parabolic valleys.

    ::

        (x_1 - 1)^2 + sum_{i=2..n} i (2 x_i^2 - x_{i-1})^2

    Box: -10 to 10. Start: (1, ..., 1), ours. Minimum: 0 at x_i = 2^(2^(1-i) - 1), where the
    last coordinate may have either sign.

    Parameters
    ----------
    n : int, default 5
        The dimension, at least 2.

    References
    ----------
    .. [1] L. C. W. Dixon, R. C. Price, "Truncated Newton method for sparse unconstrained
       optimization using automatic differentiation", Journal of Optimization Theory and
       Applications 60 (1989) 261-275.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.dixon_price()
    >>> problem.fun(problem.x0)
    14.0
    """
    count("n", n, 2, MOST_VARIABLES)
    minimizers = np.tile(2.0 ** (2.0 ** -np.arange(n) - 1.0), (2, 1))
    minimizers[1, -1] *= -1.0
    make = Maker(_dixon_price_value, _dixon_price_gradient, "Dixon & Price (1989)")
    return make("dixon_price", x0=np.ones(n), bounds=(-10, 10), minimizers=minimizers)


def _dixon_price_value(x: Vector) -> float:
    total = (x[0] - 1.0) ** 2
    for i in range(1, x.size):
        total += (i + 1) * (2.0 * x[i] ** 2 - x[i - 1]) ** 2
    return total


def _dixon_price_gradient(x: Vector, grad: Vector) -> None:
    grad[0] = 2.0 * (x[0] - 1.0)
    for i in range(1, x.size):
        slope = 2.0 * (i + 1) * (2.0 * x[i] ** 2 - x[i - 1])
        grad[i - 1] -= slope
        grad[i] = 4.0 * x[i] * slope


def wood() -> Problem:
    """Make Wood's function: two coupled parabolic valleys, with a saddle that traps.

    ::

        100 (x2 - x1^2)^2 + (1 - x1)^2 + 90 (x4 - x3^2)^2 + (1 - x3)^2
        + 10 (x2 + x4 - 2)^2 + 0.1 (x2 - x4)^2

    Box: -10 to 10. Start: (-3, -1, -3, -1). Minimum: 0 at (1, 1, 1, 1).

    References
    ----------
    .. [1] A. R. Colville, "A comparative study of nonlinear programming codes", Report 320-2949,
       IBM New York Scientific Center, 1968; MGH 14.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.wood()
    >>> problem.fun(problem.x0)
    19192.0
    """
    make = Maker(_wood_value, _wood_gradient, "Colville (1968)")
    return make("wood", x0=(-3, -1, -3, -1), bounds=(-10, 10), minimizers=np.ones(4))


def _wood_value(x: Vector) -> float:
    return (
        100.0 * (x[1] - x[0] ** 2) ** 2
        + (1.0 - x[0]) ** 2
        + 90.0 * (x[3] - x[2] ** 2) ** 2
        + (1.0 - x[2]) ** 2
        + 10.0 * (x[1] + x[3] - 2.0) ** 2
        + 0.1 * (x[1] - x[3]) ** 2
    )


def _wood_gradient(x: Vector, grad: Vector) -> None:
    a = 200.0 * (x[1] - x[0] ** 2)
    b = 180.0 * (x[3] - x[2] ** 2)
    total = 20.0 * (x[1] + x[3] - 2.0)
    difference = 0.2 * (x[1] - x[3])
    grad[0] = -2.0 * x[0] * a - 2.0 * (1.0 - x[0])
    grad[1] = a + total + difference
    grad[2] = -2.0 * x[2] * b - 2.0 * (1.0 - x[2])
    grad[3] = b + total - difference


def helical_valley() -> Problem:
    """Make the helical valley: it winds once around the third axis.

    ::

        100 (x3 - 10 t)^2 + 100 (r - 1)^2 + x3^2

    where r and t are the polar coordinates of (x1, x2), the angle in turns from -1/4 to 3/4: the
    function jumps at x1 = 0, x2 < 0.

    Box: -10 to 10, ours. Start: (-1, 0, 0). Minimum: 0 at (1, 0, 0).

    References
    ----------
    .. [1] R. Fletcher, M. J. D. Powell, "A rapidly convergent descent method for minimization",
       The Computer Journal 6 (1963) 163-168; MGH 7.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.helical_valley()
    >>> problem.fun(problem.x0)
    2500.0
    """
    make = Maker(_helical_valley_value, _helical_valley_gradient, "Fletcher & Powell (1963)")
    return make("helical_valley", x0=(-1, 0, 0), bounds=(-10, 10), minimizers=(1, 0, 0))


def _helical_valley_value(x: Vector) -> float:
    # Measured from the second axis, the angle has its jump where it does not split the start.
    turns = 0.25 - math.atan2(x[0], x[1]) / (2.0 * math.pi)
    radius = math.hypot(x[0], x[1])
    return 100.0 * (x[2] - 10.0 * turns) ** 2 + 100.0 * (radius - 1.0) ** 2 + x[2] ** 2


def _helical_valley_gradient(x: Vector, grad: Vector) -> None:
    turns = 0.25 - math.atan2(x[0], x[1]) / (2.0 * math.pi)
    radius = math.hypot(x[0], x[1])
    height = 200.0 * (x[2] - 10.0 * turns)
    grad[0] = grad[1] = 0.0
    if radius != 0.0:  # on the axis neither coordinate has a derivative
        around = 10.0 * height / (2.0 * math.pi * radius**2)
        outward = 200.0 * (radius - 1.0) / radius
        grad[0] = outward * x[0] + around * x[1]
        grad[1] = outward * x[1] - around * x[0]
    grad[2] = height + 2.0 * x[2]
