"""Rows that are no problem, time that runs out, and what is refused, on a GPU."""

import itertools
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from fastadam._batch import cuda as gpu_batch
from fastadam._search import deadline
from fastadam._search.outcomes import CONVERGED, INFEASIBLE, NONFINITE, RAISED, TIMEOUT
from tests.api.batch.test_clock import Bar, stalls
from tests.gpu.batches import (
    FORMS,
    NFEV,
    NIT,
    NJEV,
    OUTCOME,
    T,
    assert_as_on_cpu,
    assert_same,
    make,
    misfit_in_place,
    on_gpu,
    problems,
)
from tests.rooms.batch.test_clock import rough

INF, NAN = np.inf, np.nan
# NumPy's scalars warn of what is not finite.
quietly = pytest.mark.filterwarnings("ignore:(invalid value|overflow):RuntimeWarning")


@quietly
@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", ["in-place", "3-point"])
def test_bad_rows_among_good_ones(form, lr):
    x0, (a, y) = problems(9)
    low, high = np.full((9, 2), -5.0), np.full((9, 2), 5.0)
    y[1, 3], x0[2, 1], x0[4, 0] = NAN, NAN, INF
    low[4], high[4] = -INF, INF
    low[5, 0], high[5, 0] = 1.0, 0.999
    low[7, 1] = high[7, 1] = INF
    a[8] = INF
    fun, jac = FORMS[form]
    options = {"lr": lr, "maxiter": 40, "jac": jac, "args": (T,)}
    batch = assert_as_on_cpu(fun, x0, (a, y), lower=low, upper=high, **options)
    ends = {1: NONFINITE, 2: NONFINITE, 4: NONFINITE, 5: INFEASIBLE, 7: INFEASIBLE, 8: NONFINITE}
    assert {k: batch.counts[k, OUTCOME] for k in ends} == ends
    good = [0, 3, 6]
    without = on_gpu(
        fun, x0[good], (a[good], y[good]), lower=low[good], upper=high[good], **options
    )
    assert_same(batch, without, good)


def test_max_seconds():
    """A row that does not end keeps its thread; the others do the rest."""
    size, at = 9, 3
    x0, slow = np.linspace(1, 2, size)[:, None], np.arange(size) == at
    options = {"lr": 0.3, "gtol": 0.1, "maxiter": 10**9, "jac": "in-place"}
    batch = on_gpu(stalls, x0, (slow,), max_seconds=2.0, **options)
    ends = batch.counts[:, OUTCOME]
    assert ends[at] == TIMEOUT
    assert (ends[~slow] == CONVERGED).all()
    # The best point so far.
    assert 0 < batch.counts[at, NIT] < 10**9
    assert batch.fun[at] == -batch.x[at, 0] < -x0[at, 0]
    assert batch.counts[at, NFEV] == batch.counts[at, NJEV] == batch.counts[at, NIT] + 1
    np.testing.assert_array_equal(batch.jac[at], -1.0)


def test_rows_that_are_not_begun(monkeypatch):
    """Time is over after the first launch, of four threads with a point each."""
    monkeypatch.setattr(gpu_batch, "INTERVAL", 0.0)
    monkeypatch.setattr(deadline.Deadline, "is_over", True)
    x0, rows = problems(7)
    batch = on_gpu(misfit_in_place, x0, rows, (T,), "in-place", maxiter=50)
    assert (batch.counts[:, OUTCOME] == TIMEOUT).all()
    begun = batch.counts[:, NFEV] > 0
    assert begun.sum() == 4
    assert np.isfinite(batch.fun[begun]).all()
    assert np.isnan(batch.fun[~begun]).all()
    assert np.isnan(batch.jac[~begun]).all()
    np.testing.assert_array_equal(batch.x, x0)


