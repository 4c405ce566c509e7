"""How rows are handed to threads, and how many there are."""

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._batch import threads as compiled
from fastadam._search import schedule as rates
from tests.api.batch.batches import CHUNK, identical, problems, run
from tests.api.batch.test_parallel import PARALLEL


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


@pytest.mark.slow
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
            monkeypatch.setattr(compiled, "count_cores", lambda: cores)  # noqa: B023
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

        compiled.count_cores = lambda: 1000
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
