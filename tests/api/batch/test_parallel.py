"""Threads change nothing of a batch but the time that it takes."""

import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from tests.api.batch.batches import CHUNK, identical, problems, run, same_alone
from tests.processes import run_python

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


PARALLEL = """
import numba
import numpy as np
from fastadam import minimize, minimize_batch
@numba.njit(parallel=True)
def spread(x, y):
    total = 0.0
    for i in numba.prange(y.size):
        total += (x[0] - y[i]) ** 2
    return total
@numba.njit
def serial(x, y):
    total = 0.0
    for i in range(y.size):
        total += (x[0] - y[i]) ** 2
    return total
@numba.njit
def calls(x, y):
    return spread(x, y)
@numba.njit
def calls_deeply(x, y):
    return calls(x, y)
@numba.njit
def slope(x, y):
    return np.full(1, (spread(x + 1, y) - spread(x - 1, y)) / 2)
@numba.njit
def given(x, function, y):
    return function(x, y)
@numba.njit
def given_some(x, functions, k, y):
    return functions[k](x, y)
@numba.njit
def given_pair(x, functions, y):
    return functions[1](x, y)
PAIR = serial, spread
@numba.njit
def knows_pair(x, y):
    return PAIR[1](x, y)
TYPES = "float64(float64[::1], float64[::1])"
VALUES = numba.njit(TYPES)(serial.py_func), numba.njit(TYPES, parallel=True)(spread.py_func)
KINDS = {
    "itself": (spread, (), None),
    "called": (calls, (), None),
    "called-deeply": (calls_deeply, (), None),
    "gradient": (serial, (), slope),
    "given": (given, (spread,), None),
    "given-in-a-tuple": (given_pair, ((serial, spread),), None),
    "known-in-a-tuple": (knows_pair, (), None),
    "a-value": (given_some, (VALUES, 1), None),
    "not-at-all": (serial, (), None),
}
"""

WORKQUEUE = """
y = np.random.default_rng(0).normal(size=(40, 30))
for kind, (fun, args, jac) in KINDS.items():
    options = {"threads": 4, "lr": 0.01, "maxiter": 100}
    result = minimize_batch(fun, np.zeros((40, 1)), args, y, "sgd", jac, options=options)
    assert abs(result.x[:, 0] - y.mean(axis=1)).max() < 1e-3, kind
assert numba.threading_layer() == "workqueue"
print("done")
"""


@pytest.mark.slow
@pytest.mark.fault(number=6)
def test_functions_with_threads_of_their_own_do_not_meet():
    """Numba's workqueue layer would end the process."""
    code = PARALLEL + WORKQUEUE
    assert run_python(code, NUMBA_THREADING_LAYER="workqueue", NUMBA_NUM_THREADS="2") == "done"


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
