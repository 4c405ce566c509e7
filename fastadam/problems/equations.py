"""Systems of nonlinear equations, as sums of squares of their residuals."""

from __future__ import annotations

import math

import numpy as np
from numba.extending import register_jitable

from .._validate import MOST_VARIABLES, count
from ..typing import Vector
from .problem import Maker, Problem


def freudenstein_roth() -> Problem:
    """Make the function of Freudenstein and Roth: two cubics, and a local minimum beside the root.

    ::

        (x - 13 + ((5 - y) y - 2) y)^2 + (x - 29 + ((y + 1) y - 14) y)^2

    Box: -10 to 10. Start: (0.5, -2). Minimum: 0 at (5, 4); a local minimum of 48.984 is at
    (11.413, -0.897), out of the box.

    References
    ----------
    .. [1] F. Freudenstein, B. Roth, "Numerical solution of systems of nonlinear equations",
       Journal of the ACM 10 (1963) 550-556; MGH 2.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.freudenstein_roth()
    >>> problem.fun(problem.x0)
    400.5
    """
    make = Maker(
        _freudenstein_roth_value, _freudenstein_roth_gradient, "Freudenstein & Roth (1963)"
    )
    return make("freudenstein_roth", x0=(0.5, -2), bounds=(-10, 10), minimizers=(5, 4))


def _freudenstein_roth_value(x: Vector) -> float:
    u, v = x[0], x[1]
    first = u - 13.0 + ((5.0 - v) * v - 2.0) * v
    second = u - 29.0 + ((v + 1.0) * v - 14.0) * v
    return first**2 + second**2


def _freudenstein_roth_gradient(x: Vector, grad: Vector) -> None:
    u, v = x[0], x[1]
    first = u - 13.0 + ((5.0 - v) * v - 2.0) * v
    second = u - 29.0 + ((v + 1.0) * v - 14.0) * v
    grad[0] = 2.0 * (first + second)
    grad[1] = 2.0 * first * ((10.0 - 3.0 * v) * v - 2.0)
    grad[1] += 2.0 * second * ((3.0 * v + 2.0) * v - 14.0)


def powell_singular() -> Problem:
    """Make Powell's singular function: the Hessian at the minimum has rank 2 of 4.

    ::

        (x1 + 10 x2)^2 + 5 (x3 - x4)^2 + (x2 - 2 x3)^4 + 10 (x1 - x4)^4

    Box: -4 to 5. Start: (3, -1, 0, 1). Minimum: 0 at the origin.

    References
    ----------
    .. [1] M. J. D. Powell, "An iterative method for finding stationary values of a function of
       several variables", The Computer Journal 5 (1962) 147-151; MGH 13.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.powell_singular()
    >>> problem.fun(problem.x0)
    215.0
    """
    make = Maker(_powell_singular_value, _powell_singular_gradient, "Powell (1962)")
    return make("powell_singular", x0=(3, -1, 0, 1), bounds=(-4, 5), minimizers=np.zeros(4))


def _powell_singular_value(x: Vector) -> float:
    return (
        (x[0] + 10.0 * x[1]) ** 2
        + 5.0 * (x[2] - x[3]) ** 2
        + (x[1] - 2.0 * x[2]) ** 4
        + 10.0 * (x[0] - x[3]) ** 4
    )


def _powell_singular_gradient(x: Vector, grad: Vector) -> None:
    a = 2.0 * (x[0] + 10.0 * x[1])
    b = 10.0 * (x[2] - x[3])
    c = 4.0 * (x[1] - 2.0 * x[2]) ** 3
    d = 40.0 * (x[0] - x[3]) ** 3
    grad[0] = a + d
    grad[1] = 10.0 * a + c
    grad[2] = b - 2.0 * c
    grad[3] = -b - d


