"""Threads change nothing of a batch but the time that it takes."""

import os
import subprocess
import sys
import threading
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._batch import threads as compiled
from fastadam._search import schedule as rates
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


@pytest.mark.fault(number=32)
def test_a_search_in_pieces(monkeypatch):
    """It comes back to Python for each step size, which changes nothing."""
    x0, rows = problems(CHUNK + 2)

    def lr(t):
        asked.append(t)
        return 0.1 / t**0.5

    for form in ("in-place", "2-point", "cs"):
        asked = []
        whole = run(x0, rows, form, lr=lr, maxiter=300, gtol=0)
        monkeypatch.setattr(rates, "_AHEAD", -1.0)
        for threads in (1, 3):
            asked = []
            identical(run(x0, rows, form, lr=lr, maxiter=300, gtol=0, threads=threads), whole)
            assert asked == list(range(1, 301))
        monkeypatch.undo()


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
    solve = compiled._Solver.solve

    def recording(self, turn):
        if turn.start == 0:
            assert late.wait(60)  # the first row is as slow as all the others together
        taken.append((threading.get_ident(), turn))
        if turn.stop == len(x0):
            late.set()
        solve(self, turn)

    monkeypatch.setattr(compiled._Solver, "solve", recording)
    assert run(x0, rows, threads=2).success.all()
    assert sorted(k for _, turn in taken for k in turn) == list(range(len(x0)))
    assert len({thread for thread, turn in taken if turn.start > 0}) == 1


def test_a_turn_is_short(monkeypatch):
    """Of rows that take long it is one row, of others some, and in the end one again."""
    x0, rows = problems(200)
    run(x0[:2], (rows[0][:2], rows[1][:2]), threads=1)  # compiled
    for seconds, longest in ((0.0, 1), (1e3, 50)):
        turns = []
        monkeypatch.setattr(compiled, "_TURN", seconds)
        solve = compiled._Solver.solve

        def recording(self, turn):
            turns.append(len(turn))  # noqa: B023
            solve(self, turn)  # noqa: B023

        monkeypatch.setattr(compiled._Solver, "solve", recording)
        run(x0, rows, threads=1)
        monkeypatch.undo()
        assert sum(turns) == 200
        assert max(turns) == longest
        assert turns[0] == turns[-1] == 1


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


@pytest.mark.fault(number=6)
def test_functions_with_threads_of_their_own_get_one(monkeypatch):
    space = {"__name__": "parallel"}
    exec(PARALLEL, space)
    numbers = []

    def recording(threads):
        numbers.append(threads)
        return ThreadPoolExecutor(threads)

    monkeypatch.setattr(compiled, "ThreadPoolExecutor", recording)
    y = np.random.default_rng(0).normal(size=(8, 30))
    options = {"threads": 4, "lr": 0.01, "maxiter": 100}
    for kind in ("called", "given", "a-value", "not-at-all"):
        fun, args, jac = space["KINDS"][kind]
        result = minimize_batch(fun, np.zeros((8, 1)), args, y, "sgd", jac, options=options)
        np.testing.assert_allclose(result.x[:, 0], y.mean(axis=1), atol=1e-3)
        assert numbers.pop() == (4 if kind == "not-at-all" else 1), kind


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


@pytest.mark.fault(number=11)
def test_numba_sets_the_default_number_of_threads(monkeypatch):
    x0, rows = problems(3 * CHUNK)
    numbers, pool = [], compiled.ThreadPoolExecutor

    def recording(number):
        numbers.append(number)
        return pool(number)

    monkeypatch.setattr(compiled, "ThreadPoolExecutor", recording)
    before = numba.get_num_threads()
    expected = run(x0, rows, maxiter=5, threads=1)
    try:
        for cores, number in ((1000, 1), (1000, before), (1, before)):
            monkeypatch.setattr(compiled, "cores", lambda: cores)  # noqa: B023
            numba.set_num_threads(number)
            identical(run(x0, rows, maxiter=5), expected)
    finally:
        numba.set_num_threads(before)
    assert numbers == [1, 1, before, 1]


@pytest.mark.fault(number=11)
def test_numba_threads_are_not_started_to_ask_for_their_number():
    """A process that forks later can do without."""
    code = """if True:
        import numba
        from numba.np.ufunc import parallel
        from fastadam._batch import threads as compiled

        compiled.cores = lambda: 1000
        print(compiled.default_threads(), parallel._is_initialized)
        numba.set_num_threads(2)
        print(compiled.default_threads(), parallel._is_initialized)
    """
    out = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={**os.environ, "NUMBA_NUM_THREADS": "3"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert out == "3 False\n2 True\n"
