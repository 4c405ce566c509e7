"""`fastadam.minimize` of compiled functions: as in Python, and nothing is compiled needlessly."""

import json
import signal
import sys
import textwrap
import threading
import types
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numba.core import event
from scipy.optimize import Bounds

import fastadam
from fastadam import problems
from fastadam.solver import kernels, runs, watch
from fastadam.solver.search import MAXITER, RUNNING
from tests.processes import run_python
from tests.reference import Reference

X0 = np.array([-1.2, 1.0, 0.5])
FOREVER = 2 * 10**9  # iterations: minutes


@numba.njit
def rosen(x):
    total = 0.0 * x[0]
    for i in range(x.size - 1):
        u, v = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        total += 100.0 * u * u + v * v
    return total


@numba.njit
def rosen_der(x):
    grad = np.zeros(x.size)
    for i in range(x.size - 1):
        u, v = x[i + 1] - x[i] * x[i], 1.0 - x[i]
        grad[i] += -400.0 * u * x[i] - 2.0 * v
        grad[i + 1] += 200.0 * u
    return grad


@numba.njit
def rosen_pair(x):
    return rosen(x), rosen_der(x)


@numba.njit
def rosen_in_place(x, grad):
    grad[:] = rosen_der(x)
    return rosen(x)


def plain_pair(x):
    return rosen.py_func(x), rosen_der.py_func(x)


def plain_in_place(x, grad):
    grad[:] = rosen_der.py_func(x)
    return rosen.py_func(x)


# Each form of the gradient: the compiled functions, and the same in Python.
FORMS = {
    "callable": ((rosen, rosen_der), (rosen.py_func, rosen_der.py_func)),
    "true": ((rosen_pair, True), (plain_pair, True)),
    "in-place": ((rosen_in_place, "in-place"), (plain_in_place, "in-place")),
    "default": ((rosen, None), (rosen.py_func, None)),
    "2-point": ((rosen, "2-point"), (rosen.py_func, "2-point")),
    "3-point": ((rosen, "3-point"), (rosen.py_func, "3-point")),
    "cs": ((rosen, "cs"), (rosen.py_func, "cs")),
}
each_form = pytest.mark.parametrize("form", FORMS)

METHODS = {
    "adam": {},
    "adam-amsgrad": {"amsgrad": True},
    "adamw": {"weight_decay": 0.1},
    "nadam": {},
    "radam": {"betas": (0.8, 0.9)},
    "adamax": {},
    "rmsprop": {"alpha": 0.9},
    "sgd": {"weight_decay": 0.1},
    "momentum": {"nesterov": True},
}


def run(fun=rosen_in_place, jac="in-place", x0=X0, method="adam", **arguments):
    names = ("args", "bounds", "tol", "callback")
    own = {name: arguments.pop(name) for name in names if name in arguments}
    return fastadam.minimize(fun, x0, jac=jac, method=method, options=arguments, **own)


def both(form, **arguments):
    """Minimise the compiled functions, and the same in Python."""
    (fun, jac), (plain_fun, plain_jac) = FORMS[form]
    return run(fun, jac, **arguments), run(plain_fun, plain_jac, **arguments)


def agree(compiled, python, rtol=1e-9):
    """Require two results to be the same but for rounding."""
    assert set(compiled) == set(python)
    for name in ("nit", "nfev", "njev", "status", "success", "message"):
        assert compiled[name] == python[name], name
    for name in ("x", "fun", "jac", "allvecs"):
        if name in python:
            np.testing.assert_allclose(compiled[name], python[name], rtol=rtol, atol=1e-9)


# ---------------------------------------------------------------------------------------------
# The same as in Python
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("bounds", [None, Bounds([-2, 0.9, -np.inf], [-1.1, 1.1, 0.6])])
def test_every_method(method, bounds):
    lr = 1e-4 if method in ("sgd", "momentum") else 0.01
    name = method.partition("-")[0]
    options = {"lr": lr, "maxiter": 100, "return_all": True, **METHODS[method]}
    agree(*both("in-place", method=name, bounds=bounds, **options))


