"""Decay fits in the `cuda` suite: wrong ones fail, and a slow CPU gets fewer."""

import numpy as np
import pytest

from benchmarks.cuda import fits as cuda_fits
from benchmarks.harness.report import OK, WRONG, Options
from tests.benchmarks.cuda.stand_in import StandIn, make_small, solve_on_host

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
    wrong = {row.contender: row.details["error"] for row in result.rows if row.status == WRONG}
    assert wrong.keys() == {cuda_fits.OURS, cuda_fits.VALUES, cuda_fits.ADAM}
    assert all(error in found for found in wrong.values())
    (verdict,) = result.verdicts
    assert verdict.reached is False


def test_a_slow_cpu_gets_a_part_of_the_curves(monkeypatch, gpu):
    monkeypatch.setattr(cuda_fits, "choose_stride", lambda solve, total: 3)
    result = cuda_fits.fits(gpu, QUICK)
    ours, *_, cpu = result.rows
    assert {row.status for row in result.rows} == {OK}
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
