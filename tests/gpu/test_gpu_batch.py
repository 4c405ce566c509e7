"""Batches on a real GPU; skipped where there is none."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numba
import numpy as np
import pytest

from fastadam import minimize_batch
from fastadam._numba import private
from fastadam._search.outcomes import CONVERGED, INFEASIBLE, NONFINITE, RUNNING, STAGNATED, TIMEOUT
from tests.api.batch.batches import identical
from tests.api.batch.test_clock import stalls

from .batches import (
    FORMS,
    METHOD_OPTIONS,
    METHODS,
    NFEV,
    NIT,
    OUTCOME,
    T,
    assert_near_cpu,
    assert_same,
    decay,
    decays,
    make,
    misfit_in_place,
    on_cpu,
    on_gpu,
    problems,
)

pytestmark = [pytest.mark.gpu, pytest.mark.usefixtures("cuda")]

BOX = {"lower": [0.0, 0.05, 0.0], "upper": [4.0, 6.0, 1.0]}


@pytest.mark.parametrize("lr", ["auto", 0.05])
@pytest.mark.parametrize("form", FORMS)
def test_each_form_of_the_gradient(form, lr):
    x0, rows = problems(1000)
    fun, jac = FORMS[form]
    options = {"lr": lr, "maxiter": 25}
    assert_near_cpu(fun, x0, rows, (T,), jac, **options)


@pytest.mark.parametrize("method", METHODS)
def test_each_method(method):
    x0, rows = problems(1000)
    assert_near_cpu(misfit_in_place, x0, rows, (T,), "in-place", method, **METHOD_OPTIONS)


def test_decays_are_fitted_as_on_the_cpu():
    """To the end: a rounding may end a search an iteration earlier or later."""
    start, t, y, _ = decays(20_000)
    given = decay, start, (y,), (t,), "in-place"
    ours, theirs = on_gpu(*given, **BOX), on_cpu(*given, **BOX)
    np.testing.assert_allclose(ours.x, theirs.x, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.fun, theirs.fun, rtol=1e-6)
    assert (ours.counts[:, OUTCOME] == theirs.counts[:, OUTCOME]).mean() > 0.99
    difference = abs(ours.counts[:, NIT] - theirs.counts[:, NIT])
    assert np.median(difference) <= 1


@pytest.mark.parametrize("lr", ["auto", 0.02])
def test_float32_fits_as_well(lr):
    start, t, y, truth = decays(20_000, np.float32)
    given = decay, start, (y,), (t,), "in-place"
    ours = on_gpu(*given, dtype=np.float32, lr=lr, gtol=2e-4, **BOX)
    exact = on_cpu(*given, lr=lr, **BOX)
    error = np.median(abs(exact.x - truth))
    assert np.median(abs(ours.x - exact.x)) < 0.02 * error
    if lr == "auto":
        assert np.isin(ours.counts[:, OUTCOME], (CONVERGED, STAGNATED)).all()


def test_more_rows_than_threads_and_uneven_ones():
    """A hundredth takes long; the same rows alone, and in another order, end in the same bits."""
    size = 600_000
    rng = np.random.default_rng(0)
    x0, rows = rng.normal(size=(size, 2)), (rng.uniform(0.5, 2, size), rng.normal(size=(size, 5)))
    rates = np.where(np.arange(size) % 100 == 7, 1e-3, 0.1)
    given = {"args": (T,), "jac": "in-place", "gtol": 1e-2, "maxiter": 3000}
    whole = on_gpu(misfit_in_place, x0, rows, rates=rates, **given)
    assert (whole.counts[:, OUTCOME] != RUNNING).all()
    assert (whole.counts[:, OUTCOME] != TIMEOUT).all()
    some = rng.permutation(size)[:2000]
    part = on_gpu(misfit_in_place, x0[some], [r[some] for r in rows], rates=rates[some], **given)
    assert_same(whole, part, some)


def test_bad_rows_among_good_ones():
    x0, (a, y) = problems(1000)
    low, high = np.full((1000, 2), -5.0), np.full((1000, 2), 5.0)
    y[1, 3], x0[2, 1], low[5, 0], high[5, 0] = np.nan, np.nan, 1.0, 0.999
    batch = on_gpu(misfit_in_place, x0, (a, y), (T,), "in-place", lower=low, upper=high)
    assert batch.counts[[1, 2, 5], OUTCOME].tolist() == [NONFINITE, NONFINITE, INFEASIBLE]
    good = np.setdiff1d(np.arange(1000), [1, 2, 5])
    without = on_gpu(
        misfit_in_place, x0[good], (a[good], y[good]), (T,), "in-place",
        lower=low[good], upper=high[good],
    )  # fmt: skip
    assert_same(batch, without, good)


def test_arrays_on_the_gpu_are_used_where_they_are(cuda):
    x0, rows = problems(500)
    host = on_gpu(misfit_in_place, x0, rows, (T,), "in-place", maxiter=30)
    there = make(misfit_in_place, x0, (), (cuda.to_device(T),), "in-place", maxiter=30)
    from fastadam._batch.cuda import solve_on_device

    def solve(*row_args):
        problems = replace(there.problems, row_args=row_args)
        solve_on_device(problems, there.results, there.deadline)

    solve(*map(cuda.to_device, rows))
    assert_same(there.results, host)
    with pytest.raises(ValueError, match=r"batch_args\[1\] must be .*contiguous"):
        solve(cuda.to_device(rows[0]), cuda.to_device(np.ones((500, 10)))[:, ::2])


def test_max_seconds():
    size = 500
    x0, slow = np.linspace(1, 2, size)[:, None], np.arange(size) % 50 == 3
    options = {"lr": 0.05, "maxiter": 10**9, "jac": "in-place"}
    on_gpu(stalls, x0, (np.zeros(size, bool),), **options)  # compiles
    began = time.monotonic()
    batch = on_gpu(stalls, x0, (slow,), max_seconds=0.5, **options)
    assert 0.5 <= time.monotonic() - began < 60.0
    assert (batch.counts[slow, OUTCOME] == TIMEOUT).all()
    assert (batch.counts[~slow, OUTCOME] == CONVERGED).all()
    np.testing.assert_array_equal(batch.fun[slow], -batch.x[slow, 0])
    assert (batch.counts[slow, NFEV] == batch.counts[slow, NIT] + 1).all()


def raises(x, fatal):
    if fatal and x[0] < 0.9:
        raise RuntimeError("in the middle")
    return x[0] ** 2


def test_an_exception_ends_them_all():
    x0, fatal = np.ones((500, 1)), np.arange(500) == 321
    batch = make(raises, x0, (fatal,), (), "2-point")
    from fastadam._batch.cuda import solve_on_device

    with pytest.raises(RuntimeError, match="exception for problem 321"):
        solve_on_device(*batch)
    assert not np.isnan(on_gpu(raises, x0, (np.zeros(500, bool),), (), "2-point").fun).any()


CHILD = """
import threading, time
import numpy as np
from tests.gpu.batches import on_gpu

