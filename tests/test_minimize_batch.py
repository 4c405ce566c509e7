"""`fastadam.minimize_batch`: each row is what `fastadam.minimize` gives for that problem alone."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from numba.core import event
from scipy.optimize import Bounds, OptimizeWarning

import fastadam
from fastadam import minimize_batch
from fastadam.minimizer import batch
from fastadam.solver import kernels, many
from tests.reference import Reference

NAN, INF = np.nan, np.inf
FOREVER = 2 * 10**9  # iterations: minutes
CHUNK = 16  # rows that a thread takes at once
T = np.linspace(-1.0, 1.0, 5)


@numba.njit
def misfit(x, t, a, y):
    """A line through data, each problem with its own weight; also of complex x."""
    total = 0.01 * x[0] * x[0] * x[0] * x[0]
    for i in range(t.size):
        r = x[0] + x[1] * t[i] - y[i]
        total += a * r * r
    return total


@numba.njit
def misfit_der(x, t, a, y):
    grad = np.zeros(2)
    grad[0] = 0.04 * x[0] * x[0] * x[0]
    for i in range(t.size):
        r = 2.0 * a * (x[0] + x[1] * t[i] - y[i])
        grad[0] += r
        grad[1] += r * t[i]
    return grad


@numba.njit
def misfit_pair(x, t, a, y):
    return misfit(x, t, a, y), misfit_der(x, t, a, y)


@numba.njit
def misfit_in_place(x, grad, t, a, y):
    grad[:] = misfit_der(x, t, a, y)
    return misfit(x, t, a, y)


def plain_pair(x, t, a, y):
    return misfit.py_func(x, t, a, y), misfit_der.py_func(x, t, a, y)


def plain_in_place(x, grad, t, a, y):
    grad[:] = misfit_der.py_func(x, t, a, y)
    return misfit.py_func(x, t, a, y)


# Each form of the gradient: the compiled functions, and the same in Python.
FORMS = {
    "callable": ((misfit, misfit_der), (misfit.py_func, misfit_der.py_func)),
    "true": ((misfit_pair, True), (plain_pair, True)),
    "in-place": ((misfit_in_place, "in-place"), (plain_in_place, "in-place")),
    "default": ((misfit, None), (misfit.py_func, None)),
    "2-point": ((misfit, "2-point"), (misfit.py_func, "2-point")),
    "3-point": ((misfit, "3-point"), (misfit.py_func, "3-point")),
    "cs": ((misfit, "cs"), (misfit.py_func, "cs")),
}
each_form = pytest.mark.parametrize("form", FORMS)
# NumPy's scalars warn of what is not finite, in Python functions.
quietly = pytest.mark.filterwarnings("ignore:(invalid value|overflow):RuntimeWarning")
each_kind = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "python"])


def problems(size):
    """Return the starts and the data of some problems."""
    rng = np.random.default_rng(size)
    return rng.normal(size=(size, 2)), (rng.uniform(0.5, 2, size), rng.normal(size=(size, 5)))


def run(x0, rows, form="in-place", args=(T,), method="adam", compiled=True, **options):
    names = ("bounds", "tol")
    own = {name: options.pop(name) for name in names if name in options}
    fun, jac = FORMS[form][0 if compiled else 1]
    return minimize_batch(fun, x0, args, rows, method, jac, options=options, **own)


ARRAYS = ("x", "fun", "jac", "nit", "nfev", "njev", "status", "success")


def bits(values):
    """Return an array's bits; there is one NaN."""
    array = np.asarray(values)
    return np.where(np.isnan(array), np.nan, array).tobytes() if array.size else b""


def identical(one, other, rows=None):
    """Require two results, or some rows of the first, to be the same bit for bit."""
    for name in ARRAYS:
        values = one[name] if rows is None else one[name][rows]
        assert values.dtype == other[name].dtype, name
        assert bits(values) == bits(other[name]), (name, values, other[name])


def same_alone(result, x0, rows, ks=None, form="in-place", args=(T,), compiled=True, **options):
    """Require rows to be bit for bit what `minimize` gives.

    ``bounds`` and ``lr`` may be functions of the row.
    """
    fun, jac = FORMS[form][0 if compiled else 1] if isinstance(form, str) else form
    method, bounds = options.pop("method", "adam"), options.pop("bounds", None)
    rows, lr = tuple(map(np.ascontiguousarray, rows)), options.pop("lr_of", None)
    for k in range(len(x0)) if ks is None else ks:
        if lr is not None:
            options["lr"] = lr(k)
        given = args + tuple(each[k] for each in rows)
        own = bounds(k) if callable(bounds) else bounds
        one = fastadam.minimize(fun, x0[k], given, method, jac, own, options=options)
        for name in ARRAYS:
            assert bits(result[name][k]) == bits(one[name]), (k, name, result[name][k], one[name])


# ---------------------------------------------------------------------------------------------
# The same as alone
# ---------------------------------------------------------------------------------------------


@each_form
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"maxiter": 30},
        {"maxfev": 123},
        {"lr": 0.05, "maxiter": 100},
        {"lr": 0.05, "gtol": 1e-2},
        {"lr": 0.05, "ftol": 1e-3, "patience": 5, "clip_norm": 0.5},
        {"lr": 0.05, "maxiter": 0},
        {"lr": 0.05, "maxfev": 40},
    ],
    ids=repr,
)
def test_each_form_of_the_gradient(form, options):
    x0, rows = problems(CHUNK + 3)
    result = run(x0, rows, form, **options)
    same_alone(result, x0, rows, (0, 7, CHUNK - 1, CHUNK, CHUNK + 2), form, **options)
    assert len(set(result.fun)) == CHUNK + 3
    assert (result.nfev > 0).all()


