"""args and batch_args of every kind."""

import sys
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds

from fastadam import minimize_batch
from tests.api.batch.batches import (
    ARRAYS,
    CHUNK,
    FORMS,
    T,
    bowl,
    each_kind,
    identical,
    misfit,
    misfit_in_place,
    of_scalar,
    problems,
    run,
    same_alone,
)


@numba.njit
def of_flag(x, flag):
    return (x[0] - 1.0) ** 2 + x[1] ** 2 if flag else x[0] ** 2 + (x[1] - 2.0) ** 2


@numba.njit
def of_vector(x, y):
    total = x[0] ** 2 + x[1] ** 2
    for i in range(y.size):
        total += (x[0] + x[1] * i - y[i]) ** 2
    return total


@numba.njit
def of_matrix(x, w):
    total = (x[0] - 1.0) ** 2
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            total += abs(w[i, j]) * (x[i] - j) ** 2
    return total


@numba.njit
def of_several(x, text, pair, table, a, y, flag):
    total = len(text) * (x[0] - pair[0]) ** 2 + table[1, 0] * (x[1] - pair[1][0]) ** 2
    for i in range(y.size):
        total += a * (x[0] - y[i]) ** 2
    return total + 1.0 if flag else total


def read_only(array):
    array.flags.writeable = False
    return array


