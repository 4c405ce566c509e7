"""A search can be left after any evaluation, and goes on as if it had not been."""

import math
import os
import subprocess
import sys
import textwrap
import time

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam
from fastadam import minimize_batch
from fastadam._search.state import SCALARS
from tests.api.minimize.compiled import X0, rosen, rosen_der
from tests.rooms.search.ticking import SCHEMES, function, same_bits, tick, ticks

pytestmark = pytest.mark.fault(number=4)

each_scheme = pytest.mark.parametrize("scheme", SCHEMES)
each_kind = pytest.mark.parametrize("compiled", [True, False], ids=["compiled", "python"])
OPTIONS = ({"maxiter": 40}, {"lr": 0.01, "maxiter": 5}, {"lr": lambda t: 0.1 / t, "maxiter": 5})
#: One coordinate is fixed, and the start of another is at a bound.
BOUNDS = [(-2, 2), (1, 1), (0.5, 3)]


def run(scheme, compiled, callback=None, **options):
    return fastadam.minimize(
        function(scheme, compiled),
        X0,
        jac=scheme,
        bounds=BOUNDS,
        callback=callback,
        options=options,
    )


def test_a_halt_is_not_overwritten_by_the_next_row():
    """All words of a record but the last are copied when a search is set up."""
    assert SCALARS.names[-1] == "halt"


@each_kind
@each_scheme
def test_halts_change_nothing(scheme, compiled):
    for options in OPTIONS:
        seen, expected = [], []
        whole = run(scheme, compiled, expected.append, **options)
        with ticks():
            same_bits(run(scheme, compiled, **options), whole)
            same_bits(run(scheme, compiled, seen.append, **options), whole)
        np.testing.assert_array_equal(seen, expected)


@each_kind
def test_a_search_that_is_left_goes_on_in_the_next_call(compiled, tmp_path):
    """Each but the last has time for five evaluations."""
    for options in ({}, *OPTIONS[1:]):
        whole = run("3-point", compiled, **options)
        left = {**options, "checkpoint": tmp_path / "run", "max_seconds": 4.5}
        with ticks():
            for _ in range(math.ceil(whole.nfev / 5) - 1):
                result = run("3-point", compiled, **left)
                assert result.message == "Maximum time has been exceeded."
                assert os.listdir(tmp_path) == ["run"]
        left.pop("max_seconds")
        same_bits(run("3-point", compiled, **left), whole)
        assert os.listdir(tmp_path) == []


def check_gradient(jac, njev, is_whole, options):
    """Require a gradient, or NaN where that of the point was never finished.

    With ``lr="auto"`` the best point may be one whose value alone is known; plain Adam has none.
    """
    is_unknown = np.isnan(jac).all()
    assert is_unknown or np.isfinite(jac).all()
    if is_whole or "lr" in options:
        assert is_unknown == (njev == 0)
    assert is_unknown or njev > 0


@each_kind
@each_scheme
def test_time_is_over_after_any_evaluation(scheme, compiled):
    """Each takes a second: none begins when time is over, within a gradient neither."""
    start = rosen(X0)
    for options in OPTIONS[:2]:
        whole = run(scheme, compiled, **options)
        for seconds in range(1, 30):
            with ticks():
                result = run(scheme, compiled, max_seconds=seconds - 0.5, **options)
            assert result.nfev == min(seconds, whole.nfev)
            assert result.fun == rosen(result.x) <= start
            if result.nfev < whole.nfev:
                assert (result.status, result.message) == (1, "Maximum time has been exceeded.")
            check_gradient(result.jac, result.njev, result.nfev == whole.nfev, options)


@each_scheme
def test_time_of_a_batch_is_over_after_any_evaluation(scheme):
    x0, (lower, upper) = np.array([X0, X0]), np.transpose(BOUNDS)
    for options in OPTIONS[:2]:
        given = function(scheme, True), x0, (), (), "adam", scheme, Bounds(lower, upper), None
        whole = minimize_batch(*given, {"threads": 1, **options})
        for seconds in (1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 19, 23):
            with ticks(seconds - 0.5):
                result = minimize_batch(
                    *given, {"max_seconds": seconds - 0.5, "threads": 1, **options}
                )
            assert result.nfev.sum() == min(seconds, whole.nfev.sum())
            for k in np.flatnonzero(result.nfev):
                assert result.fun[k] == rosen(result.x[k]) <= rosen(X0)
                if result.nfev[k] == whole.nfev[k]:
                    assert result.fun[k] == whole.fun[k]
                else:
                    assert result.status[k] == 1
                is_whole = result.nfev[k] == whole.nfev[k]
                check_gradient(result.jac[k], result.njev[k], is_whole, options)


