"""Convex functions of any dimension: one minimum, and no excuse."""

from __future__ import annotations

import numpy as np

from .._validate import MOST_VARIABLES, count
from ..typing import Vector
from .problem import Maker, Problem


def sphere(n: int = 10) -> Problem:
    """Make the sphere: the easiest function there is.

    ::

        sum_i x_i^2

    Box: -5.12 to 5.12. Start: (1, ..., 1), ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 1.

    References
    ----------
    .. [1] K. A. De Jong, "An analysis of the behavior of a class of genetic adaptive systems",
       PhD thesis, University of Michigan, 1975.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.sphere()
    >>> problem.fun(problem.x0)
    10.0
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_sphere_value, _sphere_gradient, "De Jong (1975)")
    return make("sphere", x0=np.ones(n), bounds=(-5.12, 5.12), minimizers=np.zeros(n))


def _sphere_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] ** 2
    return total


def _sphere_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size):
        grad[i] = 2.0 * x[i]


def sum_of_squares(n: int = 10) -> Problem:
    """Make the weighted sum of squares: an ellipsoid of condition number n.

    ::

        sum_i i x_i^2

    Box: -10 to 10. Start: (1, ..., 1), ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 1.

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.sum_of_squares()
    >>> problem.fun(problem.x0)
    55.0
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_sum_of_squares_value, _sum_of_squares_gradient, "Jamil & Yang (2013)")
    return make("sum_of_squares", x0=np.ones(n), bounds=(-10, 10), minimizers=np.zeros(n))


def _sum_of_squares_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size):
        total += (i + 1) * x[i] ** 2
    return total


def _sum_of_squares_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size):
        grad[i] = 2.0 * (i + 1) * x[i]


def trid(n: int = 6) -> Problem:
    """Make the Trid function: a tridiagonal quadratic whose minimum is far from the origin.

    ::

        sum_i (x_i - 1)^2 - sum_{i>1} x_i x_{i-1}

    Box: -n^2 to n^2. Start: the origin, ours. Minimum: -n (n + 4) (n - 1) / 6 at
    x_i = i (n + 1 - i).

    Parameters
    ----------
    n : int, default 6
        The dimension, at least 2.

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.trid()
    >>> problem.fun(problem.x0), problem.fmin
    (6.0, -50.0)
    """
    count("n", n, 2, MOST_VARIABLES)
    i = np.arange(1, n + 1)
    make = Maker(_trid_value, _trid_gradient, "Jamil & Yang (2013)")
    return make(
        "trid",
        x0=np.zeros(n),
        bounds=(-(float(n) ** 2), float(n) ** 2),
        minimizers=i * (n + 1 - i),
        fmin=-n * (n + 4) * (n - 1) / 6.0,
    )


def _trid_value(x: Vector) -> float:
    total = (x[0] - 1.0) ** 2
    for i in range(1, x.size):
        total += (x[i] - 1.0) ** 2 - x[i] * x[i - 1]
    return total


def _trid_gradient(x: Vector, grad: Vector) -> None:
    grad[0] = 2.0 * (x[0] - 1.0)
    for i in range(1, x.size):
        grad[i - 1] -= x[i]
        grad[i] = 2.0 * (x[i] - 1.0) - x[i - 1]


def zakharov(n: int = 10) -> Problem:
    """Make Zakharov's function: a quartic wall along one direction, a flat bowl across it.

    ::

        sum_i x_i^2 + s^2 + s^4,  s = sum_i i x_i / 2

    Box: -5 to 10. Start: (1, ..., 1), ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 1.

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.zakharov(n=3)
    >>> problem.fun(problem.x0)
    93.0
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_zakharov_value, _zakharov_gradient, "Jamil & Yang (2013)")
    return make("zakharov", x0=np.ones(n), bounds=(-5, 10), minimizers=np.zeros(n))


def _zakharov_value(x: Vector) -> float:
    squares, s = 0.0, 0.0
    for i in range(x.size):
        squares += x[i] ** 2
        s += 0.5 * (i + 1) * x[i]
    return squares + s**2 + s**4


def _zakharov_gradient(x: Vector, grad: Vector) -> None:
    s = 0.0
    for i in range(x.size):
        s += 0.5 * (i + 1) * x[i]
    for i in range(x.size):
        grad[i] = 2.0 * x[i] + (i + 1) * (s + 2.0 * s**3)
