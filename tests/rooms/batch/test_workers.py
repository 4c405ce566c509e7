"""Who solves the chunks of a batch, from within."""

import importlib
import multiprocessing
import os
import signal
from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._batch.problems import solve_python
from fastadam._batch.rounds import split_rounds
from fastadam._batch.threads import default_threads
from fastadam._batch.workers import chunks, pools, processes
from fastadam._numba import gpu
from tests.api.batch.batches import T, identical, problems
from tests.api.batch.test_processes import posix
from tests.api.batch.test_workers_clock import call, not_begun
from tests.api.batch.workers import solve
from tests.api.minimize.helpers import MineError
from tests.gpu.batches import assert_same, make, misfit_in_place


def test_each_worker_uses_one_thread(monkeypatch):
    """Unless there is another number, or `workers` is None."""
    module = importlib.import_module("fastadam._batch.solving")
    seen = []

    def by_workers(problems, results, solve, workers, marks, device):
        seen.append(solve.keywords["threads"])

    monkeypatch.setattr(module, "solve_by_workers", by_workers)
    x0, rows = problems(3)
    for options in ({}, {"threads": 3}):
        for workers in (2, 1, map):
            solve(x0, rows, workers, **options)
    solve(x0, rows, None)
    assert seen == [1, 1, 1, 3, 3, 3, default_threads()]


def test_one_worker_is_this_process(monkeypatch):
    monkeypatch.setattr(pools, "solve_in_processes", None)
    x0, rows = problems(5)
    identical(solve(x0, rows, 1, maxiter=9), solve(x0, rows, maxiter=9))


@pytest.mark.parametrize(
    ("workers", "size", "processes", "chunks"),
    [(2, 5, 2, 5), (2, 1, 1, 1), (3, 1000, 3, 48), (np.int64(2), 1000, 2, 32), (-1, 1000, 5, 80)],
)
def test_the_number_of_processes_and_chunks(workers, size, processes, chunks, monkeypatch):
    seen = []

    def solve_in_processes(solver, given, number):
        for each in given:
            seen.append((number, len(each)))
            yield from map(solver, each)

    monkeypatch.setattr(pools, "solve_in_processes", solve_in_processes)
    monkeypatch.setattr(pools, "count_cores", lambda: 5)
    x0, rows = problems(size)
    solve(x0, rows, workers, maxiter=1)
    assert seen == [(processes, chunks)]


def test_our_processes_take_gpus_in_turn(monkeypatch):
    """And there are few chunks. What a callable calls takes the GPU that is current there."""
    taken, sizes = [], []

    def solve_in_processes(solver, rounds, number):
        for k, chunk in enumerate(next(rounds)):
            solver.number = k % number
            yield solver(chunk)

    def mapped(function, given):
        sizes.append(len(given))
        return map(function, given)

    def solved(workers, device="cuda"):
        batch, solutions, _ = make(misfit_in_place, *problems(40), (T,), "in-place", maxiter=9)
        rounds = split_rounds(batch, solutions, None)
        pools.solve_by_workers(batch, rounds, solve_python, workers, None, device)
        return solutions

    two = SimpleNamespace(gpus=range(2), select_device=taken.append)
    monkeypatch.setattr(gpu, "load_cuda", lambda: two)
    monkeypatch.setattr(pools, "solve_in_processes", solve_in_processes)
    expected = solved(None, "cpu")
    assert_same(solved(3), expected)
    assert taken == [0, 1, 0] * 2
    assert_same(solved(mapped), expected)
    assert len(taken) == 6
    assert sizes == [16]


def test_the_clock_starts_when_a_process_is_ready(monkeypatch):
    """And stops for what is handed out when it has run out."""
    clock = [0.0]

    @contextmanager
    def slowly():
        clock[0] += 60.0
        yield

    monkeypatch.setattr(processes, "_ctrl_c_later", slowly)
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    slow = np.zeros(10, bool)
    identical(call(slow, 2, max_seconds=30.0), call(slow, None))


def test_no_chunk_is_handed_out_when_time_is_up(monkeypatch):
    ticks = iter(range(1000))
    monkeypatch.setattr(processes, "time", SimpleNamespace(monotonic=lambda: 10.0 * next(ticks)))
    result = call(np.zeros(10, bool), 2, max_seconds=35.0)
    assert result.success[:3].all()
    assert not_begun(result, slice(3, None))


def test_a_map_hands_out_what_is_left_by_the_common_clock(monkeypatch):
    now, given = [1000.0], []
    run = chunks.ChunkSolver.run

    def recording(self, chunk, seconds):
        given.append(seconds)
        return run(self, chunk, seconds)

    def slowly(function, parts):
        # A worker's clock may also be behind.
        for part, now[0] in zip(parts, [900.0, 1010.0, 1020.0, 1030.0, 1040.0], strict=True):
            yield function(part)

    monkeypatch.setattr(chunks.ChunkSolver, "run", recording)
    monkeypatch.setattr(chunks, "time", SimpleNamespace(time=lambda: now[0]))
    result = call(np.zeros(5, bool), slowly, max_seconds=25.0)
    assert given == [25.0, 15.0, 5.0, -5.0, -15.0]
    assert result.success[:3].all()
    assert not_begun(result, slice(3, None))


@posix
def test_a_worker_that_does_not_want_to_end(monkeypatch):
    monkeypatch.setattr(processes, "_GRACE", 0.1)

    def fun(x, parent):
        if os.getpid() != parent:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise MineError(signal.getsignal(signal.SIGTERM) == signal.SIG_IGN)

    before = multiprocessing.active_children()
    with pytest.raises(MineError) as caught:
        minimize_batch(fun, np.ones((5, 1)), (os.getpid(),), workers=2)
    assert caught.value.args == (True,)
    assert multiprocessing.active_children() == before
