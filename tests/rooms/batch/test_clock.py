"""The clock of a batch, from within."""

from types import SimpleNamespace

import numba
import numpy as np
import pytest

import fastadam
from fastadam import minimize_batch
from fastadam._batch import threads as compiled
from fastadam._search import deadline
from tests.api.batch.batches import problems, run
from tests.rooms.search.ticking import tick, ticks


@numba.njit
def rough(x, kind):
    """Where the default search changes its step: flat, with holes, or neither."""
    if kind == 0:
        return 1.0
    value = (x[0] - 0.5) ** 2 + (x[1] - x[0]) ** 2
    return np.nan if kind == 1 and x[0] > 1.01 else value


@numba.njit
def rough_ticking(x, kind):
    with numba.objmode():
        tick()
    return rough(x, kind)


@pytest.mark.fault(number=4)
@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_wherever_time_runs_out_the_best_point_is_kept(kind, jac):
    """The end after any evaluation, of a row or of its last gradient."""
    x0, kinds = np.full((2, 2), 1.0), np.full(2, kind)
    first = fastadam.minimize(rough, x0[0], (kind,), jac=jac)
    for seconds in (*range(1, 40), *range(first.nfev - 6, first.nfev + 3)):
        with ticks(seconds - 0.5):
            options = {"threads": 1, "max_seconds": seconds - 0.5}
            result = minimize_batch(rough_ticking, x0, (), kinds, jac=jac, options=options)
        assert result.nfev.sum() == seconds
        assert result.fun[0] == rough(result.x[0], kind) <= rough(x0[0], kind)
        assert result.status[0] in (first.status, 1)
        assert result.nit[0] <= first.nit


def test_the_clock_starts_when_all_is_compiled(monkeypatch):
    """As for `minimize`: a first call would solve nothing."""
    clock = [0.0]
    compiling = compiled.CompiledObjective

    def slow(*given):
        clock[0] += 600.0
        return compiling(*given)

    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(compiled, "CompiledObjective", slow)
    x0, rows = problems(3)
    assert run(x0, rows, max_seconds=300.0).success.all()
