"""Polynomials with several minima."""

from __future__ import annotations

import numpy as np

from .._validate import MOST_VARIABLES, count
from ..typing import Vector
from .problem import Maker, Problem


def himmelblau() -> Problem:
    """Make Himmelblau's function: four minima of equal depth around one hill.

    ::

        (x^2 + y - 11)^2 + (x + y^2 - 7)^2

    Box: -5 to 5. Start: (1, 1), ours. Minima: 0 at (3, 2), (-2.8051, 3.1313),
    (-3.7793, -3.2832) and (3.5844, -1.8481).

    References
    ----------
    .. [1] D. M. Himmelblau, Applied Nonlinear Programming, McGraw-Hill, 1972.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.himmelblau()
    >>> problem.fun(problem.x0)
    106.0
    """
    make = Maker(_himmelblau_value, _himmelblau_gradient, "Himmelblau (1972)")
    return make(
        "himmelblau",
        x0=(1, 1),
        bounds=(-5, 5),
        minimizers=(
            (3, 2),
            (-2.805118086952745, 3.131312518250573),
            (-3.779310253377747, -3.2831859912861696),
            (3.5844283403304917, -1.8481265269644036),
        ),
    )


def _himmelblau_value(x: Vector) -> float:
    return (x[0] ** 2 + x[1] - 11.0) ** 2 + (x[0] + x[1] ** 2 - 7.0) ** 2


def _himmelblau_gradient(x: Vector, grad: Vector) -> None:
    a = 2.0 * (x[0] ** 2 + x[1] - 11.0)
    b = 2.0 * (x[0] + x[1] ** 2 - 7.0)
    grad[0] = 2.0 * x[0] * a + b
    grad[1] = a + 2.0 * x[1] * b


def three_hump_camel() -> Problem:
    """Make the three-hump camel: a minimum at the origin between two worse ones.

    ::

        2 x^2 - 1.05 x^4 + x^6/6 + x y + y^2

    Box: -5 to 5. Start: (2, -2), ours. Minimum: 0 at the origin.

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.three_hump_camel()
    >>> round(problem.fun(problem.x0), 6)
    1.866667
    """
    make = Maker(_three_hump_camel_value, _three_hump_camel_gradient, "Jamil & Yang (2013)")
    return make("three_hump_camel", x0=(2, -2), bounds=(-5, 5), minimizers=(0, 0))


def _three_hump_camel_value(x: Vector) -> float:
    u, v = x[0], x[1]
    return 2.0 * u**2 - 1.05 * u**4 + u**6 / 6.0 + u * v + v**2


def _three_hump_camel_gradient(x: Vector, grad: Vector) -> None:
    u, v = x[0], x[1]
    grad[0] = 4.0 * u - 4.2 * u**3 + u**5 + v
    grad[1] = u + 2.0 * v


def six_hump_camel() -> Problem:
    """Make the six-hump camel: six minima in three pairs, of which one pair is global.

    ::

        (4 - 2.1 x^2 + x^4/3) x^2 + x y + 4 (y^2 - 1) y^2

    Box: -3 to 3 and -2 to 2. Start: (-1, -1), ours. Minima: -1.0316 at (0.0898, -0.7127) and
    at the opposite point.

    References
    ----------
    .. [1] L. C. W. Dixon, G. P. Szegő, "The global optimization problem: an introduction", in:
       Towards Global Optimisation 2, North-Holland, 1978, 1-15.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.six_hump_camel()
    >>> round(problem.fun(problem.x0), 6)
    3.233333
    """
    root = (0.08984201310031806, -0.7126564030207396)
    make = Maker(_six_hump_camel_value, _six_hump_camel_gradient, "Dixon & Szegő (1978)")
    return make(
        "six_hump_camel",
        x0=(-1, -1),
        bounds=((-3, 3), (-2, 2)),
        minimizers=(root, (-root[0], -root[1])),
        fmin=-1.0316284534898774,
    )


def _six_hump_camel_value(x: Vector) -> float:
    u, v = x[0], x[1]
    return (4.0 - 2.1 * u**2 + u**4 / 3.0) * u**2 + u * v + 4.0 * (v**2 - 1.0) * v**2