@quietly
@pytest.mark.parametrize("kind", [0, 1, 2])
@pytest.mark.parametrize("jac", ["2-point", "3-point"])
def test_wherever_time_runs_out_the_best_point_is_kept(kind, jac, monkeypatch):
    """One point at a time, and the end after any of them."""
    monkeypatch.setattr(gpu_batch, "INTERVAL", 0.0)
    x0, kinds = np.full((2, 2), 1.0), np.full(2, kind)
    whole = on_gpu(rough, x0, (kinds,), jac=jac, maxiter=200)
    for looks in range(0, 40, 3):
        calls = itertools.count()
        over = property(lambda self: next(calls) >= looks)  # noqa: B023
        monkeypatch.setattr(deadline.Deadline, "is_over", over)
        batch = on_gpu(rough, x0, (kinds,), jac=jac, maxiter=200)
        for k in range(2):
            assert batch.counts[k, NFEV] > 0
            assert batch.fun[k] == rough(batch.x[k], kind) <= rough(x0[k], kind)
            assert batch.counts[k, OUTCOME] in (whole.counts[k, OUTCOME], TIMEOUT)
            assert batch.counts[k, NIT] <= looks + 1


def test_the_clock_starts_when_all_is_compiled(monkeypatch):
    clock = [0.0]
    compile_kernel = gpu_batch.searches.search_kernel

    def slow(task):
        clock[0] += 60.0
        return compile_kernel(task)

    x0, rows = problems(2)
    batch = make(misfit_in_place, x0, rows, (T,), "in-place", max_seconds=1.0, gtol=0.5)
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(gpu_batch.searches, "search_kernel", slow)
    gpu_batch.solve_on_device(*batch)
    assert clock == [60.0]
    assert (batch.results.counts[:, OUTCOME] == CONVERGED).all()


def test_progress(monkeypatch):
    tqdm = pytest.importorskip("tqdm.auto")
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    Bar.last = None
    x0, rows = problems(7)
    given = misfit_in_place, x0, rows, (T,), "in-place"
    plain = on_gpu(*given, maxiter=20)
    assert Bar.last is None
    assert_same(on_gpu(*given, maxiter=20, disp=True), plain)
    assert Bar.last.total == sum(Bar.last.seen) == 7
    assert Bar.last.closed


def bowl(x, *args):
    return x[0] ** 2


@pytest.mark.parametrize(
    ("fun", "jac", "args", "problem"),
    [
        (partial(bowl), "2-point", (), "fun must be a function in Python, or one that Numba"),
        (bowl, abs, (), "jac must be a function in Python, .* got <built-in function abs>"),
        (bowl, "2-point", (1, "a"), r"args\[1\] must be a number, an array of numbers or a tuple"),
        (bowl, "2-point", ((1, [2.0]),), r"args\[0\]\[1\] must be a number, .* got \[2.0\]"),
        (bowl, "2-point", (np.array(["a"]),), r"args\[0\] must be a number"),
        (bowl, "2-point", (None,), r"args\[0\] must be .* got None"),
    ],
)
def test_what_is_refused(fun, jac, args, problem):
    batch = make(fun, np.ones((2, 1)), (), args, jac)
    with pytest.raises(TypeError, match=problem):
        gpu_batch.solve_on_device(*batch)
    np.testing.assert_array_equal(batch.results.x, 1.0)
    assert np.isnan(batch.results.fun).all()


def test_rows_of_no_numbers_are_refused():
    batch = make(bowl, np.ones((2, 1)), (np.array([None, None]),), (), "2-point")
    with pytest.raises(TypeError, match=r"batch_args\[0\] must be a number"):
        gpu_batch.solve_on_device(*batch)


def raises(x, fatal):
    if fatal and x[0] < 0.9:
        raise RuntimeError("in the middle")
    return x[0] ** 2


@pytest.mark.fault(number=12)
def test_a_row_that_raises():
    x0, fatal = np.ones((7, 1)), np.isin(np.arange(7), [0, 2, 6])
    given = {"jac": "2-point", "lr": 0.03, "maxiter": 20}
    batch = make(raises, x0, (fatal,), (), **given)
    with pytest.raises(RuntimeError, match="in the middle"):
        gpu_batch.solve_on_device(*batch)
    batch = on_gpu(raises, x0, (fatal,), (), on_error="nan", **given)
    assert (batch.counts[fatal, OUTCOME] == RAISED).all()
    assert np.isnan(batch.x[fatal]).all()
    assert_same(batch, on_gpu(raises, x0[~fatal], (fatal[~fatal],), (), **given), ~fatal)
