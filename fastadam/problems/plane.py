"""Functions of two variables that have pictures in every survey."""

from __future__ import annotations

import math

from ..typing import Vector
from .problem import Maker, Problem


def booth() -> Problem:
    """Make Booth's function: a quadratic of condition number 9.

    ::

        (x + 2 y - 7)^2 + (2 x + y - 5)^2

    Box: -10 to 10. Start: (-5, 5), ours. Minimum: 0 at (1, 3).

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.booth()
    >>> problem.fun(problem.x0)
    104.0
    """
    make = Maker(_booth_value, _booth_gradient, "Jamil & Yang (2013)")
    return make("booth", x0=(-5, 5), bounds=(-10, 10), minimizers=(1, 3))


def _booth_value(x: Vector) -> float:
    return (x[0] + 2.0 * x[1] - 7.0) ** 2 + (2.0 * x[0] + x[1] - 5.0) ** 2


def _booth_gradient(x: Vector, grad: Vector) -> None:
    a = 2.0 * (x[0] + 2.0 * x[1] - 7.0)
    b = 2.0 * (2.0 * x[0] + x[1] - 5.0)
    grad[0] = a + 2.0 * b
    grad[1] = 2.0 * a + b


def matyas() -> Problem:
    """Make Matyas' function: a quadratic of condition number 25, oblique to both axes.

    ::

        0.26 (x^2 + y^2) - 0.48 x y

    Box: -10 to 10. Start: (8, -6), ours. Minimum: 0 at the origin.

    References
    ----------
    .. [1] M. Jamil, X.-S. Yang (2013), see `fastadam.problems`.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.matyas()
    >>> round(problem.fun(problem.x0), 6)
    49.04
    """
    make = Maker(_matyas_value, _matyas_gradient, "Jamil & Yang (2013)")
    return make("matyas", x0=(8, -6), bounds=(-10, 10), minimizers=(0, 0))


def _matyas_value(x: Vector) -> float:
    return 0.26 * (x[0] ** 2 + x[1] ** 2) - 0.48 * x[0] * x[1]


def _matyas_gradient(x: Vector, grad: Vector) -> None:
    grad[0] = 0.52 * x[0] - 0.48 * x[1]
    grad[1] = 0.52 * x[1] - 0.48 * x[0]


def branin() -> Problem:
    """Make Branin's function: three minima of equal depth along a curved valley.

    ::

        (y - 5.1/(4 pi^2) x^2 + 5/pi x - 6)^2 + 10 (1 - 1/(8 pi)) cos(x) + 10

    Box: -5 to 10 and 0 to 15. Start: (2, 8), ours. Minima: 5/(4 pi) at (-pi, 12.275),
    (pi, 2.275) and (3 pi, 2.475).

    References
    ----------
    .. [1] F. H. Branin, "Widely convergent method for finding multiple solutions of simultaneous
       nonlinear equations", IBM Journal of Research and Development 16 (1972) 504-522.
    .. [2] L. C. W. Dixon, G. P. Szegő, "The global optimization problem: an introduction", in:
       Towards Global Optimisation 2, North-Holland, 1978, 1-15.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.branin()
    >>> round(problem.fun(problem.x0), 6)
    27.779035
    """
    make = Maker(_branin_value, _branin_gradient, "Branin (1972)")
    return make(
        "branin",
        x0=(2, 8),
        bounds=((-5, 10), (0, 15)),
        minimizers=((-math.pi, 12.275), (math.pi, 2.275), (3.0 * math.pi, 2.475)),
        fmin=1.25 / math.pi,
    )


def _branin_value(x: Vector) -> float:
    turns = x[0] / math.pi
    height = x[1] - 1.275 * turns**2 + 5.0 * turns - 6.0
    return height**2 + (10.0 - 1.25 / math.pi) * math.cos(x[0]) + 10.0


def _branin_gradient(x: Vector, grad: Vector) -> None:
    turns = x[0] / math.pi
    height = x[1] - 1.275 * turns**2 + 5.0 * turns - 6.0
    grad[0] = 2.0 * height * (5.0 - 2.55 * turns) / math.pi
    grad[0] -= (10.0 - 1.25 / math.pi) * math.sin(x[0])
    grad[1] = 2.0 * height


def easom() -> Problem:
    """Make Easom's function: a plain, on which all gradients underflow, with one narrow hole.

    ::

        -cos(x) cos(y) exp(-(x - pi)^2 - (y - pi)^2)

    Box: -100 to 100. Start: (2, 2.5), ours. Minimum: -1 at (pi, pi).

    References
    ----------
    .. [1] E. E. Easom, "A survey of global optimization techniques", MEng thesis, University of
       Louisville, 1990.

    Examples
    --------
    >>> from fastadam import problems
    >>> problem = problems.easom()
    >>> round(problem.fun(problem.x0), 6)
    -0.060006
    """
    make = Maker(_easom_value, _easom_gradient, "Easom (1990)")
    return make("easom", x0=(2, 2.5), bounds=(-100, 100), minimizers=(math.pi, math.pi), fmin=-1.0)


def _easom_value(x: Vector) -> float:
    hole = math.exp(-((x[0] - math.pi) ** 2) - (x[1] - math.pi) ** 2)
    return -math.cos(x[0]) * math.cos(x[1]) * hole


def _easom_gradient(x: Vector, grad: Vector) -> None:
    hole = math.exp(-((x[0] - math.pi) ** 2) - (x[1] - math.pi) ** 2)
    sines, cosines = (math.sin(x[0]), math.sin(x[1])), (math.cos(x[0]), math.cos(x[1]))
    grad[0] = hole * cosines[1] * (sines[0] + 2.0 * (x[0] - math.pi) * cosines[0])
    grad[1] = hole * cosines[0] * (sines[1] + 2.0 * (x[1] - math.pi) * cosines[1])