METHODS = {
    "adam": {"betas": (0.8, 0.99), "epsilon": 1e-3},
    "adam-amsgrad": {"amsgrad": True},
    "nadam": {"momentum_decay": 1e-2, "weight_decay": 0.1},
    "momentum": {"nesterov": True},
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("lr", ["auto", 0.01])
def test_each_method(method, lr):
    x0, rows = problems(4)
    options = {"lr": lr, "maxiter": 200, **METHODS[method]}
    name = method.partition("-")[0]
    result = run(x0, rows, method=name, **options)
    same_alone(result, x0, rows, method=name, **options)
    assert (result.nit > 1).all()


@each_kind
def test_plain_adam_follows_the_equations(compiled):
    """And so neither it nor `minimize` is wrong in the same way."""
    x0, (a, y) = problems(3)
    result = run(x0, (a, y), compiled=compiled, lr=0.01, gtol=0, maxiter=25)
    for k in range(3):
        reference = Reference("Adam", x0[k], lr=0.01, betas=(0.9, 0.999), eps=1e-8)
        for _ in range(25):
            reference.step(misfit_der.py_func(reference.p, T, a[k], y[k]))
        np.testing.assert_allclose(result.x[k], reference.p, rtol=1e-9)
        assert result.fun[k] == misfit(result.x[k], T, a[k], y[k])


@each_form
@pytest.mark.parametrize("lr", ["auto", 0.02])
def test_python_functions(form, lr):
    """Exactly `minimize` alone, and to rounding the compiled functions."""
    x0, rows = problems(3)
    options = {"lr": lr, "maxiter": 40}
    python = run(x0, rows, form, compiled=False, **options)
    same_alone(python, x0, rows, form=form, compiled=False, **options)
    compiled = run(x0, rows, form, **options)
    assert set(python) == set(compiled) == {*ARRAYS, "message"}
    for name in ARRAYS:
        assert python[name].dtype == compiled[name].dtype
        tolerance = {"rtol": 1e-6, "atol": 1e-6} if name in ("x", "fun", "jac") else {"rtol": 0}
        np.testing.assert_allclose(python[name], compiled[name], **tolerance)
    assert python.message == compiled.message


def test_a_mixed_pair_runs_in_python():
    x0, rows = problems(3)
    expected = run(x0, rows, "callable", compiled=False, lr=0.02, maxiter=40)
    for fun, jac in ((misfit, misfit_der.py_func), (misfit.py_func, misfit_der)):
        options = {"lr": 0.02, "maxiter": 40}
        result = minimize_batch(fun, x0, (T,), rows, jac=jac, options=options)
        np.testing.assert_allclose(result.x, expected.x, rtol=1e-9)


@each_kind
def test_schedules(compiled):
    """Also across the pauses of a long search."""

    def lr(t):
        return 0.1 / (1 + t % 7)

    x0, rows = problems(3)
    for maxiter in (0, 1, 37, 1500):
        options = {"lr": lr, "gtol": 0, "maxiter": maxiter}
        result = run(x0, rows, compiled=compiled, **options)
        same_alone(result, x0, rows, compiled=compiled, **options)
        assert (result.nit == maxiter).all()


@each_kind
@pytest.mark.parametrize("size", [1, 2, CHUNK + 1])
@pytest.mark.parametrize("kind", [np.array, list, tuple, np.float32])
def test_a_step_size_for_each_row(compiled, size, kind):
    x0, rows = problems(size)
    rates = kind(np.linspace(0.01, 0.1, size))
    result = run(x0, rows, compiled=compiled, lr=rates, maxiter=20)
    ks = sorted({0, size - 1})
    options = {"maxiter": 20, "lr_of": lambda k: float(rates[k])}
    same_alone(result, x0, rows, ks, compiled=compiled, **options)
    if size > 1:
        assert len(set(np.abs(result.x - x0).max(axis=1))) == size


@each_kind
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_common_bounds(compiled, lr):
    x0, rows = problems(5)
    low, high = [-0.3, 0.1], [0.2, 0.1]  # the second is fixed
    options = {"lr": lr, "maxiter": 200, "compiled": compiled}
    expected = run(x0, rows, bounds=Bounds(low, high), **options)
    same_alone(expected, x0, rows, bounds=Bounds(low, high), **options)
    assert ((expected.x >= low) & (expected.x <= high)).all()
    assert (np.abs(expected.x[:, 0]) > 0.19).any()
    for bounds in (list(zip(low, high, strict=True)), np.transpose([low, high])):
        identical(run(x0, rows, bounds=bounds, **options), expected)
    half = run(x0, rows, bounds=[(None, 0.2), (0.1, None)], **options)
    same_alone(half, x0, rows, bounds=[(None, 0.2), (0.1, None)], **options)


@each_kind
@pytest.mark.parametrize("form", ["in-place", "3-point", "cs"])
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_bounds_for_each_row(compiled, form, lr):
    """Rows have different numbers of fixed coordinates, which is a matter of nfev."""
    x0, rows = problems(6)
    low = np.array([[-1, -1], [0.1, -INF], [0.2, 0.2], [-INF, -INF], [0, 0.3], [-2, 5.0]])
    high = np.array([[1, 1], [0.1, INF], [0.2, 0.2], [INF, INF], [INF, 0.4], [3, INF]])
    before = low.copy(), high.copy()
    options = {"lr": lr, "maxiter": 60, "compiled": compiled, "form": form}
    expected = run(x0, rows, bounds=Bounds(low, high), **options)
    same_alone(expected, x0, rows, bounds=lambda k: Bounds(low[k], high[k]), **options)
    assert ((expected.x >= low) & (expected.x <= high)).all()
    identical(run(x0, rows, bounds=np.stack([low, high], axis=2), **options), expected)
    identical(run(x0, rows, bounds=np.stack([low, high], axis=2).tolist(), **options), expected)
    np.testing.assert_array_equal([low, high], before)
    # One side for each, the other for all.
    mixed = run(x0, rows, bounds=Bounds(low, 9.0), **options)
    same_alone(mixed, x0, rows, bounds=lambda k: Bounds(low[k], 9.0), **options)


@each_kind
def test_no_bound_in_pairs_for_each_row(compiled):
    """None and NaN are no bound in pairs, as for `minimize`."""
    x0, rows = problems(2)
    for nothing in (None, NAN):
        pairs = [[(0.5, nothing), (nothing, nothing)], [(nothing, -0.5), (0.0, 1.0)]]
        options = {"lr": 0.05, "maxiter": 40, "compiled": compiled}
        result = run(x0, rows, bounds=pairs, **options)
        same_alone(result, x0, rows, bounds=lambda k, pairs=pairs: pairs[k], **options)


def test_the_one_row_of_a_batch_of_one():
    x0, rows = problems(1)
    for bounds in (None, Bounds([[0.1, -1]], [[0.2, 1]]), np.array([[[0.1, 0.2], [-1, 1]]])):
        result = run(x0, rows, bounds=bounds, threads=2)
        own = None if bounds is None else [(0.1, 0.2), (-1, 1)]
        same_alone(result, x0, rows, bounds=own)
        assert result.x.shape == result.jac.shape == (1, 2)
        assert all(result[name].shape == (1,) for name in ("fun", *ARRAYS[3:]))
        assert result.message == "1 of 1: Optimization terminated successfully."


def test_tol_and_steps_of_differences():
    x0, rows = problems(3)
    identical(run(x0, rows, tol=0.1, lr=0.05), run(x0, rows, gtol=0.1, lr=0.05))
    for steps in (1e-3, [1e-3, 1e-2]):
        options = {"form": "2-point", "lr": 0.05, "maxiter": 20, "finite_diff_rel_step": steps}
        same_alone(run(x0, rows, **options), x0, rows, **options)


# ---------------------------------------------------------------------------------------------
# args and batch_args
# ---------------------------------------------------------------------------------------------


@numba.njit
def of_scalar(x, a):
    return (x[0] - a) ** 2 + x[1] ** 2


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
def bowl(x):
    return (x[0] - 1.0) ** 2 + 3.0 * (x[1] + 2.0) ** 2


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


# ---------------------------------------------------------------------------------------------
# Threads
# ---------------------------------------------------------------------------------------------

UNEVEN = 10 * CHUNK + 5


def uneven():
    """Return problems whose numbers of iterations differ widely, the slow ones adjacent."""
    x0, rows = problems(UNEVEN)
    rates = np.full(UNEVEN, 0.3)
    rates[20:40] = 1e-3
    return x0, rows, {"lr": rates, "maxiter": 30_000}


def test_the_number_of_threads_changes_nothing():
    x0, rows, options = uneven()
    expected = run(x0, rows, threads=1, **options)
    assert expected.success.all()
    assert expected.nit.max() > 20 * np.median(expected.nit)
    for threads in (None, 2, 3, 7, 1000):
        identical(run(x0, rows, threads=threads, **options), expected)
    ks = (0, 19, 20, 25, 39, 40, UNEVEN - 1)
    rates = options.pop("lr")
    same_alone(expected, x0, rows, ks, lr_of=lambda k: rates[k], **options)


@pytest.mark.parametrize("form", ["3-point", "cs"])
def test_the_number_of_threads_changes_nothing_of_the_default(form):
    x0, rows = problems(3 * CHUNK)
    expected = run(x0, rows, form, threads=1)
    for threads in (2, 7):
        identical(run(x0, rows, form, threads=threads), expected)


def test_a_search_in_pieces(monkeypatch):
    """It comes back to Python after nearly each iteration, which changes nothing."""
    x0, rows = problems(CHUNK + 2)
    for options in ({"maxiter": 300}, {"lr": 0.05, "maxiter": 300}, {"lr": lambda t: 0.1 / t**0.5}):
        for form in ("in-place", "2-point", "cs"):
            whole = run(x0, rows, form, **options)
            calls = itertools.count()
            monkeypatch.setattr(batch, "_INTERVAL", 1e-12)
            monkeypatch.setattr(batch.Batch, "over", property(lambda self: next(calls) < 0))  # noqa: B023
            pieces = run(x0, rows, form, **options)
            monkeypatch.undo()
            identical(pieces, whole)
            assert next(calls) > 1000


@numba.njit
def meets(x, flags, k, other):
    """Wait for the function to be called for the other row, but not for ever."""
    if k < 0:
        return x[0] ** 2
    for i in range(1, 3 * 10**9):
        flags[k] = i  # written in each round, so that the other is read in each
        if flags[other] != 0:
            return x[0] ** 2
    return 1e9


def test_rows_run_at_the_same_time():
    """And without Python's lock: the first row of each of two chunks waits for the other."""
    k, other = np.full(2 * CHUNK, -1), np.full(2 * CHUNK, -1)
    k[0], other[0], k[CHUNK], other[CHUNK] = 0, 1, 1, 0
    flags = np.zeros(2, np.int64)
    options = {"maxiter": 0, "threads": 2, "lr": 0.1}
    result = minimize_batch(meets, np.ones((2 * CHUNK, 1)), (flags,), (k, other), options=options)
    assert (result.fun == 1.0).all()


def test_slow_rows_are_shared(monkeypatch):
    """A thread that has finished takes the next rows: nobody has a fixed part."""
    x0, rows = problems(8 * CHUNK)
    taken, late = [], threading.Event()
    solve = batch._Solver.solve

    def recording(self, start, stop):
        if start == 0:
            assert late.wait(60)  # the first chunk is as slow as all the others together
        taken.append((threading.get_ident(), start, stop))
        if len(taken) == 7:
            late.set()
        solve(self, start, stop)

    monkeypatch.setattr(batch._Solver, "solve", recording)
    assert run(x0, rows, threads=2).success.all()
    chunks = [(start, start + CHUNK) for start in range(0, 8 * CHUNK, CHUNK)]
    assert sorted(each[1:] for each in taken) == chunks
    assert len({thread for thread, start, _ in taken if start > 0}) == 1


def test_two_python_threads_at_once():
    given = [problems(3 * CHUNK + k) for k in range(4)]
    alone = [run(*each, lr=0.05, threads=2) for each in given]
    barrier = threading.Barrier(4)

    def go(each):
        barrier.wait(60)
        return run(*each, lr=0.05, threads=2)

    with ThreadPoolExecutor(4) as pool:
        for one, other in zip(pool.map(go, given), alone, strict=True):
            identical(one, other)


def test_memory():
    """The results, and a fixed amount a thread."""
    n = 20

    def peak(size, threads):
        x0 = np.ones((size, n))
        tracemalloc.start()
        try:
            options = {"lr": 0.1, "maxiter": 2, "threads": threads}
            minimize_batch(sphere, x0, jac="in-place", options=options)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(100, 7)
    small, large, many_threads = peak(1000, 1), peak(21_000, 1), peak(21_000, 7)
    row = (large - small) / 20_000
    # Starts, x, jac; fun and the counts, and the lists of outcomes.
    assert 2 * 8 * n < row < 8 * (3 * n + 24)
    # A search of n = 20 takes 2 kB, the futures and the stacks' frames some more.
    assert many_threads - large < 6 * 50_000


@numba.njit
def sphere(x, grad):
    total = 0.0
    for i in range(x.size):
        grad[i] = 2.0 * x[i]
        total += x[i] ** 2
    return total


# ---------------------------------------------------------------------------------------------
# Bad rows
# ---------------------------------------------------------------------------------------------


@quietly
@each_kind
@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", ["in-place", "3-point"])
def test_bad_rows_among_good_ones(compiled, lr, form):
    size = 2 * CHUNK + 3 if compiled else 9
    x0, (a, y) = problems(size)
    low, high = np.full((size, 2), -5.0), np.full((size, 2), 5.0)
    options = {"lr": lr, "maxiter": 150, "compiled": compiled, "form": form, "threads": 2}
    good = np.ones(size, bool)
    bad = {"data": 1, "start": 2, "far": 4, "box": 5, "no box": 7, "weight": size - 1}
    good[list(bad.values())] = False
    y[1, 3] = NAN
    x0[2, 1] = NAN
    x0[4, 0] = INF
    low[4], high[4] = -INF, INF
    low[5, 0], high[5, 0] = 1.0, 0.999
    low[7, 1] = NAN
    a[-1] = INF
    bounds = Bounds(low, high)
    result = run(x0, (a, y), bounds=bounds, **options)
    expected = {1: 3, 2: 3, 4: 3, 5: 2, 7: 2, size - 1: 3}
    assert {k: result.status[k] for k in expected} == expected
    without = run(x0[good], (a[good], y[good]), bounds=Bounds(low[good], high[good]), **options)
    identical(result, without, good)
    assert np.isfinite(result.fun[good]).all()
    alone = 0, 1, 2, 3, 4, size - 1
    same_alone(
        result, x0, (a, y), alone, bounds=lambda k: Bounds(low[k], high[k]),
        form=form, compiled=compiled, lr=lr, maxiter=150,
    )  # fmt: skip
    for k in (5, 7):
        assert np.isnan(result.fun[k])
        assert np.isnan(result.jac[k]).all()
        assert not result.success[k]
        assert result.nit[k] == result.nfev[k] == result.njev[k] == 0
        np.testing.assert_array_equal(result.x[k], x0[k])
    assert not result.success[~good].any()
    assert f"4 of {size}: NaN or infinite result encountered." in result.message
    assert f"2 of {size}: The bounds hold no number." in result.message


@quietly
@each_kind
def test_bounds_that_hold_no_number(compiled):
    """`minimize` refuses them, so they are no result of a search."""
    x0, rows = problems(3)
    low, high = np.full((3, 2), -5.0), np.full((3, 2), 5.0)
    low[1, 0] = high[1, 0] = INF
    result = run(x0, rows, bounds=Bounds(low, high), compiled=compiled, maxiter=20)
    assert result.status[1] == 2
    assert result.status[0] != 2
    assert result.nfev[1] == 0


@quietly
@each_kind
def test_only_bad_rows(compiled):
    x0, rows = problems(3)
    result = run(np.full((3, 2), NAN), rows, compiled=compiled)
    assert (result.status == 3).all()
    assert result.message == "3 of 3: NaN or infinite result encountered."
    pairs = np.full((3, 2, 2), [1.0, 0.0])
    result = run(x0, rows, bounds=pairs, compiled=compiled)
    assert (result.status == 2).all()


@quietly
@each_kind
def test_the_message_counts_the_outcomes(compiled):
    """The most frequent first."""
    x0, (a, y) = problems(7)
    y[3] = NAN
    rates = np.array([0.05, 0.05, 1e-9, 0.05, 1e-9, 0.05, 0.05])
    result = run(x0, (a, y), lr=rates, maxiter=2000, compiled=compiled)
    assert result.message == (
        "4 of 7: Optimization terminated successfully. "
        "2 of 7: Maximum number of iterations has been exceeded. "
        "1 of 7: NaN or infinite result encountered."
    )
    assert result.status.tolist() == [0, 0, 1, 3, 1, 0, 0]
    np.testing.assert_array_equal(result.success, result.status == 0)


# ---------------------------------------------------------------------------------------------
# Exceptions
# ---------------------------------------------------------------------------------------------


class MineError(Exception):
    pass


@numba.njit
def fails(x, fatal):
    if fatal:
        raise MineError("in the middle", 7)
    return x[0] ** 2


@numba.njit
def fails_der(x, fatal):
    if fatal and x[0].real < 0.9:
        raise MineError("in the middle", 7)
    return 2.0 * x


@numba.njit
def fails_not(x, fatal):
    return x[0] ** 2


@pytest.mark.parametrize(
    ("fun", "jac"),
    [
        (fails, "3-point"),
        (fails, "cs"),
        (fails_not, fails_der),
        (fails.py_func, None),
        (fails_not.py_func, fails_der.py_func),
    ],
)
@pytest.mark.parametrize("where", [0, 5 * CHUNK - 1])
def test_exceptions_propagate(fun, jac, where):
    size = 5 * CHUNK
    x0, fatal = np.ones((size, 1)), np.zeros(size, bool)
    good = minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    fatal[where] = True
    before = threading.active_count()
    with pytest.raises(MineError) as caught:
        minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    assert caught.value.args == ("in the middle", 7)
    assert threading.active_count() == before
    np.testing.assert_array_equal(x0, 1.0)
    fatal[where] = False
    again = minimize_batch(fun, x0, (), fatal, jac=jac, options={"lr": 0.1, "threads": 2})
    identical(again, good)


@numba.njit
def endless(x, grad, fatal):
    if fatal:
        raise MineError("in the middle", 7)
    grad[:] = 1.0
    return -x[0]


def test_an_exception_ends_the_other_rows():
    """They would take minutes."""
    x0, fatal = np.ones((2 * CHUNK, 1)), np.arange(2 * CHUNK) == CHUNK
    options = {"lr": 1e-9, "maxiter": FOREVER, "threads": 2, "max_seconds": 60.0}
    began = time.monotonic()
    with pytest.raises(MineError):
        minimize_batch(endless, x0, (), fatal, jac="in-place", options=options)
    assert time.monotonic() - began < 60.0  # that is, not by the clock


@each_kind
def test_an_exception_of_the_schedule(compiled):
    def lr(t):
        return 0.1 if t < 10 else -1.0

    x0, rows = problems(3)
    with pytest.raises(ValueError, match=r"lr\(10\) must be finite and >= 0, got -1"):
        run(x0, rows, lr=lr, gtol=0, compiled=compiled)


# ---------------------------------------------------------------------------------------------
# The clock, Ctrl-C, progress
# ---------------------------------------------------------------------------------------------


@numba.njit
def stalls(x, grad, slow):
    """A bowl, or a slope without end."""
    grad[0] = -1.0 if slow else 2.0 * x[0]
    return -x[0] if slow else x[0] ** 2


def plain_stalls(x, grad, slow):
    return stalls.py_func(x, grad, slow)


@pytest.mark.parametrize("fun", [stalls, plain_stalls])
def test_max_seconds(fun):
    """Rows before, at and after one that does not end; in Python's case, in turn."""
    size, at = CHUNK + 4, 5
    x0, slow = np.linspace(1, 2, size)[:, None], np.arange(size) == at
    options = {"lr": 0.05, "maxiter": FOREVER, "threads": 1}
    minimize_batch(fun, x0[:2], (), slow[:2], jac="in-place", options=options)
    result = minimize_batch(
        fun, x0, (), slow, jac="in-place", options={"max_seconds": 0.4, **options}
    )
    full = minimize_batch(fun, x0[:at], (), slow[:at], jac="in-place", options=options)
    identical(result, full, slice(at))
    assert full.success.all()
    assert (result.status[at:] == 1).all()
    assert not result.success[at:].any()
    # The one at work: the best point so far.
    assert 0 < result.nit[at] < FOREVER
    assert result.fun[at] == -result.x[at, 0] < -x0[at, 0]
    assert result.nfev[at] == result.njev[at] == result.nit[at] + 1
    np.testing.assert_array_equal(result.jac[at], -1.0)
    # Those not begun.
    assert np.isnan(result.fun[at + 1 :]).all()
    assert np.isnan(result.jac[at + 1 :]).all()
    assert (result.nfev[at + 1 :] == 0).all()
    np.testing.assert_array_equal(result.x[at + 1 :], x0[at + 1 :])
    assert result.message == (
        f"{size - at} of {size}: Maximum time has been exceeded. "
        f"{at} of {size}: Optimization terminated successfully."
    )


def test_max_seconds_of_several_threads():
    """Each thread comes to a row without end; each row says what it is."""
    x0, slow = np.ones((6 * CHUNK, 1)), np.zeros(6 * CHUNK, bool)
    slow[CHUNK::CHUNK] = True  # the first chunk has none
    options = {"lr": 0.05, "maxiter": FOREVER, "threads": 3}
    done = minimize_batch(stalls, x0[:1], (), slow[:1], jac="in-place", options=options)
    result = minimize_batch(
        stalls, x0, (), slow, jac="in-place", options={"max_seconds": 0.4, **options}
    )
    assert (result.nit[slow] > 0).sum() == 3
    for k in np.flatnonzero(result.success):
        identical(result, done, slice(k, k + 1))
    assert set(np.flatnonzero(result.success)) >= set(range(CHUNK))
    assert (result.status[~result.success] == 1).all()
    assert (np.isnan(result.fun) == (result.nfev == 0)).all()


@numba.njit
def rough(x, kind):
    """Where the default search changes its step: flat, with holes, or neither."""
    if kind == 0:
        return 1.0
    value = (x[0] - 0.5) ** 2 + (x[1] - x[0]) ** 2
    return np.nan if kind == 1 and x[0] > 1.01 else value


@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_wherever_time_runs_out_the_best_point_is_kept(kind, jac, monkeypatch):
    """One iteration at a time, and the end after any of them."""
    init = batch._Solver.__init__

    def slowly(self, given):
        init(self, given)
        self._budget = 1

    monkeypatch.setattr(batch, "_INTERVAL", 1e-12)
    monkeypatch.setattr(batch._Solver, "__init__", slowly)
    x0, kinds = np.full((2, 2), 1.0), np.full(2, kind)
    first = fastadam.minimize(rough, x0[0], (kind,), jac=jac)
    for looks in range(2, 40):  # the first is before the first row
        calls = itertools.count()
        over = property(lambda self: next(calls) >= looks)  # noqa: B023
        monkeypatch.setattr(batch.Batch, "over", over)
        result = minimize_batch(rough, x0, (), kinds, jac=jac, options={"threads": 1})
        assert result.nfev[0] > 0, looks
        assert result.fun[0] == rough(result.x[0], kind) <= rough(x0[0], kind)
        assert result.status[0] in (first.status, 1)
        assert result.nit[0] <= first.nit


def test_the_clock_starts_when_all_is_compiled(monkeypatch):
    """As for `minimize`: a first call would solve nothing."""
    clock = [0.0]
    compiling = batch.native_function

    def slow(*given):
        clock[0] += 60.0
        return compiling(*given)

    monkeypatch.setattr(batch, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(batch, "native_function", slow)
    x0, rows = problems(3)
    assert run(x0, rows, max_seconds=1.0).success.all()


def test_a_slow_function_does_not_delay_the_end(monkeypatch):
    """By a clock that is told how long an iteration takes: as often as `minimize` looks at it."""
    clock = [0.0]
    make = many.solve_kernel

    def slow_kernel(*types):
        kernel = make(*types)

        def solve(*given):
            clock[0] += 10.0 * given[-1]  # at most so many iterations, of 10 s
            kernel(*given)

        return solve

    monkeypatch.setattr(batch, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(batch, "solve_kernel", slow_kernel)
    x0, rows = problems(1)
    run(x0, rows, max_seconds=30.0, threads=1, lr=1e-9)
    assert clock[0] <= 100.0


CHILD = """
import sys, threading, time
import numba, numpy as np
from fastadam import minimize_batch

def slope(x, grad):
    grad[:] = 1.0
    return -x[0]

fun = numba.njit(slope) if sys.argv[1] == "compiled" else slope
x0 = np.ones((64, 1))
options = {"lr": 1e-9, "threads": 2}
minimize_batch(fun, x0, jac="in-place", options={"maxiter": 2, **options})
before = threading.active_count()

def announce():
    while sys.argv[1] == "compiled" and threading.active_count() < before + 3:
        time.sleep(0.01)
    time.sleep(0.2)
    print("started", flush=True)

teller = threading.Thread(target=announce)
teller.start()
try:
    minimize_batch(fun, x0, jac="in-place", options={"maxiter": 2 * 10**9, **options})
except KeyboardInterrupt:
    teller.join()
    assert threading.active_count() == before, threading.enumerate()
    assert np.all(x0 == 1.0)
    result = minimize_batch(fun, x0, jac="in-place", options={"maxiter": 5, **options})
    assert np.all(result.nit == 5)
    print("interrupted")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
@pytest.mark.parametrize("kind", ["compiled", "python"])
def test_ctrl_c(kind):
    """Nothing else ends it: a thread that went on would hold up the process."""
    child = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(CHILD), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    try:
        assert child.stdout.readline() == "started\n", child.stderr.read()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=60)
    finally:
        child.kill()
        child.communicate()
    assert (out, err, child.returncode) == ("interrupted\n", "", 0)


class Bar:
    """Stands in for tqdm's."""

    def __init__(self, total, **options):
        self.total, self.seen, self.closed = total, [], False
        self.options = options
        Bar.last = self

    def update(self, n=1):
        self.seen.append(n)

    def close(self):
        self.closed = True


@each_kind
@pytest.mark.parametrize("size", [1, 2 * CHUNK + 3])
def test_progress(compiled, size, monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    Bar.last = None
    x0, rows = problems(size)
    options = {"maxiter": 20, "compiled": compiled}
    plain = run(x0, rows, disp=False, **options)
    assert Bar.last is None
    identical(run(x0, rows, disp=True, **options), plain)
    assert Bar.last.total == size == sum(Bar.last.seen)
    assert Bar.last.closed
    assert len(Bar.last.seen) == (-(-size // CHUNK) if compiled else size)
    fun = fails if compiled else fails.py_func
    with pytest.raises(MineError):
        minimize_batch(fun, x0, (), np.ones(size, bool), options={"disp": True})
    assert Bar.last.closed
    assert sum(Bar.last.seen) == 0


@each_kind
def test_the_bar_itself(compiled, capsys):
    pytest.importorskip("tqdm")
    x0, rows = problems(CHUNK + 1)
    run(x0, rows, disp=True, maxiter=20, compiled=compiled)
    assert f"/{CHUNK + 1} [" in capsys.readouterr().err
    run(x0, rows, maxiter=20, compiled=compiled)
    assert capsys.readouterr() == ("", "")


# ---------------------------------------------------------------------------------------------
# What is compiled
# ---------------------------------------------------------------------------------------------


class Compilations(event.Listener):
    """The functions that Numba compiles, as (module, name)."""

    def __init__(self):
        self.seen = []

    def on_start(self, e):
        function = e.data["dispatcher"].py_func
        self.seen.append((function.__module__, function.__qualname__))

    def on_end(self, e):
        pass


def fresh(k):
    """Return a compiled function that nobody has seen before."""
    space = {"__name__": "fresh"}
    exec(f"def fun(x, grad, y):\n    grad[:] = 2 * x\n    return x[0] ** 2 + y[0] + {k}", space)
    return numba.njit(space["fun"])


def test_a_second_function_compiles_nothing_of_the_solver(monkeypatch):
    x0, y = np.ones((CHUNK + 2, 1)), np.ones((CHUNK + 2, 3))
    options = {"maxiter": 3, "lr": 0.1, "threads": 2}
    minimize_batch(fresh(0.0), x0, batch_args=(y,), jac="in-place", options=options)
    monkeypatch.setattr(many, "compile_kernel", None)  # nor loads it from disk
    monkeypatch.setattr(kernels, "compile_kernel", None)
    fun = fresh(1.0)
    with event.install_listener("numba:compile", Compilations()) as listener:
        result = minimize_batch(
            fun, 0 * x0, batch_args=(y,), jac="in-place", options={**options, "threads": 3}
        )
    assert (result.fun == 2.0).all()
    ours = [name for name in listener.seen if name[0].startswith("fastadam")]
    assert [module for module, _ in ours if module != "fastadam.solver.native"] == []
    assert ("fresh", "fun") in listener.seen
    wrappers = [name for _, name in ours if "in_place" in name]
    assert len(wrappers) == 1  # and not one for each thread
    with event.install_listener("numba:compile", Compilations()) as listener:
        minimize_batch(fun, np.ones((3, 9)), (), np.ones((3, 7)), jac="in-place", options=options)
    assert listener.seen == []  # neither sizes nor values matter


def test_a_function_that_is_declared_for_other_types():
    fun = numba.njit("float64(float64[::1], int64)")(lambda x, k: x[0] ** 2 + k)
    with pytest.raises(ValueError, match=r"fun cannot be compiled.*its signatures are"):
        minimize_batch(fun, np.ones((2, 1)), batch_args=(np.ones((2, 3)),))
    assert (minimize_batch(fun, np.ones((2, 1)), batch_args=(np.arange(2),)).status == 0).all()


# ---------------------------------------------------------------------------------------------
# Bad input
# ---------------------------------------------------------------------------------------------


def refused(words, kinds=(ValueError, TypeError), **arguments):
    """Require an error that says all the words, before any function is called."""

    def untouched(x, *args):
        raise AssertionError("called")

    given = {"fun": untouched, "x0": np.ones((3, 2)), "jac": untouched, **arguments}
    before = threading.active_count()
    with pytest.raises(kinds) as caught:
        minimize_batch(**given)
    for word in words:
        assert word in str(caught.value), caught.value
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("x0", "words"),
    [
        (np.ones(3), ["x0", "(problems, variables)", "(3,)"]),
        (np.ones((2, 2, 2)), ["x0", "(2, 2, 2)"]),
        (1.0, ["x0", "shape ()"]),
        (np.ones((0, 2)), ["x0", "(0, 2)"]),
        (np.ones((3, 0)), ["x0", "(3, 0)"]),
        ([], ["x0", "(0,)"]),
        (np.ones((3, 2), complex), ["x0", "real", "complex128"]),
        ([["a", "b"]], ["x0", "real", "<U1"]),
        ([[None, 1.0]], ["x0", "real", "object"]),
        (np.zeros((3, 2), "M8[D]"), ["x0", "real", "datetime64"]),
    ],
)
def test_bad_starts(x0, words):
    refused(words, x0=x0)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ((np.ones(2),), ["batch_args[0]", "3 problems", "(2,)"]),
        ((np.ones(3), np.ones((4, 3))), ["batch_args[1]", "3 problems", "(4, 3)"]),
        ((np.ones(3), 1.0), ["batch_args[1]", "3 problems", "shape ()"]),
        (5.0, ["batch_args[0]", "3 problems"]),
        (None, ["batch_args[0]", "3 problems"]),
        ((np.ones((1, 3)),), ["batch_args[0]", "(1, 3)"]),
        ("abc", ["batch_args[0]", "3 problems"]),
    ],
)
@each_kind
def test_bad_batch_args(rows, words, compiled):
    refused(words, ValueError, batch_args=rows)
    if compiled:
        refused(words, ValueError, batch_args=rows, fun=bowl, jac=None)


def test_batch_args_that_cannot_be_compiled():
    words = ["batch_args[1]", "compiled", ">f8"]
    rows = np.ones(3), np.ones(3, ">f8")
    refused(words, ValueError, fun=bowl, jac=None, batch_args=rows)
    rows = np.array([None, 1, {}])
    refused(["cannot be", "compiled"], ValueError, fun=of_scalar, jac=None, batch_args=rows)


def test_args_that_cannot_be_compiled():
    class Unknown:
        pass

    refused(["args[1] cannot be passed", "compiled"], fun=bowl, jac=None, args=(1.0, Unknown()))


def test_functions_that_cannot_be_compiled():
    refused(["fun cannot be compiled"], fun=bowl, jac=None, batch_args=(np.ones(3),))
    refused(["fun cannot be compiled"], fun=misfit, jac=None)
    words = ["jac cannot be compiled"]
    refused(words, fun=of_scalar, jac=misfit_der, batch_args=(np.ones(3),))
    bad = numba.njit(lambda x: "text")
    refused(["fun must return", "a real number"], ValueError, fun=bad, jac=None)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (np.zeros((2, 2, 2)), ["bounds", "(3, 2, 2)", "(2, 2, 2)"]),
        (np.zeros((3, 3, 2)), ["bounds", "(3, 2, 2)", "(3, 3, 2)"]),
        (np.zeros((3, 2, 3)), ["bounds", "(3, 2, 2)", "(3, 2, 3)"]),
        (np.zeros((1, 2, 2)), ["bounds", "(3, 2, 2)", "(1, 2, 2)"]),
        (Bounds(np.zeros((2, 2)), np.ones((2, 2))), ["bounds.lb", "(3, 2)", "(2, 2)"]),
        (Bounds(0.0, np.ones((3, 3))), ["bounds.", "(3, 2)", "(3, 3)"]),
        (Bounds([1.0, 1.0], [0.0, 2.0]), ["bounds[0]", "1.0", "0.0"]),
        ([(0, 1)], ["bounds", "2 variables", "1"]),
        ([(0, 1), 5], ["bounds", "(min, max)"]),
        (7, ["bounds", "(min, max)", "7"]),
        ([[("a", 1), (0, 1)]] * 3, ["bounds", "real"]),
        (np.zeros((3, 2, 2), complex), ["bounds", "real"]),
        (Bounds(np.zeros((3, 2), complex), 1.0), ["bounds.lb", "real"]),
    ],
)
def test_bad_bounds(bounds, words):
    refused(words, ValueError, bounds=bounds)


@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"return_all": True}, ValueError, ["return_all", "True"]),
        ({"polish": "L-BFGS-B"}, ValueError, ["polish", "L-BFGS-B"]),
        ({"threads": 0}, ValueError, ["threads", ">= 1", "0"]),
        ({"threads": -2}, ValueError, ["threads", "-2"]),
        ({"threads": 1.5}, TypeError, ["threads", "1.5"]),
        ({"threads": True}, TypeError, ["threads", "True"]),
        ({"threads": "2"}, TypeError, ["threads", "'2'"]),
        ({"lr": np.ones(2)}, ValueError, ["lr", "3 numbers", "(2,)"]),
        ({"lr": [0.1]}, ValueError, ["lr", "3 numbers", "(1,)"]),
        ({"lr": np.ones((3, 1))}, ValueError, ["lr", "3 numbers", "(3, 1)"]),
        ({"lr": np.ones((3, 2))}, ValueError, ["lr", "3 numbers", "(3, 2)"]),
        ({"lr": []}, ValueError, ["lr", "3 numbers", "(0,)"]),
        ({"lr": [0.1, -0.5, 0.1]}, ValueError, ["lr[1]", "-0.5"]),
        ({"lr": [0.1, 0.1, NAN]}, ValueError, ["lr[2]", "nan"]),
        ({"lr": [INF, 0.1, 0.1]}, ValueError, ["lr[0]", "inf"]),
        ({"lr": np.ones(3, complex)}, ValueError, ["lr", "complex128"]),
        ({"lr": np.ones(3, bool)}, ValueError, ["lr", "bool"]),
        ({"lr": ["a", "b", "c"]}, ValueError, ["lr", "3 numbers"]),
        ({"lr": -0.1}, ValueError, ["lr", "-0.1"]),
        ({"lr": "fast"}, ValueError, ["lr", "auto", "fast"]),
        ({"maxiter": -1}, ValueError, ["maxiter", "-1"]),
        ({"max_seconds": 0}, ValueError, ["max_seconds", "0"]),
        ({"betas": (0.9, 1.0)}, ValueError, ["betas[1]", "1.0"]),
        ({"disp": 2.5, "gtol": -1}, ValueError, ["gtol", "-1"]),
        ([("lr", 0.1)], TypeError, ["options", "dict"]),
        ("fast", TypeError, ["options", "dict", "fast"]),
    ],
)
def test_bad_options(options, kind, words):
    refused(words, kind, options=options)


def test_other_bad_arguments():
    refused(["method", "newton"], ValueError, method="newton")
    refused(["fun", "callable", "5"], TypeError, fun=5)
    refused(["jac", "4-point"], ValueError, jac="4-point")
    refused(["tol", "-1"], ValueError, tol=-1.0)
    steps = {"finite_diff_rel_step": [1e-3] * 3}
    refused(["finite_diff_rel_step", "2"], ValueError, jac=None, options=steps)
    refused(["finite_diff_rel_step", "2"], ValueError, jac=None, fun=bowl, options=steps)


def test_options_that_are_off_or_default():
    x0, rows = problems(3)
    expected = run(x0, rows, maxiter=20)
    off = {"return_all": False, "polish": None, "threads": None, "lr": None, "maxfev": None}
    identical(run(x0, rows, maxiter=20, **off), expected)


@each_kind
def test_unknown_options_warn_the_caller(compiled):
    x0, rows = problems(3)
    fun, jac = FORMS["in-place"][0 if compiled else 1]
    with pytest.warns(OptimizeWarning, match="Unknown solver options: eta") as caught:
        minimize_batch(fun, x0, (T,), rows, jac=jac, options={"eta": 1, "maxiter": 1})
    assert [each.filename for each in caught] == [__file__]