def slope(x, grad):
    grad[0] = 1.0
    return -x[0]

x0 = np.ones((64, 1))
given = {"jac": "in-place", "lr": 1e-9}
on_gpu(slope, x0, maxiter=2, **given)

def announce():
    time.sleep(0.5)
    print("started", flush=True)

threading.Thread(target=announce).start()
try:
    on_gpu(slope, x0, maxiter=2 * 10**9, **given)
except KeyboardInterrupt:
    assert (on_gpu(slope, x0, maxiter=5, **given).counts[:, 0] == 5).all()
    print("interrupted")
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals")
def test_ctrl_c():
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(CHILD)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    try:
        assert child.stdout.readline() == "started\n", child.stderr.read()
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=120)
    finally:
        child.kill()
        child.communicate()
    assert (out, child.returncode) == ("interrupted\n", 0), err


@pytest.mark.parametrize("workers", ["processes", "threads"])
def test_workers_take_gpus(workers, cuda):
    """All there are, or one if there is one: the results are those without workers to the bit."""
    size, count = 5000, max(2, len(cuda.gpus))
    x0, rows = problems(size)

    def solve(workers):
        return minimize_batch(
            misfit_in_place, x0, (T,), rows, jac="in-place", device="cuda", workers=workers
        )

    gpus, taken = itertools.cycle(range(len(cuda.gpus))), []

    def begin():
        cuda.select_device(next(gpus))
        taken.append(cuda.get_current_device().id)

    expected = solve(None)
    if workers == "processes":
        identical(solve(count), expected)
    else:
        with ThreadPoolExecutor(count, initializer=begin) as pool:
            identical(solve(pool.map), expected)
        assert set(taken) <= set(range(len(cuda.gpus)))
        assert cuda.get_current_device().id == 0


def test_kernels_come_from_disk(tmp_path, monkeypatch):
    """The next process's are simulated by forgetting those of this one."""
    from numba.cuda.cudadrv import nvvm

    from fastadam._cuda import searches

    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    start, t, y, _ = decays(1000, np.float32)
    given = decay, start, (y,), (t,), "in-place"
    searches._load_kernel.cache_clear()
    first = on_gpu(*given, dtype=np.float32, lr=0.02)
    (file,) = tmp_path.rglob("fastadam-search_adam_float32-*.kernel")

    def fails(irs, **options):
        raise AssertionError("compiled again")

    searches._load_kernel.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(nvvm, "compile_ir", fails)
        assert_same(on_gpu(*given, dtype=np.float32, lr=0.02), first)
    searches._load_kernel.cache_clear()
    file.write_bytes(file.read_bytes()[:-1])
    monkeypatch.setattr(private, "_warned", set())
    with pytest.warns(RuntimeWarning, match="is damaged"):
        assert_same(on_gpu(*given, dtype=np.float32, lr=0.02), first)
    searches._load_kernel.cache_clear()