NUMBERS = np.random.default_rng(1).normal(size=(CHUNK + 2, 6, 3))
KINDS = {
    "float64": (of_scalar, NUMBERS[:, 0, 0].copy()),
    "float32": (of_scalar, NUMBERS[:, 0, 0].astype(np.float32)),
    "int8": (of_scalar, np.arange(CHUNK + 2).astype(np.int8)),
    "bool": (of_flag, NUMBERS[:, 0, 0] > 0),
    "a-list": (of_scalar, NUMBERS[:, 0, 0].tolist()),
    "not-contiguous-1": (of_scalar, NUMBERS[:, 1, 1]),
    "vectors": (of_vector, NUMBERS[:, :, 0].copy()),
    "read-only-vectors": (of_vector, read_only(NUMBERS[:, :, 0].copy())),
    "not-contiguous-2": (of_vector, NUMBERS[:, ::2, 1]),
    "fortran-3": (of_matrix, np.asfortranarray(NUMBERS[:, :2])),
    "not-contiguous-3": (of_matrix, NUMBERS[:, :2, ::-1]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_batch_args_of_every_kind(kind):
    fun, values = KINDS[kind]
    x0 = NUMBERS[:, 0, :2]
    before = np.array(values)
    options = {"lr": 0.1, "maxiter": 30}
    result = minimize_batch(fun, x0, batch_args=(values,), jac="3-point", options=options)
    same_alone(result, x0, (values,), (0, 1, CHUNK + 1), (fun, "3-point"), args=(), **options)
    python = minimize_batch(fun.py_func, x0[:3], (), (values[:3],), jac="3-point", options=options)
    np.testing.assert_allclose(python.x, result.x[:3], rtol=1e-6)
    np.testing.assert_array_equal(values, before)
    assert result.fun[0] == fun(result.x[0], np.ascontiguousarray(values)[0])
    assert len(set(result.fun)) == CHUNK + 2  # each has its own


def test_one_array_without_a_tuple():
    fun, values = KINDS["vectors"]
    x0, options = NUMBERS[:, 0, :2], {"lr": 0.1, "maxiter": 30}
    one = minimize_batch(fun, x0, batch_args=values, options=options)
    identical(one, minimize_batch(fun, x0, batch_args=(values,), options=options))


def test_several_arguments_of_each_sort():
    size = CHUNK + 2
    x0, a, y = NUMBERS[:, 0, :2], np.abs(NUMBERS[:, 0, 0]).astype(np.float32), NUMBERS[:, :, 1]
    args = ("text", (0.5, (2, np.arange(3))), np.eye(2) + 1)
    rows = a, y, np.arange(size) % 2 == 0
    options = {"lr": 0.1, "maxiter": 30}
    result = minimize_batch(of_several, x0, args, rows, jac="2-point", options=options)
    same_alone(result, x0, rows, (0, 1, size - 1), (of_several, "2-point"), args, **options)
    python = minimize_batch(of_several.py_func, x0, args, rows, jac="2-point", options=options)
    np.testing.assert_allclose(python.x, result.x, rtol=1e-5, atol=1e-6)


@numba.njit
def around(x, centre):
    return np.sum((x - centre) ** 2)


def test_no_batch_args():
    x0, _ = problems(CHUNK + 1)
    options = {"lr": 0.1, "maxiter": 30}
    for jac in ("3-point", "cs"):
        result = minimize_batch(bowl, x0, jac=jac, options=options)
        same_alone(result, x0, (), (0, CHUNK), (bowl, jac), args=(), **options)
    centre = np.array([1.0, 2.0])
    for args in ((centre,), centre):
        result = minimize_batch(around, x0, args, jac="2-point", options=options)
        same_alone(result, x0, (), (0, CHUNK), (around, "2-point"), (centre,), **options)


def test_starts_of_other_kinds():
    expected = minimize_batch(bowl, np.array([[2.0, 1], [3, 4]]), options={"maxiter": 30})
    for x0 in (
        [[2, 1], [3, 4]],
        np.array([[2, 1], [3, 4]], np.float32),
        np.array([[2, 1], [3, 4]], np.uint8),
        np.array([[2.0, 1], [3, 4]], order="F"),
        np.array([[2.0, 0, 1, 0], [3, 0, 4, 0]])[:, ::2],
        read_only(np.array([[2.0, 1], [3, 4]])),
        np.array([[2.0, 1], [3, 4]], ">f8"),
    ):
        before = np.array(x0)
        result = minimize_batch(bowl, x0, options={"maxiter": 30})
        identical(result, expected)
        np.testing.assert_array_equal(x0, before)
        assert not np.shares_memory(result.x, x0)


@each_kind
def test_nothing_of_the_users_is_changed(compiled):
    """Nor is the result tied to it."""
    x0, (a, y) = problems(CHUNK + 2)
    x0 += 10.0
    low, high = np.full((CHUNK + 2, 2), -2.0), np.full((CHUNK + 2, 2), 2.0)
    rates = np.full(CHUNK + 2, 0.05)
    options = {"lr": rates, "maxiter": 30}
    given = x0, a, y, low, high, rates, T
    before = [each.tobytes() for each in given]
    fun, jac = FORMS["in-place"][0 if compiled else 1]
    result = minimize_batch(fun, x0, (T,), (a, y), "adam", jac, Bounds(low, high), options=options)
    assert [each.tobytes() for each in given] == before
    assert options == {"lr": rates, "maxiter": 30}
    for name in ARRAYS:
        assert result[name].flags.writeable
        assert not any(np.shares_memory(result[name], each) for each in given)


@numba.njit
def vandal(x, grad, t, a, y):
    value = misfit_in_place(x, grad, t, a, y)
    x[:] = np.nan
    return value


@numba.njit
def vandal_value(x, t, a, y):
    value = misfit(x, t, a, y)
    x[:] = np.nan
    return value


@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_functions_may_overwrite_x(lr):
    x0, rows = problems(3)
    options = {"lr": lr, "maxiter": 60}
    for form, fun in (("in-place", vandal), ("3-point", vandal_value), ("cs", vandal_value)):
        result = minimize_batch(fun, x0, (T,), rows, jac=form, options=options)
        identical(result, run(x0, rows, form, **options))


def test_arguments_are_let_go():
    x0, rows = problems(CHUNK + 2)
    run(x0, rows, maxiter=10)
    given = (x0, T, *rows)
    before = [sys.getrefcount(each) for each in given]
    for _ in range(3):
        run(x0, rows, maxiter=500, threads=2)
    assert [sys.getrefcount(each) for each in given] == before


@numba.njit
def of_scratch(x, pair, a):
    """The squared distance from (a, 1), by way of memory that it shares with other threads."""
    scratch = pair[0]
    for i in range(scratch.size):
        scratch[i] = x[0] - a
    total = 0.0
    for i in range(scratch.size):
        total += scratch[i] ** 2
    return total / scratch.size + (x[1] - pair[1]) ** 2


@pytest.mark.slow
@pytest.mark.fault(number=13)
def test_scratch_arrays_of_each_thread():
    size = 200
    a, scratch = np.linspace(-1, 1, size), np.full(2000, 7.0)
    given = of_scratch, np.zeros((size, 2)), ((scratch, 1.0),), (a,)
    options = {"copy_args": True}
    alone = minimize_batch(*given, options={"threads": 1, **options})
    identical(minimize_batch(*given, options={"threads": 2, **options}), alone)
    with ThreadPoolExecutor(2) as pool:
        identical(minimize_batch(*given, options=options, workers=pool.map), alone)
    np.testing.assert_allclose(alone.x, np.column_stack([a, np.ones(size)]), atol=1e-3)
    plain = minimize_batch(of_scratch.py_func, *given[1:], options={**options, "maxiter": 1})
    assert (plain.nit == 1).all()
    assert (scratch == 7.0).all()


@numba.njit
def of_own_scratch(x, a, scratch):
    return of_scratch(x, (scratch, 1.0), a)


@pytest.mark.fault(number=13)
def test_scratch_arrays_of_each_row():
    size = 200
    given = of_own_scratch, np.zeros((size, 2)), (), (np.linspace(-1, 1, size), np.zeros((size, 9)))
    alone = minimize_batch(*given, options={"threads": 1})
    identical(minimize_batch(*given, options={"threads": 2}), alone)


@pytest.mark.fault(number=13)
def test_copies_have_no_meaning_elsewhere():
    with pytest.raises(ValueError, match=r"options\['copy_args'\] is for device='cpu'"):
        minimize_batch(bowl, np.ones((2, 2)), options={"copy_args": True}, device="cuda")
    with pytest.raises(TypeError, match="copy_args must be True or False, got 1"):
        minimize_batch(bowl, np.ones((2, 2)), options={"copy_args": 1})
