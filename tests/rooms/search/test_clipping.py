"""Clipping at the ends of the range of numbers: the norm is the limit."""

import math
from fractions import Fraction

import numpy as np
import pytest

from fastadam._objective.layout import GRAD
from fastadam._search.iteration import clipping

LARGEST = np.finfo(np.float64).max


def norm(vector):
    """Return the Euclidean norm, by exact arithmetic."""
    total = sum(Fraction(float(x)) ** 2 for x in vector)
    scale = 2**2200  # so that the root of an integer has all the digits
    return Fraction(math.isqrt(int(total * scale**2)), scale)


def clipped(grad, limit):
    """Return what `clipping` makes of a gradient, in the gradient's dtype."""
    grad = np.array(grad)
    rows = np.zeros((GRAD + 1, grad.size), grad.dtype)
    rows[GRAD] = grad
    least = float(np.finfo(grad.dtype).tiny)
    size, clip = (grad.dtype.type(x) for x in clipping(rows, limit, least))
    return grad if size == clip == 1 else clip * (grad / size)


@pytest.mark.fault(number=9)
@pytest.mark.parametrize("limit", [1.0, 1e-200, 1e200])
@pytest.mark.parametrize(
    "grad",
    [
        [3e153, -4e153],
        [3e154, -4e154],
        [1e200, 1.0],
        [LARGEST, -LARGEST, LARGEST],
        [1e-170, -2e-170],
        [3e-200, 4e-200, 0.0],
        [5e-324, 0.0],
        [3.0, -4.0],
    ],
    ids=repr,
)
def test_the_norm_is_the_limit_or_less(grad, limit):
    result, before = clipped(grad, limit), norm(grad)
    if before <= limit:
        np.testing.assert_array_equal(result, grad)
    else:
        assert abs(norm(result) / Fraction(limit) - 1) < 1e-15
        direction = [float(Fraction(g) / before) for g in grad]
        np.testing.assert_allclose(result / limit, direction, rtol=1e-15, atol=1e-15)


@pytest.mark.fault(number=9)
@pytest.mark.parametrize("grad", [[3e38, -3e38], [1e-45, 1e-44], [3e20, 4e20], [1e-30, 0]])
@pytest.mark.parametrize("limit", [1.0, 1e-3, 1e-40])
def test_the_norm_in_float32(grad, limit):
    """Squares are float64 there, but the factor is not."""
    grad = np.array(grad, np.float32)
    result, before = clipped(grad, limit), norm(grad)
    assert result.dtype == np.float32
    if before <= limit:
        np.testing.assert_array_equal(result, grad)
    else:  # to what is left of the digits of a subnormal limit
        assert abs(norm(result) / Fraction(limit) - 1) < (1e-6 if limit > 1e-38 else 1e-4)


def test_clipping_elsewhere_is_the_plain_quotient():
    rng = np.random.default_rng(0)
    for grad in rng.normal(size=(50, 5)) * 10.0 ** rng.integers(-100, 100, size=(50, 1)):
        total = 0.0
        for g in grad.tolist():
            total += g * g
        for limit in (0.5 * math.sqrt(total), 2.0 * math.sqrt(total)):
            factor = limit / math.sqrt(total) if total > limit * limit else 1.0
            np.testing.assert_array_equal(clipped(grad, limit), factor * grad)