@pytest.mark.parametrize("name", ["Adam", "NAdam", "Adamax", "RMSprop"])
def test_the_iterates_follow_the_equations(name):
    result = run(method=name, lr=1e-3, maxiter=30, return_all=True)
    hyper = {"betas": (0.9, 0.999), "eps": 1e-8, "alpha": 0.99, "momentum_decay": 4e-3}
    reference = Reference(name, X0, lr=1e-3, **hyper)
    for x in result.allvecs:
        np.testing.assert_allclose(x, reference.p, rtol=1e-12)
        reference.step(rosen_der.py_func(reference.p))


def test_the_iterates_are_bit_for_bit_those_of_the_optimiser():
    result = run(lr=0.01, maxiter=50, return_all=True)
    p = X0.copy()
    optimizer = fastadam.Adam(p, lr=0.01)
    for x in result.allvecs:
        assert x.tobytes() == p.tobytes()
        optimizer.step(rosen_der(p))


@each_form
@pytest.mark.parametrize(
    "arguments",
    [
        {"maxiter": 300},
        {"maxiter": 100, "return_all": True, "bounds": [(-1.1, 2), (None, None), (0.5, 0.5)]},
        {"maxfev": 123},
        {"gtol": 5.0},
        {"ftol": 1e-2, "patience": 5},
        {"clip_norm": 1.0, "maxiter": 100, "weight_decay": 0.01},
        {"maxiter": 0},
    ],
    ids=repr,
)
def test_every_form_of_the_gradient(form, arguments):
    agree(*both(form, lr=0.01, **arguments))


@each_form
@pytest.mark.parametrize("bounds", [None, [(-3, 0.8), (None, None), (0.2, 3)]])
def test_the_default_step_size(form, bounds):
    compiled, python = both(form, x0=X0, bounds=bounds)
    assert compiled.success
    assert python.success
    # A last digit may prolong a leg, but both end at the minimum.
    np.testing.assert_allclose(compiled.x, python.x, atol=1e-2)
    np.testing.assert_allclose(compiled.fun, python.fun, atol=1e-5)
    assert compiled.fun == rosen(compiled.x)


@each_form
def test_a_short_default_search(form):
    agree(*both(form, maxiter=60, return_all=True), rtol=1e-6)


def test_a_long_search_and_one_in_pieces():
    """A callback brings it back to Python after each iteration, and changes nothing."""
    whole = run(lr=0.01, maxiter=2000)
    pieces = run(lr=0.01, maxiter=2000, callback=lambda x: None)
    assert whole.x.tobytes() == pieces.x.tobytes()
    agree(whole, pieces, rtol=0)


def test_the_default_in_pieces():
    whole, pieces = run(), run(callback=lambda x: None)
    assert whole.x.tobytes() == pieces.x.tobytes()
    assert (whole.nit, whole.nfev) == (pieces.nit, pieces.nfev)


def test_schedules():
    def lr(t):
        return 0.1 / (1 + t % 7)

    agree(*both("in-place", lr=lr, maxiter=3000), rtol=1e-6)
    agree(*both("callable", lr=lr, maxiter=50, return_all=True))
    seen = []
    run(lr=lambda t: seen.append(t) or 0.01, maxiter=500)
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 500


def test_a_mixed_pair_runs_in_python():
    expected = run(rosen, rosen_der, lr=0.01, maxiter=50)
    agree(run(rosen, rosen_der.py_func, lr=0.01, maxiter=50), expected)
    agree(run(rosen.py_func, rosen_der, lr=0.01, maxiter=50), expected)