def trigonometric(n: int = 10) -> Problem:
    """Make Spedicato's trigonometric function: a full Hessian, and many roots around the origin.

    ::

        sum_i (n - sum_j cos(x_j) + i (1 - cos(x_i)) - sin(x_i))^2

    Box: -pi to pi, ours. Start: (1/n, ..., 1/n). Minimum: 0 at the origin, and at other points
    that have no closed form; between them are local minima.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 1.

    References
    ----------
    .. [1] E. Spedicato, "Computational experience with quasi-Newton algorithms for minimization
       problems of moderately large size", Report CISE-N-175, Segrate, 1975; MGH 26.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.trigonometric()
    >>> round(problem.fun(problem.x0), 7)
    0.0070758
    """
    count("n", n, 1, MOST_VARIABLES)
    make = Maker(_trigonometric_value, _trigonometric_gradient, "Spedicato (1975)")
    return make(
        "trigonometric", x0=np.full(n, 1.0 / n), bounds=(-np.pi, np.pi), minimizers=np.zeros(n)
    )


def _trigonometric_value(x: Vector) -> float:
    spread = 0.0
    for i in range(x.size):
        spread += 1.0 - math.cos(x[i])
    total = 0.0
    for i in range(x.size):
        total += (spread + (i + 1) * (1.0 - math.cos(x[i])) - math.sin(x[i])) ** 2
    return total


def _trigonometric_gradient(x: Vector, grad: Vector) -> None:
    spread = 0.0
    for i in range(x.size):
        spread += 1.0 - math.cos(x[i])
    residuals = 0.0
    for i in range(x.size):
        sine, cosine = math.sin(x[i]), math.cos(x[i])
        residual = spread + (i + 1) * (1.0 - cosine) - sine
        residuals += residual
        grad[i] = 2.0 * residual * ((i + 1) * sine - cosine)
    for i in range(x.size):
        grad[i] += 2.0 * residuals * math.sin(x[i])


def broyden_tridiagonal(n: int = 10) -> Problem:
    """Make Broyden's tridiagonal function: each equation couples three neighbours.

    ::

        sum_i ((3 - 2 x_i) x_i - x_{i-1} - 2 x_{i+1} + 1)^2,  with x_0 = x_{n+1} = 0

    Box: -1 to 1, ours. Start: (-1, ..., -1). Minimum: 0 at the root that Newton's method finds
    from there; another root, out of the box, has a large first coordinate.

    Parameters
    ----------
    n : int, default 10
        The dimension, at least 2.

    References
    ----------
    .. [1] C. G. Broyden, "A class of methods for solving nonlinear simultaneous equations",
       Mathematics of Computation 19 (1965) 577-593; MGH 30.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.broyden_tridiagonal()
    >>> problem.fun(problem.x0)
    21.0
    """
    count("n", n, 2, MOST_VARIABLES)
    make = Maker(_broyden_value, _broyden_gradient, "Broyden (1965)")
    return make(
        "broyden_tridiagonal", x0=np.full(n, -1), bounds=(-1, 1), minimizers=_broyden_root(n)
    )


def _broyden_root(n: int) -> Vector:
    """Solve the equations by Newton's method, which takes 5 iterations for any ``n``."""
    x = np.full(n, -1.0)
    neighbours = -np.eye(n, k=-1) - 2.0 * np.eye(n, k=1)
    for _ in range(8):
        residuals = (3.0 - 2.0 * x) * x + neighbours @ x + 1.0
        x -= np.linalg.solve(np.diag(3.0 - 4.0 * x) + neighbours, residuals)
    return x


@register_jitable
def _broyden_residual(x: Vector, i: int) -> float:
    before = x[i - 1] if i > 0 else 0.0
    after = x[i + 1] if i < x.size - 1 else 0.0
    return (3.0 - 2.0 * x[i]) * x[i] - before - 2.0 * after + 1.0


def _broyden_value(x: Vector) -> float:
    total = 0.0
    for i in range(x.size):
        total += _broyden_residual(x, i) ** 2
    return total


def _broyden_gradient(x: Vector, grad: Vector) -> None:
    for i in range(x.size):
        grad[i] = 2.0 * (3.0 - 4.0 * x[i]) * _broyden_residual(x, i)
        if i > 0:
            grad[i] -= 4.0 * _broyden_residual(x, i - 1)
        if i < x.size - 1:
            grad[i] -= 2.0 * _broyden_residual(x, i + 1)
