"""Functions of any dimension with many local minima."""

from __future__ import annotations

import math

import numpy as np

from .._validate import MOST_VARIABLES, count
from ..typing import Vector
from .problem import Maker, Problem


def ackley(n: int = 2) -> Problem:
    """Make Ackley's function: a rippled plain around a deep hole; a cone at its very bottom.

    ::

        20 + e - 20 exp(-0.2 sqrt(mean_i x_i^2)) - exp(mean_i cos(2 pi x_i))

    The gradient is not defined at the minimum, where it counts as 0.

    Box: -32.768 to 32.768. Start: evenly spaced from -2 to 3, ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 1.

    References
    ----------
    .. [1] D. H. Ackley, A Connectionist Machine for Genetic Hillclimbing, Kluwer, 1987.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.ackley()
    >>> round(problem.fun(problem.x0), 6)
    7.988911
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_ackley_value, _ackley_gradient, "Ackley (1987)")
    return make(
        "ackley", x0=np.linspace(-2, 3, n), bounds=(-32.768, 32.768), minimizers=np.zeros(n)
    )


def _ackley_value(x: Vector) -> float:
    squares, cosines = 0.0, 0.0
    for i in range(x.size):
        squares += x[i] ** 2
        cosines += math.cos(2.0 * math.pi * x[i])
    # With expm1 the constants cancel exactly, and the value keeps its digits near 0.
    hole = -20.0 * math.expm1(-0.2 * math.sqrt(squares / x.size))
    return hole - math.e * math.expm1(cosines / x.size - 1.0)


def _ackley_gradient(x: Vector, grad: Vector) -> None:
    squares, cosines = 0.0, 0.0
    for i in range(x.size):
        squares += x[i] ** 2
        cosines += math.cos(2.0 * math.pi * x[i])
    distance = math.sqrt(squares / x.size)
    slope = 0.0 if distance == 0.0 else 4.0 * math.exp(-0.2 * distance) / distance
    ripple = 2.0 * math.pi * math.exp(cosines / x.size)
    for i in range(x.size):
        grad[i] = (slope * x[i] + ripple * math.sin(2.0 * math.pi * x[i])) / x.size


def rastrigin(n: int = 2) -> Problem:
    """Make Rastrigin's function: a bowl with a local minimum near every integer point.

    ::

        10 n + sum_i x_i^2 - 10 cos(2 pi x_i)

    Box: -5.12 to 5.12. Start: evenly spaced from -2.2 to 3.3, ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 1.

    References
    ----------
    .. [1] L. A. Rastrigin, Systems of Extremal Control (in Russian), Nauka, 1974.
    .. [2] H. Mühlenbein, M. Schomisch, J. Born, "The parallel genetic algorithm as function
       optimizer", Parallel Computing 17 (1991) 619-632 (for any n).

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.rastrigin()
    >>> round(problem.fun(problem.x0), 6)
    35.73
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_rastrigin_value, _rastrigin_gradient, "Rastrigin (1974)")
    return make(
        "rastrigin", x0=np.linspace(-2.2, 3.3, n), bounds=(-5.12, 5.12), minimizers=np.zeros(n)
    )


def _rastrigin_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size):
        total += x[i] ** 2 + 10.0 * (1.0 - math.cos(2.0 * math.pi * x[i]))
    return total


def _rastrigin_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size):
        grad[i] = 2.0 * x[i] + 20.0 * math.pi * math.sin(2.0 * math.pi * x[i])


def griewank(n: int = 2) -> Problem:
    """Make Griewank's function: a wide bowl under a product of waves.

    ::

        1 + sum_i x_i^2 / 4000 - prod_i cos(x_i / sqrt(i))

    Box: -600 to 600. Start: evenly spaced from -50 to 60, ours. Minimum: 0 at the origin.

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 1.

    References
    ----------
    .. [1] A. O. Griewank, "Generalized descent for global optimization", Journal of Optimization
       Theory and Applications 34 (1981) 11-39.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.griewank()
    >>> round(problem.fun(problem.x0), 6)
    2.510617
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_griewank_value, _griewank_gradient, "Griewank (1981)")
    return make("griewank", x0=np.linspace(-50, 60, n), bounds=(-600, 600), minimizers=np.zeros(n))


def _griewank_value(x: Vector) -> float:
    squares, product = 0.0, 1.0
    for i in range(x.size):
        squares += x[i] ** 2
        product *= math.cos(x[i] / math.sqrt(i + 1))
    return 1.0 + squares / 4000.0 - product


def _griewank_gradient(x: Vector, grad: Vector) -> None:
    # The product of all cosines but one, without a division by one that may be 0.
    product = 1.0
    for i in range(x.size):
        grad[i] = product
        product *= math.cos(x[i] / math.sqrt(i + 1))
    product = 1.0
    for i in range(x.size - 1, -1, -1):
        root = math.sqrt(i + 1)
        grad[i] = x[i] / 2000.0 + grad[i] * product * math.sin(x[i] / root) / root
        product *= math.cos(x[i] / root)


def levy(n: int = 2) -> Problem:
    """Make Levy's function: a bowl with waves that grow away from its centre.

    ::

        sin(pi u_1)^2 + sum_{i<n} u_i^2 (1 + 10 sin(pi u_i + 1)^2)
        + u_n^2 (1 + sin(2 pi u_n)^2),  u = (x - 1)/4

    Box: -10 to 10. Start: evenly spaced from -6 to 7, ours. Minimum: 0 at (1, ..., 1).

    Parameters
    ----------
    n : int, default 2
        The dimension, at least 1.

    References
    ----------
    .. [1] A. V. Levy, A. Montalvo, "The tunneling algorithm for the global minimization of
       functions", SIAM Journal on Scientific and Statistical Computing 6 (1985) 15-29.
    .. [2] M. Laguna, R. Martí, "Experimental testing of advanced scatter search designs for
       global optimization of multimodal functions", Journal of Global Optimization 33 (2005)
       235-255 (this form, with w = 1 + u).

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.levy()
    >>> round(problem.fun(problem.x0), 6)
    35.048617
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_levy_value, _levy_gradient, "Levy & Montalvo (1985)")
    return make("levy", x0=np.linspace(-6, 7, n), bounds=(-10, 10), minimizers=np.ones(n))


def _levy_value(x: Vector) -> float:
    total = math.sin(math.pi * 0.25 * (x[0] - 1.0)) ** 2
    for i in range(x.size - 1):
        u = 0.25 * (x[i] - 1.0)
        total += u**2 * (1.0 + 10.0 * math.sin(math.pi * u + 1.0) ** 2)
    u = 0.25 * (x[x.size - 1] - 1.0)
    return total + u**2 * (1.0 + math.sin(2.0 * math.pi * u) ** 2)


def _levy_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size - 1):
        u = 0.25 * (x[i] - 1.0)
        phase = math.pi * u + 1.0
        grad[i] = 0.5 * u * (1.0 + 10.0 * math.sin(phase) ** 2)
        grad[i] += 2.5 * math.pi * u**2 * math.sin(2.0 * phase)
    last = x.size - 1
    u = 0.25 * (x[last] - 1.0)
    grad[last] = 0.5 * u * (1.0 + math.sin(2.0 * math.pi * u) ** 2)
    grad[last] += 0.5 * math.pi * u**2 * math.sin(4.0 * math.pi * u)
    grad[0] += 0.25 * math.pi * math.sin(0.5 * math.pi * (x[0] - 1.0))
