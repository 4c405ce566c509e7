"""Smooth functions with one minimum: bowls of all shapes, fits to data, two curved valleys."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np

from fastadam import problems

from ..harness.adam import Array

CONVEX = "convex and quasi-convex"
VALLEYS = "curved valleys"
CONDITIONS = (1e1, 1e2, 1e3, 1e4, 1e5, 1e6)


@dataclass(frozen=True)
class Smooth:
    """A smooth function with one minimum, a start, and a box for more starts.

    Parameters
    ----------
    name : str
    group : str
        `CONVEX` or `VALLEYS`.
    fun : callable
        ``fun(x) -> f``.
    in_place : callable
        ``in_place(x, grad) -> f``, fills ``grad``.
    x0 : array
    box : array, shape (n, 2)
    """

    name: str
    group: str
    fun: Callable[[Array], float]
    in_place: Callable[[Array, Array], float]
    x0: Array
    box: Array

    def both(self, x: Array) -> tuple[float, Array]:
        """Return the value and the gradient."""
        gradient = np.empty(x.size)
        return float(self.in_place(x, gradient)), gradient

    def starts(self, count: int) -> Iterator[Array]:
        """Yield the usual start, and random ones."""
        yield np.array(self.x0)
        lower, upper = self.box.T
        yield from np.random.default_rng(0).uniform(lower, upper, (count, lower.size))


def named(problem: problems.Problem, group: str = CONVEX, label: str = "") -> Smooth:
    """Return a problem of the package."""
    name = f"{problem.name} {problem.x0.size}{label}"
    return Smooth(name, group, problem.fun, problem.in_place, problem.x0, problem.bounds)


def linear_model(name: str, formula: Callable[[float, float], tuple[float, float]]) -> Smooth:
    """Return a loss over 60 rows of data with 5 coefficients, and a little ridge.

    Parameters
    ----------
    name : str
    formula : callable
        ``(prediction, target) -> (loss, its derivative by the prediction)``, for Numba.
    """
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((60, 5)) * (1.0, 3.0, 0.3, 1.0, 10.0)
    truth = np.array([1.0, -0.5, 2.0, 0.0, 0.1])
    noise = rng.standard_normal(60)
    targets = rows @ truth + noise
    targets[::7] += 20.0  # some are far off
    loss = numba.njit(formula)

    @numba.njit
    def fun(x):  # type: ignore[no-untyped-def]
        total = 0.0
        for i in range(rows.shape[0]):
            total += loss(np.dot(rows[i], x), targets[i])[0] / rows.shape[0]
        return total + 5e-3 * np.dot(x, x)

    @numba.njit
    def in_place(x, gradient):  # type: ignore[no-untyped-def]
        total = 0.0
        gradient[:] = 1e-2 * x
        for i in range(rows.shape[0]):
            value, slope = loss(np.dot(rows[i], x), targets[i])
            total += value / rows.shape[0]
            gradient += slope / rows.shape[0] * rows[i]
        return total + 5e-3 * np.dot(x, x)

    return Smooth(name, CONVEX, fun, in_place, np.zeros(5), np.tile([-2.0, 2.0], (5, 1)))


def logistic(prediction, target):  # type: ignore[no-untyped-def]
    """Logistic loss; the target's sign is the class."""
    sign = 1.0 if target > 0.0 else -1.0
    margin = sign * prediction
    tail = math.exp(-abs(margin))
    loss = math.log1p(tail) + max(0.0, -margin)
    return loss, -sign * (tail if margin > 0.0 else 1.0) / (1.0 + tail)


def huber(prediction, target):  # type: ignore[no-untyped-def]
    """Huber's loss: a square near 0, an absolute value far out."""
    error = prediction - target
    if abs(error) <= 1.0:
        return 0.5 * error**2, error
    return abs(error) - 0.5, math.copysign(1.0, error)


def log_cosh(prediction, target):  # type: ignore[no-untyped-def]
    """Logarithm of cosh, but for a constant: Huber's loss made smoother."""
    error = prediction - target
    return abs(error) + math.log1p(math.exp(-2.0 * abs(error))), math.tanh(error)


def log_sum_exp() -> Smooth:
    """Return a smooth maximum of 30 planes."""
    rng = np.random.default_rng(2)
    rows, offsets = rng.standard_normal((30, 6)), rng.standard_normal(30)

    @numba.njit
    def in_place(x, gradient):  # type: ignore[no-untyped-def]
        exponents = np.dot(rows, x) + offsets
        largest = np.max(exponents)
        weights = np.exp(exponents - largest)
        gradient[:] = np.dot(weights / np.sum(weights), rows)
        return largest + math.log(np.sum(weights))

    @numba.njit
    def fun(x):  # type: ignore[no-untyped-def]
        return in_place(x, np.empty(x.size))

    return Smooth("log-sum-exp 6", CONVEX, fun, in_place, np.ones(6), np.tile([-3.0, 3.0], (6, 1)))


def logarithmic_bowl() -> Smooth:
    """Return the logarithm of a bowl: quasi-convex, flat far out."""

    @numba.njit
    def in_place(x, gradient):  # type: ignore[no-untyped-def]
        total = 1.0
        for i in range(x.size):
            total += (i + 1) * x[i] ** 2
        for i in range(x.size):
            gradient[i] = 2.0 * (i + 1) * x[i] / total
        return math.log(total)

    @numba.njit
    def fun(x):  # type: ignore[no-untyped-def]
        return in_place(x, np.empty(x.size))

    return Smooth(
        "log of a bowl 6", CONVEX, fun, in_place, np.ones(6), np.tile([-10.0, 10.0], (6, 1))
    )


@cache  # the functions are compiled once
def smooth_problems(quick: bool = False) -> tuple[Smooth, ...]:
    """Return the problems."""
    if quick:
        return (
            named(problems.booth()),
            logarithmic_bowl(),
            named(problems.rosenbrock(2), VALLEYS),
        )
    return (
        *(named(make(n)) for make in (problems.sphere, problems.zakharov) for n in (2, 10)),
        *(named(make()) for make in (problems.sum_of_squares, problems.booth, problems.matyas)),
        *(named(problems.trid(n)) for n in (6, 10)),
        *(
            named(make(10, condition), label=f", condition {condition:.0e}")
            for make in (problems.ill_conditioned_quadratic, problems.rotated_quadratic)
            for condition in CONDITIONS
        ),
        named(problems.powell_singular()),
        linear_model("logistic regression 5", logistic),
        linear_model("Huber regression 5", huber),
        linear_model("log-cosh regression 5", log_cosh),
        log_sum_exp(),
        logarithmic_bowl(),
        *(named(problems.rosenbrock(n), VALLEYS) for n in (2, 3)),
        named(problems.dixon_price(2), VALLEYS),
    )
