"""Decay fits in the `cuda` suite: wrong ones fail, and a slow CPU gets fewer."""

import numpy as np
import pytest

from benchmarks.report import OK, WRONG, Options
from benchmarks.suites import cuda_fits
from tests.benchmarks.cuda_stand_in import StandIn, make_small, solve_on_host

QUICK = Options(quick=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def gpu():
    return StandIn()


def worse(result):
    result.x[:, 0] *= 1.02


def beyond(result):
    result.x[17, 2] = -1e-9  # a row that is not in the sample


def lost(result):
    result.x[5] = np.nan


@pytest.mark.parametrize(
    ("spoil", "error"),
    [(worse, "end higher"), (beyond, "1 parameters break"), (lost, "3 parameters break")],
)
def test_wrong_fits_fail(spoil, error, monkeypatch, gpu):
    def solve(starts, y, device="cpu", **more):
        result = solve_on_host(starts, y, device, **more)
        if device == "cuda" and len(starts) > 1:
            spoil(result)
        return result

    monkeypatch.setattr(cuda_fits, "solve", solve)
    result = cuda_fits.fits(gpu, QUICK)
    (wrong,) = (row for row in result.rows if row.status == WRONG)
    assert wrong.contender == cuda_fits.OURS
    assert error in wrong.details["error"]
    (verdict,) = result.verdicts
    assert verdict.reached is False


def test_a_slow_cpu_gets_a_part_of_the_curves(monkeypatch, gpu):
    monkeypatch.setattr(cuda_fits, "choose_stride", lambda solve, total: 3)
    result = cuda_fits.fits(gpu, QUICK)
    ours, cpu = result.rows
    assert (ours.status, cpu.status) == (OK, OK)
    total = ours.details["fits"]
    assert cpu.details["fits"] == len(range(0, total, 3))
    assert "from these to all" in result.verdicts[0].note


def test_the_part_follows_from_the_time_that_some_take(monkeypatch):
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(cuda_fits, "perf_counter", lambda: next(clock))
    solved = []
    stride = cuda_fits.choose_stride(solved.append, 1_000)
    assert solved == [1_000 // cuda_fits.TRIAL]
    assert stride == np.ceil(2.0 * cuda_fits.TRIAL / cuda_fits.CPU_SECONDS)


def test_the_misfit_is_the_examples_and_keeps_the_precision():
    rng = np.random.default_rng(0)
    p, y = np.array([1.2, 0.8, 0.1]), rng.normal(size=24)
    ours, theirs = np.empty(3), np.empty(3)
    times = cuda_fits.TIMES
    value = cuda_fits.misfit(p, ours, times, y)
    assert value == pytest.approx(cuda_fits.fit_pixels.misfit(p, theirs, times, y), rel=1e-14)
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    narrow = [array.astype(np.float32) for array in (p, ours, times, y)]
    cuda_fits.misfit(*narrow)
    (signature,) = (s for s in cuda_fits.misfit.nopython_signatures if "float32" in str(s.args))
    assert str(signature.return_type) == "float32"
