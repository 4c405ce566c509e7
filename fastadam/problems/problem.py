"""What a test problem is, and how its two formulas become four compiled functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numba.extending import register_jitable
from numpy.typing import ArrayLike

from ..typing import Matrix, Vector

ValueFormula = Callable[[Vector], float]
GradientFormula = Callable[[Vector, Vector], None]


@dataclass(frozen=True, eq=False)
class Problem:
    """A function to minimise, and what is known about it.

    The functions are compiled by Numba at their first call. The arrays are read-only.

    Attributes
    ----------
    name : str
        The name of the function in `fastadam.problems` that made it.
    fun : callable
        ``fun(x) -> float``, the value.
    jac : callable
        ``jac(x) -> ndarray``, the gradient in a new array.
    fun_and_jac : callable
        ``fun_and_jac(x) -> (float, ndarray)``, both, for ``jac=True``.
    in_place : callable
        ``in_place(x, grad) -> float``, which fills ``grad`` and allocates nothing, for
        ``jac="in-place"``.
    x0 : ndarray, shape (n,)
        The start that the literature uses. Where it has none, the docstring calls it *ours*.
    bounds : ndarray, shape (n, 2)
        The box that the literature uses, or *ours*: the lower and the upper bound of each
        coordinate.
    minimizers : ndarray, shape (k, n)
        The known global minimisers, one a row.
    fmin : float
        The value there.
    source : str
        Who published it, and when; the docstring of the function says where.
    """

    name: str
    fun: Callable[[Vector], float] = field(repr=False)
    jac: Callable[[Vector], Vector] = field(repr=False)
    fun_and_jac: Callable[[Vector], tuple[float, Vector]] = field(repr=False)
    in_place: Callable[[Vector, Vector], float] = field(repr=False)
    x0: Vector = field(repr=False)
    bounds: Matrix = field(repr=False)
    minimizers: Matrix = field(repr=False)
    fmin: float
    source: str

    def random_start(self, rng: np.random.Generator) -> Vector:
        """Return a point drawn uniformly from the box.

        Examples
        --------
        >>> import numpy as np
        >>> from fastadam import problems
        >>> problems.branin().random_start(np.random.default_rng(0)).round(2)
        array([4.55, 4.05])
        """
        low, high = self.bounds.T
        return np.asarray(rng.uniform(low, high))


class Maker(NamedTuple):
    """Two formulas, in the subset of Python that Numba compiles, and who published them.

    ``value(x)`` returns a float, ``gradient(x, grad)`` fills ``grad``.
    """

    value: ValueFormula
    gradient: GradientFormula
    source: str

    def __call__(
        self, name: str, x0: ArrayLike, bounds: ArrayLike, minimizers: ArrayLike, fmin: float = 0.0
    ) -> Problem:
        """Make a problem; one (lower, upper) is for all coordinates, one minimizer may be flat."""
        start, points = _freeze(x0), _freeze(np.atleast_2d(minimizers))
        box = _freeze(np.broadcast_to(bounds, (start.size, 2)))
        fun, jac, fun_and_jac, in_place = _compile(self.value, self.gradient)
        return Problem(name, fun, jac, fun_and_jac, in_place, start, box, points, fmin, self.source)


@cache  # by the identity of the formulas: nothing is compiled twice
def _compile(value: ValueFormula, gradient: GradientFormula) -> tuple[Callable[..., Any], ...]:
    """Make ``fun, jac, fun_and_jac, in_place``, each of which compiles at its first call."""
    # Division by zero gives an infinity or a NaN, as in NumPy, and no exception.
    fun = njit(value, error_model="numpy")
    # Unlike njit, this leaves the two as they are, so that each form's py_func is all Python.
    for formula in (value, gradient):
        register_jitable(error_model="numpy")(formula)

    @njit
    def jac(x: Vector) -> Vector:
        grad = np.empty(x.size)
        gradient(x, grad)
        return grad

    @njit
    def fun_and_jac(x: Vector) -> tuple[float, Vector]:
        grad = np.empty(x.size)
        gradient(x, grad)
        return value(x), grad

    @njit
    def in_place(x: Vector, grad: Vector) -> float:
        gradient(x, grad)
        return value(x)

    return fun, jac, fun_and_jac, in_place


def _freeze(values: ArrayLike) -> Vector:
    """Make a read-only copy in float64."""
    array = np.array(values, dtype=np.float64, order="C")
    array.flags.writeable = False
    return array