def _six_hump_camel_gradient(x: Vector, grad: Vector) -> None:
    u, v = x[0], x[1]
    grad[0] = (8.0 - 8.4 * u**2 + 2.0 * u**4) * u + v
    grad[1] = u + (16.0 * v**2 - 8.0) * v


def goldstein_price() -> Problem:
    """Make the Goldstein-Price function: values from 3 to a million, three worse minima.

    ::

        (1 + (x + y + 1)^2 (19 - 14 x + 3 x^2 - 14 y + 6 x y + 3 y^2))
        * (30 + (2 x - 3 y)^2 (18 - 32 x + 12 x^2 + 48 y - 36 x y + 27 y^2))

    Box: -2 to 2. Start: (1, 1), ours. Minimum: 3 at (0, -1).

    References
    ----------
    .. [1] A. A. Goldstein, J. F. Price, "On descent from local minima", Mathematics of
       Computation 25 (1971) 569-574.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.goldstein_price()
    >>> problem.fun(problem.x0)
    1876.0
    """
    make = Maker(_goldstein_price_value, _goldstein_price_gradient, "Goldstein & Price (1971)")
    return make("goldstein_price", x0=(1, 1), bounds=(-2, 2), minimizers=(0, -1), fmin=3.0)


def _goldstein_price_value(x: Vector) -> float:
    u, v = x[0], x[1]
    p = 19.0 - 14.0 * u + 3.0 * u**2 - 14.0 * v + 6.0 * u * v + 3.0 * v**2
    q = 18.0 - 32.0 * u + 12.0 * u**2 + 48.0 * v - 36.0 * u * v + 27.0 * v**2
    return (1.0 + (u + v + 1.0) ** 2 * p) * (30.0 + (2.0 * u - 3.0 * v) ** 2 * q)


def _goldstein_price_gradient(x: Vector, grad: Vector) -> None:
    u, v = x[0], x[1]
    s, t = u + v + 1.0, 2.0 * u - 3.0 * v
    p = 19.0 - 14.0 * u + 3.0 * u**2 - 14.0 * v + 6.0 * u * v + 3.0 * v**2
    q = 18.0 - 32.0 * u + 12.0 * u**2 + 48.0 * v - 36.0 * u * v + 27.0 * v**2
    first, second = 1.0 + s**2 * p, 30.0 + t**2 * q
    first_slope = 2.0 * s * p + s**2 * (6.0 * u + 6.0 * v - 14.0)  # the same along both axes
    grad[0] = first_slope * second
    grad[0] += first * (4.0 * t * q + t**2 * (24.0 * u - 36.0 * v - 32.0))
    grad[1] = first_slope * second
    grad[1] += first * (-6.0 * t * q + t**2 * (54.0 * v - 36.0 * u + 48.0))


def styblinski_tang(n: int = 2) -> Problem:
    """Make the function of Styblinski and Tang: 2^n minima, of which one is the lowest.

    ::

        sum_i (x_i^4 - 16 x_i^2 + 5 x_i) / 2

    Box: -5 to 5. Start: evenly spaced from -2 to 3, ours. Minimum: -39.166 n at
    (-2.9035, ..., -2.9035).

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 1.

    References
    ----------
    .. [1] M. A. Styblinski, T.-S. Tang, "Experiments in nonconvex optimization: stochastic
       approximation with function smoothing and simulated annealing", Neural Networks 3 (1990).

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.styblinski_tang()
    >>> problem.fun(problem.x0)
    -53.0
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_styblinski_tang_value, _styblinski_tang_gradient, "Styblinski & Tang (1990)")
    return make(
        "styblinski_tang",
        x0=np.linspace(-2, 3, n),
        bounds=(-5, 5),
        minimizers=np.full(n, -2.903534027771177),
        fmin=-39.16616570377141 * n,
    )


def _styblinski_tang_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size):
        total += 0.5 * (x[i] ** 4 - 16.0 * x[i] ** 2 + 5.0 * x[i])
    return total


def _styblinski_tang_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size):
        grad[i] = 2.0 * x[i] ** 3 - 16.0 * x[i] + 2.5
