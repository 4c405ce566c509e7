"""A gradient that is not that of the function is told of; one that is, is never suspected."""

import numba
import numpy as np
import pytest

import fastadam
from tests.api.minimize.compiled import X0, rosen, rosen_der
from tests.api.minimize.helpers import run

DISAGREE = "the gradient and the function disagree"


@numba.njit
def spoiled(x, grad, weights):
    """Rosenbrock's function with a gradient whose components are weighted."""
    grad[:] = weights * rosen_der(x)
    return rosen(x)


# What each component of the gradient is multiplied by.
WEIGHTS = {
    "sign": [-1.0, -1.0, -1.0],
    "half": [0.5, 0.5, 0.5],
    "twice": [2.0, 2.0, 2.0],
    "large factor": [1e3, 1e3, 1e3],
    "small factor": [1e-3, 1e-3, 1e-3],
    "sign of one": [1.0, -1.0, 1.0],
    "one is 0": [1.0, 1.0, 0.0],
    "factor of one": [3.0, 1.0, 1.0],
}
each_wrong = pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)


def told(result):
    return not result.success and result.status != 0 and DISAGREE in result.message.lower()


@each_wrong
def test_a_wrong_gradient_of_compiled_functions(weights):
    args = (np.array(weights),)
    result = fastadam.minimize(spoiled, X0, args=args, jac="in-place")
    assert told(result), result
    assert result.nfev < 5_000


@each_wrong
def test_a_wrong_gradient_of_functions_in_python(weights):
    result = run(rosen.py_func, X0, lambda x: weights * rosen_der.py_func(x))
    assert told(result), result


def test_only_the_wrong_rows_of_a_batch():
    weights = np.ones((4, 3))
    weights[1] = -1.0
    weights[3, 0] = -1.0
    result = fastadam.minimize_batch(
        spoiled, np.tile(X0, (4, 1)), batch_args=(weights,), jac="in-place"
    )
    np.testing.assert_array_equal(result.success, [True, False, True, False])
    assert DISAGREE in result.message.lower()
    assert result.status[1] == result.status[3]


def test_the_gradient_of_another_minimum():
    """A term that was forgotten: where it is 0, the function still falls."""
    result = run(
        lambda x: np.sum((x - 1.0) ** 2) + 3.0 * x[0],
        [2.0, -3.0],
        lambda x: 2.0 * (x - 1.0),
    )
    assert told(result), result


def test_with_bounds():
    result = run(rosen.py_func, X0, lambda x: -rosen_der.py_func(x), bounds=[(-2.0, 2.0)] * 3)
    assert told(result), result


def test_a_step_size_that_is_given_means_plain_adam():
    """Which asks nobody."""
    result = run(rosen.py_func, X0, lambda x: -rosen_der.py_func(x), lr=1e-3, maxiter=50)
    assert DISAGREE not in result.message.lower()
    assert result.nit == 50


# ---------------------------------------------------------------------------------------------
# Gradients that are right
# ---------------------------------------------------------------------------------------------


def trusted(fun, x0, jac, **arguments):
    result = run(fun, x0, jac, **arguments)
    assert result.success, result.message
    return result


@pytest.mark.parametrize("constant", [0.0, 1e6, 1e12])
def test_rounding_is_no_disagreement(constant):
    trusted(lambda x: np.sum((x - 1.0) ** 2) + constant, [3.0, -2.0], lambda x: 2.0 * (x - 1.0))


@pytest.mark.parametrize("start", [[3.0, -2.0], [1.0, 5.0], [1.0, 1.0]], ids=repr)
def test_nor_is_a_kink(start):
    trusted(lambda x: np.sum(abs(x - 1.0)), start, lambda x: np.sign(x - 1.0))


def test_nor_is_noise():
    trusted(
        lambda x: np.sum((x - 1.0) ** 2) + 1e-7 * np.sin(1e9 * x.sum()),
        [3.0, -2.0],
        lambda x: 2.0 * (x - 1.0),
    )


def test_nor_is_a_jump():
    """Its gradient is that of both sides."""
    trusted(
        lambda x: np.sum((x - 1.0) ** 2) + (10.0 if x[0] < 0.0 else 0.0),
        [-3.0, -2.0],
        lambda x: 2.0 * (x - 1.0),
    )


def test_nor_is_a_function_in_single_precision():
    def fun(x):
        return float(np.float32(1.0) + np.sum((x.astype(np.float32) - np.float32(1.0)) ** 2))

    trusted(fun, [3.0, -2.0], lambda x: 2.0 * (x - 1.0))


def test_nor_is_curvature():
    """From far out, a step within the unit of x changes the gradient a millionfold."""
    trusted(lambda x: np.sum(x**8), [30.0, -20.0], lambda x: 8.0 * x**7)