def test_callbacks():
    points, results = [], []

    def modern(intermediate_result):
        results.append(intermediate_result)

    result = run(lr=0.01, maxiter=30, callback=points.append, return_all=True)
    run(lr=0.01, maxiter=30, callback=modern)
    np.testing.assert_array_equal(points, result.allvecs[1:])
    np.testing.assert_array_equal([each.x for each in results], points)
    assert [each.fun for each in results] == [rosen(x) for x in points]


def test_callbacks_that_stop_or_fail():
    def stop(x):
        raise StopIteration

    for form in FORMS:
        (fun, jac), _ = FORMS[form]
        result = run(fun, jac, callback=stop, lr=0.01)
        assert (result.status, result.nit) == (99, 1)
        assert result.fun == rosen(result.x)

    def fail(x):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run(callback=fail)


def test_x0_of_other_kinds_is_untouched():
    expected = run(x0=np.array([2.0, 1.0, 3.0]), lr=0.01, maxiter=20).x
    for x0 in ([2, 1, 3], np.array([2, 1, 3], np.float32), np.array([2.0, 0, 1, 0, 3])[::2]):
        before = np.array(x0)
        assert run(x0=x0, lr=0.01, maxiter=20).x.tobytes() == expected.tobytes()
        np.testing.assert_array_equal(x0, before)
    frozen = problems.rosenbrock(3)
    assert not frozen.x0.flags.writeable
    run(frozen.in_place, x0=frozen.x0, lr=0.01, maxiter=5)


@numba.njit
def vandal(x):
    value = rosen(x)
    x[:] = np.nan
    return value


@numba.njit
def vandal_der(x):
    grad = rosen_der(x)
    x[:] = np.nan
    return grad


@numba.njit
def vandal_in_place(x, grad):
    grad[:] = rosen_der(x)
    return vandal(x)


@pytest.mark.parametrize(
    ("form", "fun", "jac"),
    [
        ("callable", vandal, vandal_der),
        ("in-place", vandal_in_place, "in-place"),
        ("2-point", vandal, "2-point"),
        ("3-point", vandal, "3-point"),
        ("cs", vandal, "cs"),
    ],
)
def test_functions_may_overwrite_what_they_get(form, fun, jac):
    for options in ({"lr": 0.01, "maxiter": 30}, {"maxiter": 100}):
        agree(run(fun, jac, **options), run(*FORMS[form][0], **options), rtol=0)


@numba.njit
def as_tuple(x):
    return 2.0 * x[0], 2.0 * x[1], 2.0 * x[2]


@numba.njit
def as_single(x):
    return (2.0 * x).astype(np.float32)


@numba.njit
def as_slice(x):
    return np.repeat(2.0 * x, 2)[::2]


@numba.njit
def square(x):
    return x[0] ** 2 + x[1] ** 2 + x[2] ** 2


@numba.njit
def square_as_int(x):
    return int(square(x))


@pytest.mark.parametrize("jac", [as_tuple, as_single, as_slice])
def test_gradients_of_other_kinds(jac):
    agree(
        run(square, jac, lr=0.1, maxiter=30),
        run(square.py_func, jac.py_func, lr=0.1, maxiter=30),
    )


def test_values_of_other_kinds():
    result = run(square_as_int, as_tuple, x0=[9.0, 9, 9], lr=0.1, maxiter=3)
    assert type(result.fun) is float
    assert result.fun == square_as_int(result.x)


# ---------------------------------------------------------------------------------------------
# args
# ---------------------------------------------------------------------------------------------


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


def test_args_of_a_local_class():
    """It cannot be pickled, so what is compiled for it is not kept on disk."""
    Local = NamedTuple("Local", [("weights", np.ndarray), ("shift", float)])  # noqa: UP014
    args = (Local(np.array([1.0, 2.0, 3.0]), 0.5),)
    result = run(of_named, None, args=args, lr=0.01, maxiter=3)
    assert result.fun == of_named(result.x, *args)


@numba.njit
def weighted(x, w):
    return np.sum(w * (x - 1.0) ** 2)


