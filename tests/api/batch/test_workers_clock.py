"""`max_seconds` counts for all workers together."""

from contextlib import contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._batch.workers import chunks, processes
from tests.api.batch.batches import identical
from tests.api.batch.crews import sent
from tests.api.minimize.helpers import FOREVER


def stalls(x, grad, slow):
    """A bowl, or a slope without end."""
    grad[0] = -1.0 if slow else 2.0 * x[0]
    return -x[0] if slow else x[0] ** 2


def call(slow, workers, **options):
    given = {"lr": 0.05, "maxiter": FOREVER, **options}
    x0 = np.ones((len(slow), 1))
    return minimize_batch(stalls, x0, (), slow, jac="in-place", options=given, workers=workers)


def not_begun(result, rows):
    return (
        np.isnan(result.fun[rows]).all()
        and (result.nfev[rows] == 0).all()
        and (result.status[rows] == 1).all()
        and (result.x[rows] == 1.0).all()
    )


@pytest.mark.parametrize("workers", [2, map, sent], ids=["2", "map", "sent"])
def test_rows_that_were_not_finished_say_so(workers):
    """The first row of a chunk is endless. Two processes may both begin one, or one be late."""
    slow = np.array([False, True, True] + [False] * 7)
    call(slow[:1], None)  # leaves the kernels on disk, where they are sooner than compiled
    result = call(slow, workers, max_seconds=0.6)
    assert result.success[0]
    begun = result.nfev[1:3] > 0
    assert begun[0]
    assert begun[1] <= (workers == 2)
    for k in 1 + np.flatnonzero(begun):
        assert (result.status[k], result.success[k]) == (1, False)
        assert 0 < result.nit[k] < FOREVER
        assert result.fun[k] == -result.x[k, 0] < -1.0
    if workers == 2:  # the other one did the rest, or was late
        assert (result.success | (result.status == 1)).all()
    else:
        assert not_begun(result, slice(2, None))
        assert result.message == (
            "9 of 10: Maximum time has been exceeded. "
            "1 of 10: Optimization terminated successfully."
        )


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
