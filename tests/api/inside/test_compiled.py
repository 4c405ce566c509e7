"""Searches that compiled code calls: the bits of `minimize`, and nothing but the result."""

import gc
import weakref

import numba
import numpy as np
import pytest
from numba import njit, prange
from scipy.optimize import Bounds

import fastadam
from tests.api.minimize.compiled import FORMS, X0, rosen, rosen_in_place

BOX = [(-2.0, 0.8), (None, 0.5), (0.1, 3.0)]


def called(solve, x0, *args):
    """Have compiled code call a search."""

    @njit
    def call(x0, *args):
        return solve(x0, *args)

    return call(x0, *args)


def require_same(found, result):
    x, f, status, nit = found
    np.testing.assert_array_equal(x, result.x)
    np.testing.assert_array_equal(f, result.fun)
    assert (status, nit) == (result.status, result.nit)


def compare(fun, jac, x0=X0, **given):
    solve = fastadam.compiled(fun, jac, **given)
    require_same(called(solve, x0), fastadam.minimize(fun, x0, jac=jac, **given))


def test_the_same_bits():
    compare(rosen, None, bounds=BOX)


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"maxfev": 90},
        {"lr": 0.05, "maxiter": 77},
        {"lr": lambda step: 0.1 / step**0.5, "maxiter": 150},
    ],
    ids=["auto", "maxfev", "number", "schedule"],
)
def test_the_same_bits_in_every_form(form, options):
    fun, jac = FORMS[form][0]
    for bounds in (None, BOX, Bounds(-2.0, 0.5)):
        compare(fun, jac, bounds=bounds, options=options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("amsgrad", {"lr": 0.01, "maxiter": 300}),
        ("nadam", {"lr": 1e-3, "clip_norm": 1.0, "maxiter": 300}),
        ("sgd", {"lr": 1e-4, "momentum": 0.5, "maxiter": 300}),
        ("rmsprop", {"x_scale": [1.0, 2.0, 0.5]}),
        ("adam", {"maxiter": 0}),
        ("adam", {"lr": lambda step: 0.1, "maxiter": 0}),
    ],
)
def test_the_same_bits_by_other_rules(method, options):
    compare(rosen_in_place, "in-place", method=method, options=options)


@pytest.mark.slow
def test_the_same_bits_where_there_is_no_room_on_the_stack():
    for n in (50, 51, 200):
        compare(rosen_in_place, "in-place", np.linspace(-1.0, 1.0, n), options={"maxiter": 200})
    compare(rosen, "cs", np.linspace(-1.0, 1.0, 60), options={"maxiter": 30})


@pytest.mark.slow
def test_starts_that_are_not_finite_are_a_status():
    compare(rosen, None, np.array([np.nan, 1.0, 2.0]))


@njit
def distance(x, a, b=0.0):
    total = 0.0
    for i in range(x.size):
        total += (x[i] - a[0] - b) ** 2
    return total


@pytest.mark.slow
def test_starts_and_arguments():
    """Vectors of any layout and real dtype, tuples and numbers; defaults, tuples, functions."""
    solve = fastadam.compiled(distance)
    a = np.array([2.0])
    starts = [np.zeros(2), np.zeros(4)[::2], np.zeros(2, np.float32), np.zeros(2, np.int64)]
    for start in (*starts, (0, 0.0)):
        for x, *_ in (solve(start, a), called(solve, start, a)):
            np.testing.assert_allclose(x, [2.0, 2.0], atol=1e-6)
    np.testing.assert_allclose(called(solve, 0, a, 1.0)[0], [3.0], atol=1e-6)

    @njit
    def half(x):
        return 0.5 * x

    @njit
    def mixed(x, pair, values, function):
        return (function(x[0]) - pair[1][0] - values[0]) ** 2

    values, pair = numba.typed.List([1.0]), (7, np.ones(2))
    solve = fastadam.compiled(mixed)
    np.testing.assert_allclose(called(solve, 0.0, pair, values, half)[0], [4.0], atol=1e-6)
    assert list(values) == [1.0]


@pytest.mark.slow
def test_threads_find_what_a_batch_finds():
    solve = fastadam.compiled(distance, bounds=[(-5.0, 5.0)] * 3)

    @njit(parallel=True)
    def spread(starts, data):
        x, nit = np.empty(starts.shape), np.empty(len(starts), np.int64)
        for k in prange(len(starts)):
            found, _, _, nit[k] = solve(starts[k], data[k])
            for i in range(starts.shape[1]):
                x[k, i] = found[i]
        return x, nit

    rng = np.random.default_rng(0)
    starts, data = rng.normal(size=(500, 3)), rng.normal(size=(500, 1))
    result = fastadam.minimize_batch(distance, starts, (), (data,), bounds=[(-5.0, 5.0)] * 3)
    x, nit = spread(starts, data)
    np.testing.assert_array_equal(x, result.x)
    np.testing.assert_array_equal(nit, result.nit)


@pytest.mark.slow
def test_searches_in_searches():
    """The projection of a point on a curve, whose parameter is found for each point."""

    @njit
    def far(s, p):
        return (s[0] - p[0]) ** 2 + (s[0] ** 2 - p[1]) ** 2

    project = fastadam.compiled(far, options={"x_scale": 1.0})

    @njit
    def outer(p, target):
        _, f, _, _ = project(1.0, p)
        return f + (p[0] - target[0]) ** 2 + (p[1] - target[1]) ** 2

    solve = fastadam.compiled(outer)
    target = np.array([2.0, 1.0])
    p, f, status, nit = called(solve, (1.0, 1.0), target)
    # Half-way between the target and the parabola: its nearest point is where f' = 0.
    (s,) = (root.real for root in np.roots([2.0, 0.0, -1.0, -2.0]) if abs(root.imag) < 1e-9)
    nearest = np.array([s, s**2])
    np.testing.assert_allclose(p, (target + nearest) / 2.0, atol=1e-4)
    np.testing.assert_allclose(f, ((target - nearest) ** 2).sum() / 2.0, rtol=1e-6)
    require_same((p, f, status, nit), fastadam.minimize(outer, (1.0, 1.0), (target,)))


@pytest.mark.slow
def test_what_was_recompiled_is_seen_once_its_callers_are():
    space = {"k": 1.0}
    exec("def fun(x, a): return (x[0] - a) ** 2 + k", space)
    fun = njit(space["fun"])
    solve = fastadam.compiled(fun)
    assert solve(0.0, 2.0)[1] == pytest.approx(1.0)
    space["k"] = 5.0
    fun.recompile()
    assert solve(0.0, 2.0)[1] == pytest.approx(1.0)
    solve.recompile()
    assert solve(0.0, 2.0)[1] == pytest.approx(5.0)


@pytest.mark.slow
def test_code_lives_as_long_as_its_callers():
    space = {}
    exec("def fun(x, a): return (x[0] - a) ** 2\ndef call(a): return solve(0.0, a)", space)
    fun = njit(space.pop("fun"))
    space["solve"] = fastadam.compiled(fun)
    call = njit(space["call"])
    first, gone = call(1.5), weakref.ref(fun)
    del fun, space["solve"]
    gc.collect()
    for k in range(20):  # which would take its place
        exec(f"def fun(x, a): return (x[0] - {k}) ** 2", space)
        njit(space["fun"])(np.ones(1), 1.0)
    np.testing.assert_array_equal(call(1.5)[0], first[0])
    del call
    gc.collect()
    assert gone() is None