@numba.njit
def weighted_der(x, w):
    return 2.0 * w * (x - 1.0)


@numba.njit
def weighted_pair(x, w):
    return weighted(x, w), weighted_der(x, w)


@numba.njit
def weighted_in_place(x, grad, w):
    grad[:] = weighted_der(x, w)
    return weighted(x, w)


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


# ---------------------------------------------------------------------------------------------
# Interrupted
# ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs a timer signal")
@pytest.mark.parametrize("form", ["in-place", "callable", "3-point"])
def test_ctrl_c_interrupts_a_compiled_loop(form):
    (fun, jac), _ = FORMS[form]
    x0 = X0.copy()
    run(fun, jac, lr=0.01, maxiter=2)  # Numba itself does not take an interruption well
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            # If nobody comes, it ends by itself, without the exception.
            run(fun, jac, x0=x0, lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=20)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(x0, X0)
    assert run(fun, jac, lr=0.01, maxiter=5).nit == 5  # all is well afterwards


def test_a_real_sigint():
    run(lr=0.01, maxiter=2)
    timer = threading.Timer(0.1, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        run(lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=20)
    timer.join()


@each_form
def test_max_seconds(form):
    (fun, jac), _ = FORMS[form]
    result = run(fun, jac, lr=1e-9, gtol=0, maxiter=FOREVER, max_seconds=0.05)
    assert (result.status, result.message) == (1, "Maximum time has been exceeded.")
    assert 0 < result.nit < FOREVER
    assert result.fun == rosen(result.x) <= rosen(X0)


@pytest.mark.parametrize("seconds", [1e-8, 1e-6, 1e-3, 0.5])
def test_a_compiled_loop_comes_back_often(seconds, monkeypatch):
    """By a clock that is told how long an iteration takes: some 50 times a second, not more."""
    clock, chunks = [0.0], []

    def loop(self, iterations):
        chunks.append(iterations)
        clock[0] += seconds * iterations
        return RUNNING if clock[0] < 100 * max(seconds, 0.02) else MAXITER

    monkeypatch.setattr(runs.CompiledRun, "run", loop)
    monkeypatch.setattr(watch, "time", types.SimpleNamespace(monotonic=lambda: clock[0]))
    run()
    assert max(chunks) <= max(1, 0.05 / seconds)
    assert chunks[-1] >= max(1, 0.01 / seconds)
    assert len(chunks) <= 200


def test_other_threads_run_meanwhile():
    seen = []
    run(lr=0.01, maxiter=2)
    timer = threading.Timer(0.05, seen.append, [True])
    timer.start()
    run(lr=1e-9, gtol=0, maxiter=FOREVER, callback=None, max_seconds=0.5)
    assert seen
    timer.join()


def test_searches_in_several_threads():
    starts = [X0 + 0.1 * k for k in range(8)]
    alone = [run(x0=x0, lr=0.01, maxiter=5000).x for x0 in starts]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda x0: run(x0=x0, lr=0.01, maxiter=5000).x, starts))
    np.testing.assert_array_equal(together, alone)


# ---------------------------------------------------------------------------------------------
# Exceptions
# ---------------------------------------------------------------------------------------------


class MineError(Exception):
    pass


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
    assert result.success
    assert result.fun == rosen(result.x) < rosen(X0)
    assert run(hole, rosen_der, x0=[0.0, 0, 0]).status == 3


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

    @property
    def of_the_solver(self):
        """Those of the package; the wrapper of a user's function is made anew for each."""
        ours = [each for each in self.seen if each[0].startswith("fastadam")]
        return [name for module, name in ours if module != "fastadam.solver.native"]


FRESH = {
    "callable": "def fun(x): return x[0] ** 2 + {k}\ndef jac(x): return 2 * x",
    "true": "def fun(x): return x[0] ** 2 + {k}, 2 * x\njac = True",
    "in-place": "def fun(x, grad):\n    grad[:] = 2 * x\n    return x[0] ** 2 + {k}\n"
    "jac = 'in-place'",
    "2-point": "def fun(x): return x[0] ** 2 + {k}\njac = '2-point'",
    "cs": "def fun(x): return x[0] ** 2 + {k}\njac = 'cs'",
}


