"""Second derivatives at a point of each row, by differences of the fourth order.

All rows of a batch step at the same time, each by lengths of its own: so a Hessian takes some
evaluations of the whole batch, wherever and however that is solved.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..typing import Matrix, Vector

#: Evaluates a point of each row: the values, and the gradients, which may be NaN.
Evaluate = Callable[[Matrix], tuple[Vector, Matrix]]

EPS = float(np.finfo(np.float64).eps)
#: The step, as a part of that in which the function rises as far as one standard error is. The
#: formulas are then wrong by some 1e-5 of what is not quadratic, and rounding takes 1e-11.
PART = 0.1
#: A rise is to be so many times the value's rounding.
_DIGITS = 1e6
#: How often a step is looked for, and by how much it may change at once.
_TRIES, _MOST_CHANGE = 8, 1e4
#: A step beside a bound tells nothing if it is a smaller part than this of what it is to be.
_LEAST_PART = 1e-2


def find_steps(
    evaluate: Evaluate, x: Matrix, f: Vector, rise: Vector, lower: Matrix, upper: Matrix
) -> Matrix:
    """Find the lengths of steps in which the function rises by ``PART**2`` times ``rise``.

    They may be taken twice within the bounds. 0 is that of a coordinate that a bound holds.
    """
    size = np.abs(x)
    for typical in (np.median(size, axis=0), 1.0):  # of what is 0: that of the other rows
        size = np.where(size > 0.0, size, typical)
    room = 0.5 * np.minimum(x - lower, upper - x)
    least = EPS ** (1 / 3) * np.abs(x)
    target = np.maximum(PART**2 * rise, _DIGITS * EPS * np.abs(f))
    steps = np.zeros_like(x)
    for i in range(x.shape[1]):
        h = wanted = np.minimum(EPS**0.25 * size[:, i], room[:, i])
        for _ in range(_TRIES):
            rises = (evaluate(_moved(x, i, h))[0] + evaluate(_moved(x, i, -h))[0]) / 2 - f
            with np.errstate(divide="ignore", invalid="ignore"):
                change = np.sqrt(target / rises)
            is_known = rises > 10 * EPS * np.abs(f)  # the rest is rounding
            change = np.where(is_known, change, _MOST_CHANGE)
            change = np.where(np.isfinite(rises), change, 0.01)
            wanted = h * np.clip(change, 1 / _MOST_CHANGE, _MOST_CHANGE)
            new = np.minimum(np.maximum(wanted, least[:, i]), room[:, i])
            is_settled = bool(np.all(np.abs(new - h) <= 0.5 * h))
            h = new
            if is_settled:
                break
        steps[:, i] = np.where(h > _LEAST_PART * wanted, h, 0.0)
    return steps


def difference_gradients(evaluate: Evaluate, x: Matrix, steps: Matrix) -> NDArray[np.float64]:
    """Compute Hessians from gradients, symmetric; NaN where a coordinate has no step."""
    count = x.shape[1]
    hessian = np.full((*x.shape, count), np.nan)
    for i in range(count):
        h = steps[:, i]
        near, far = (
            evaluate(_moved(x, i, k * h))[1] - evaluate(_moved(x, i, -k * h))[1] for k in (1, 2)
        )
        hessian[:, i] = _divide(8.0 * near - far, 12.0 * h[:, None])
    return 0.5 * (hessian + hessian.swapaxes(1, 2))


def difference_values(
    evaluate: Evaluate, x: Matrix, f: Vector, steps: Matrix
) -> NDArray[np.float64]:
    """Compute Hessians from values."""
    count = x.shape[1]
    hessian = np.full((*x.shape, count), np.nan)
    for i in range(count):
        h = steps[:, i]
        near, far = (
            (evaluate(_moved(x, i, k * h))[0] - f) + (evaluate(_moved(x, i, -k * h))[0] - f)
            for k in (1, 2)
        )
        hessian[:, i, i] = _divide(16.0 * near - far, 12.0 * h * h)
        for j in range(i):
            near, far = (_cross(evaluate, x, i, j, k * steps) for k in (1, 2))
            product = h * steps[:, j]
            hessian[:, i, j] = hessian[:, j, i] = _divide(16.0 * near - far, 48.0 * product)
    return hessian


def _cross(evaluate: Evaluate, x: Matrix, i: int, j: int, steps: Matrix) -> Vector:
    """Compute the difference along one coordinate of the difference along another."""
    first, second = steps[:, i], steps[:, j]
    total = np.zeros(len(x))
    for one in (1, -1):
        for other in (1, -1):
            point = _moved(_moved(x, i, one * first), j, other * second)
            total += one * other * evaluate(point)[0]
    return total


def _moved(x: Matrix, i: int, steps: Vector) -> Matrix:
    """Move a coordinate of each row."""
    moved = x.copy()
    moved[:, i] += steps
    return moved


def _divide(difference: NDArray[np.float64], width: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide, with NaN where the width is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(width > 0.0, difference / width, np.nan)
