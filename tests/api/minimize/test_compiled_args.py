"""args of every kind, for compiled functions."""

import sys
from typing import NamedTuple

import numba
import numpy as np
import pytest

import fastadam
from tests.api.minimize.compiled import (
    X0,
    agree,
    run,
    weighted,
    weighted_der,
    weighted_in_place,
    weighted_pair,
)

pytestmark = pytest.mark.smoke


class Data(NamedTuple):
    weights: np.ndarray
    shift: float


@numba.njit
def twice(x):
    return 2.0 * x


@numba.njit
def of_scalars(x, a, n, flag):
    return a * (x[0] - n) ** 2 + x[1] ** 2 + x[2] ** 2 if flag else 0.0


@numba.njit
def of_arrays(x, t, y, table):
    r = 0.0
    for i in range(t.size):
        r += (x[0] + x[1] * t[i] - y[i]) ** 2
    return r + table[0, 1] * x[2] ** 2


@numba.njit
def of_tuples(x, pair, nested):
    return (
        pair[0] * x[0] ** 2 + pair[1] * (x[1] - nested[0][1]) ** 2 + (x[2] - nested[1][0][0]) ** 2
    )


@numba.njit
def of_named(x, data):
    r = 0.0
    for i in range(x.size):
        r += data.weights[i] * (x[i] - data.shift) ** 2
    return r


@numba.njit
def of_others(x, text, nothing, record, function):
    bonus = 1.0 if nothing is None else 0.0
    r = function(x[0]) ** 2 + record["w"][0] * x[1] ** 2
    return r + len(text) * x[2] ** 2 + bonus


READ_ONLY = np.arange(5)
READ_ONLY.flags.writeable = False
ARGS = {
    "scalars": (of_scalars, (2.0, 3, True)),
    "numpy-scalars": (of_scalars, (np.float32(2.0), np.int8(3), np.bool_(True))),
    "arrays": (of_arrays, (READ_ONLY, np.arange(10.0)[::2], np.eye(2, order="F") + 1)),
    "tuples": (of_tuples, ((1.0, 2), ((1, 2.5), (np.array([0.5]),)))),
    "named": (of_named, (Data(np.array([1.0, 2.0, 3.0]), 0.5),)),
    "others": (of_others, ("text", None, np.ones(1, [("w", "f8")]), twice)),
}


@pytest.mark.parametrize("kind", ARGS)
@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_args_of_every_kind(kind, jac):
    fun, args = ARGS[kind]
    for options in ({"lr": 0.01, "maxiter": 50}, {"lr": 0.01, "maxiter": 5, "return_all": True}):
        compiled, python = (
            run(each, jac, args=args, **options) for each in (fun, lambda *given: fun(*given))
        )
        agree(compiled, python)
        assert compiled.fun == fun(compiled.x, *args) < fun(X0, *args)


@numba.njit
def thrice(x):
    return 3.0 * x


@numba.njit
def of_two(x, one, other):
    return one(x[0]) ** 2 + other(x[1]) ** 2 + x[2] ** 2


@numba.njit
def of_pair(x, functions):
    return functions[0](x[0]) ** 2 + functions[1](x[1]) ** 2 + x[2] ** 2


@pytest.mark.fault(number=7)
@pytest.mark.parametrize(
    ("fun", "args", "expected"),
    [
        (of_two, (twice, thrice), (4, 9, 1)),
        (of_two, (thrice, twice), (9, 4, 1)),
        (of_pair, ((twice, thrice),), (4, 9, 1)),
        (of_pair, ((twice, twice),), (4, 4, 1)),
    ],
)
def test_functions_in_args(fun, args, expected):
    """Without a warning, which here would be an error."""
    weights, options = np.array(expected, float), {"lr": 0.01, "maxiter": 1}
    for x in (
        fastadam.minimize(fun, X0, args, "sgd", options=options).x,
        fastadam.minimize_batch(fun, [X0, X0], args, (), "sgd", options=options).x[1],
    ):
        np.testing.assert_allclose(x, X0 - 0.02 * weights * X0, rtol=1e-5)


def test_defaults_and_any_number_of_args():
    @numba.njit
    def with_default(x, a=2.0):
        return a * x[0] ** 2 + x[1] ** 2 + x[2] ** 2

    @numba.njit
    def with_any(x, *a):
        return a[0] * x[0] ** 2 + a[1] * x[1] ** 2 + x[2] ** 2

    strided = numba.njit("float64(float64[:], float64)")(with_default.py_func)  # of other types
    for fun, args, weights in (
        (with_default, (), (2, 1, 1)),
        (with_default, (5,), (5, 1, 1)),
        (with_any, (3, 4.0), (3, 4, 1)),
        (strided, (7,), (7, 1, 1)),
    ):
        result = run(fun, None, args=args, method="sgd", lr=0.01, maxiter=1)
        np.testing.assert_allclose(result.x, X0 - 0.02 * np.array(weights) * X0, rtol=1e-5)


def test_args_of_a_local_class():
    """It cannot be pickled, so what is compiled for it is not kept on disk."""
    Local = NamedTuple("Local", [("weights", np.ndarray), ("shift", float)])  # noqa: UP014
    args = (Local(np.array([1.0, 2.0, 3.0]), 0.5),)
    result = run(of_named, None, args=args, lr=0.01, maxiter=3)
    assert result.fun == of_named(result.x, *args)


WEIGHTED = [
    (weighted, weighted_der),
    (weighted_pair, True),
    (weighted_in_place, "in-place"),
    (weighted, "cs"),
]


@pytest.mark.parametrize(("fun", "jac"), WEIGHTED, ids=["callable", "true", "in-place", "cs"])
def test_args_in_every_form(fun, jac):
    w = np.array([1.0, 2.0, 5.0])
    reference = run(
        lambda x: float(weighted.py_func(x, w)),
        lambda x: weighted_der.py_func(x, w),
        lr=0.01,
        maxiter=60,
    )
    for args in ((w,), w):
        result = run(fun, jac, args=args, lr=0.01, maxiter=60)
        np.testing.assert_allclose(result.x, reference.x, rtol=1e-9)
    np.testing.assert_allclose(run(fun, jac, args=(w,)).x, 1.0, atol=1e-4)


def test_args_are_seen_as_they_are_at_each_call():
    w = np.ones(3)
    first = run(weighted_in_place, args=(w,), lr=0.01, maxiter=1, method="sgd").x
    w[:] = 2.0
    second = run(weighted_in_place, args=(w,), lr=0.01, maxiter=1, method="sgd").x
    np.testing.assert_allclose(second - X0, 2 * (first - X0), rtol=1e-12)


def test_args_are_let_go():
    """Each call of the function holds them for its time, and no longer."""
    w = np.ones(3)
    run(weighted_in_place, args=(w,), lr=0.01, maxiter=10)
    before = sys.getrefcount(w)
    for _ in range(3):
        run(weighted_in_place, args=(w,), lr=0.01, maxiter=1000)
    assert sys.getrefcount(w) == before


def test_gradients_are_let_go():
    """20,000 arrays of 80 kB: 1.6 GB, if they were kept."""
    resource = pytest.importorskip("resource")

    @numba.njit
    def pair(x):
        return 1.0, np.ones(x.size)

    run(pair, True, x0=np.ones(10_000), lr=1e-6, maxiter=10)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert run(pair, True, x0=np.ones(10_000), lr=1e-6, maxiter=20_000).nit == 20_000
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kilobytes < 400_000