def fresh(form, k):
    """Return a compiled function that nobody has seen before."""
    space = {"__name__": "fresh"}
    exec(FRESH[form].format(k=k), space)
    fun, jac = space["fun"], space["jac"]
    return numba.njit(fun), numba.njit(jac) if callable(jac) else jac


@pytest.mark.parametrize("form", FRESH)
def test_a_new_function_compiles_nothing_of_the_solver(form, monkeypatch):
    run(*fresh(form, 0.0), x0=[1.0], maxiter=3)
    monkeypatch.setattr(kernels, "compile_kernel", None)  # nor loads it from disk
    fun, jac = fresh(form, 1.0)
    with event.install_listener("numba:compile", Compilations()) as listener:
        assert run(fun, jac, x0=[0.0], maxiter=3).fun == 1.0
    assert listener.of_the_solver == []
    assert ("fresh", "fun") in listener.seen
    assert len(listener.seen) <= 3  # the user's one or two, and the wrapper
    with event.install_listener("numba:compile", Compilations()) as listener:
        assert run(fun, jac, x0=[0.0], maxiter=3).fun == 1.0
    assert listener.seen == []  # known by now


def test_new_values_of_args_compile_nothing():
    run(weighted_in_place, args=(np.ones(3),), maxiter=3)
    with event.install_listener("numba:compile", Compilations()) as listener:
        run(weighted_in_place, args=(np.zeros(3),), maxiter=3, lr=0.3, gtol=1.0)
        run(weighted_in_place, args=(np.zeros(7),), x0=np.ones(7), bounds=[(0, 1)] * 7, maxiter=3)
    assert listener.seen == []


CHILD = """
import json
from numba.core import event
compiled = []
class Listener(event.Listener):
    def on_start(self, e):
        function = e.data["dispatcher"].py_func
        compiled.append((function.__module__, function.__qualname__))
    def on_end(self, e): pass
event.register("numba:compile", Listener())
import numba, numpy as np, fastadam
@numba.njit
def fun(x, w):
    return w[0] * (x[0] - {shift}) ** 2
@numba.njit
def fun_without(x):
    return (x[0] - {shift}) ** 2
options = {{"lr": 0.1, "maxiter": 50}}
first = fastadam.minimize(fun, [0.0], args=(np.ones(2),), options=options)
second = fastadam.minimize(fun_without, [0.0], options=options)
ours = [name for module, name in compiled
        if module.startswith("fastadam") and module != "fastadam.solver.native" or name == "drive"]
print(json.dumps([ours, float(first.x[0]), float(second.x[0])]))
"""


def test_another_process_compiles_nothing_of_the_solver(tmp_path):
    """With another function, and the cache that the first one left."""
    results = []
    for shift in (1.0, 2.0):
        code = textwrap.dedent(CHILD).format(shift=shift)
        results.append(json.loads(run_python(code, NUMBA_CACHE_DIR=str(tmp_path))))
    (cold, *one), (warm, *two) = results
    assert any(name.startswith("run_adam") for name in cold)
    assert "drive" in cold
    assert warm == []
    assert one[0] == one[1] != two[0] == two[1]


def test_without_numbas_compiler():
    code = """
import numpy as np, numba, fastadam
@numba.njit
def fun(x):
    return (x[0] - 1) ** 2 + (x[1] - 2) ** 2
for jac in ("2-point", "3-point"):
    result = fastadam.minimize(fun, [0.0, 0.0], jac=jac)
    assert result.success, result
    assert np.abs(result.x - [1, 2]).max() < 1e-4, result
print("done")
"""
    assert run_python(code, NUMBA_DISABLE_JIT="1") == "done"