def of_many(x):
    tick()
    return np.array([rosen.py_func(each) for each in x])


def of_many_in_place(x, grad):
    grad[:] = [rosen_der.py_func(each) for each in x]
    return of_many(x)


@each_scheme
@pytest.mark.parametrize("vectorized", [True, False])
def test_time_of_functions_in_python_is_over_after_any_call(scheme, vectorized):
    """One call for all rows, or one row after the other."""
    x0, (lower, upper) = np.array([X0, X0]), np.transpose(BOUNDS)
    fun = function(scheme, False)
    if vectorized:
        fun = of_many_in_place if scheme == "in-place" else of_many
    for options in OPTIONS[:2]:
        options = {"vectorized": vectorized, **options}
        given = fun, x0, (), (), "adam", scheme, Bounds(lower, upper), None
        whole = minimize_batch(*given, options)
        calls = whole.nfev[0] if vectorized else whole.nfev.sum()
        for seconds in range(1, 30):
            with ticks():
                result = minimize_batch(*given, {"max_seconds": seconds - 0.5, **options})
            used = result.nfev[:1] if vectorized else result.nfev
            assert used.sum() == min(seconds, calls)
            for k in np.flatnonzero(result.nfev):
                assert result.fun[k] == rosen.py_func(result.x[k]) <= rosen(X0) * (1 + 1e-12)
                assert result.nfev[k] == whole.nfev[k] or result.status[k] == 1
                is_whole = result.nfev[k] == whole.nfev[k]
                check_gradient(result.jac[k], result.njev[k], is_whole, options)


@numba.njit
def slows_down(x, slow):
    """A slope that is quick at first."""
    if x[0] > slow:
        with numba.objmode():
            time.sleep(0.02)
    return -x[0]


@pytest.mark.parametrize("jac", ["2-point", pytest.param("3-point", marks=pytest.mark.slow)])
def test_a_function_that_gets_slow(jac):
    """It would take minutes, if the evaluations of a turn were chosen beforehand."""
    options = {"lr": 1.0, "method": "sgd", "maxiter": 10**5, "gtol": 0}
    method = options.pop("method")
    fun = slows_down
    fastadam.minimize(fun, [0.0], (np.inf,), method, jac, options={**options, "maxiter": 1})
    began = time.monotonic()
    result = fastadam.minimize(
        fun, [0.0], (6000.0,), method, jac, options={"max_seconds": 0.5, **options}
    )
    assert result.message == "Maximum time has been exceeded."
    assert result.nit > 6000
    slow = np.array([6000.0, np.inf, 6000.0, 6000.0])
    batch = minimize_batch(
        fun, np.zeros((4, 1)), (), slow, method, jac, options={"max_seconds": 0.5, **options}
    )
    assert batch.nit[0] > 6000
    assert batch.status[0] == 1
    assert time.monotonic() - began < 30


CHILD = """
import os, sys, threading, warnings
import numba
import fastadam

warnings.simplefilter("ignore", DeprecationWarning)  # fork, where there are threads

@numba.njit
def slope(x, grad):
    grad[:] = -1.0
    return -x[0]

def search():
    options = {"lr": 1e-9, "maxiter": 2 * 10**9, "max_seconds": 0.1}
    return fastadam.minimize(slope, [0.0], jac="in-place", options=options).status

def forks(x):
    if not children:
        children.append(os.fork())

assert search() == 1
for children in [os.fork()], []:
    if not children:  # in the middle of a search
        options = {"lr": 1e-9, "maxiter": 2 * 10**9, "max_seconds": 0.3}
        fastadam.minimize(slope, [0.0], jac="in-place", callback=forks, options=options)
    assert search() == 1
    if children == [0]:
        os._exit(0)
    assert os.waitpid(children[0], 0)[1] == 0
print(len([each for each in threading.enumerate() if "ticker" in each.name]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_the_clock_goes_on_in_a_forked_process():
    child = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(CHILD)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (child.stdout, child.stderr, child.returncode) == ("1\n", "", 0)
