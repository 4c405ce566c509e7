"""Exceptions of compiled functions, and values that are not finite."""

import numba
import numpy as np
import pytest

from tests.api.minimize.compiled import X0, agree, rosen, rosen_der, run
from tests.api.minimize.helpers import MineError


@numba.njit
def fails(x):
    if x[0].real > -1.1:
        raise MineError("in the middle", 7)
    return rosen(x)


@numba.njit
def fails_der(x):
    if x[0].real > -1.1:
        raise MineError("in the middle", 7)
    return rosen_der(x)


@numba.njit
def fails_pair(x):
    return fails(x), rosen_der(x)


@numba.njit
def fails_with_args(x, a):
    return fails(x) + a[0]


@pytest.mark.parametrize(
    ("fun", "jac", "args"),
    [
        (fails, rosen_der, ()),
        (rosen, fails_der, ()),
        (fails_pair, True, ()),
        (fails, "2-point", ()),
        (fails, "3-point", ()),
        (fails, "cs", ()),
        (fails_with_args, None, (np.ones(2),)),
    ],
)
@pytest.mark.parametrize("lr", ["auto", 0.01])
def test_exceptions_propagate(fun, jac, args, lr):
    x0 = X0.copy()
    for _ in range(2):
        with pytest.raises(MineError) as caught:
            run(fun, jac, args=args, x0=x0, lr=lr)
        assert caught.value.args == ("in the middle", 7)
    np.testing.assert_array_equal(x0, X0)
    assert run(lr=0.01, maxiter=3).nit == 3


@numba.njit
def divides(x):
    return 1.0 / (x[0] - x[0])


def test_a_division_by_zero_is_what_the_function_makes_of_it():
    with pytest.raises(ZeroDivisionError):
        run(divides, None)
    unchecked = numba.njit(divides.py_func, error_model="numpy")
    result = run(unchecked, None)
    assert (result.status, result.nit) == (3, 0)


@numba.njit
def hole(x):
    return np.nan if x[0] > -1.15 else rosen(x)


def test_values_that_are_not_finite():
    agree(run(hole, rosen_der, lr=0.01), run(hole.py_func, rosen_der.py_func, lr=0.01))
    assert run(hole, rosen_der, lr=0.01).status == 3
    result = run(hole, rosen_der)
    assert result.fun == rosen(result.x) < rosen(X0)
    assert run(hole, rosen_der, x0=[0.0, 0, 0]).status == 3
