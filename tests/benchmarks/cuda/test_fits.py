"""Decay fits in the `cuda` suite: wrong ones fail, and a slow CPU gets fewer."""

import numpy as np
import pytest

from benchmarks.cuda import fits as cuda_fits
from benchmarks.harness.report import OK, WRONG, Options
from benchmarks.harness.timing import Record
from tests.benchmarks.cuda.stand_in import StandIn, make_small, solve_on_host

QUICK = Options(quick=True)
OURS = cuda_fits.OURS, cuda_fits.RESIDENT


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
    result = cuda_fits.cases(QUICK)[0].measure(gpu)
    wrong = {row.contender: row.details["error"] for row in result.rows if row.status == WRONG}
    assert wrong.keys() == {*OURS, cuda_fits.VALUES, cuda_fits.ADAM}
    assert all(error in found for found in wrong.values())
    assert [verdict.reached for verdict in result.verdicts] == [False] * 3


def test_a_slow_cpu_gets_a_part_of_the_curves(monkeypatch, gpu):
    monkeypatch.setattr(cuda_fits, "choose_stride", lambda solve, total: 3)
    result = cuda_fits.cases(QUICK)[0].measure(gpu)
    ours, *_, cpu = result.rows
    assert {row.status for row in result.rows} == {OK}
    total = ours.details["fits"]
    assert cpu.details["fits"] == len(range(0, total, 3))
    assert "from these to all" in result.verdicts[0].note


@pytest.fixture
def from_memory(monkeypatch, gpu):
    """Return what has something done with starts that are in the GPU's memory."""
    sent = []

    def send(array):
        sent.append(array.copy())
        return sent[-1]

    def do(act):
        def solve(starts, y, device="cpu", **more):
            result = solve_on_host(starts, y, device, **more)
            if any(starts is each for each in sent):
                act(starts, result)
            return result

        monkeypatch.setattr(gpu.arrays, "send", send)
        monkeypatch.setattr(cuda_fits, "solve", solve)

    return do


def test_starts_that_are_written_to_are_wrong(from_memory, gpu):
    from_memory(lambda starts, result: np.copyto(starts, result.x))
    result = cuda_fits.cases(QUICK)[0].measure(gpu)
    wrong = {row.contender: row.details["error"] for row in result.rows if row.status == WRONG}
    assert wrong == {cuda_fits.RESIDENT: "x0 was written to: later calls began elsewhere"}


def test_a_call_that_is_refused_is_left_out(from_memory, gpu):
    def refuse(starts, result):
        raise TypeError("x0 must be\nelsewhere")

    from_memory(refuse)
    result = cuda_fits.cases(QUICK)[0].measure(gpu)
    assert cuda_fits.RESIDENT not in {row.contender for row in result.rows}
    assert result.notes[0].endswith(f"{cuda_fits.RESIDENT} left out: x0 must be elsewhere")
    *_, host, resident = result.verdicts
    assert host.measured.median > 0.0
    assert resident.reached is None
    assert resident.note.startswith("x0 must be elsewhere")


def test_a_rate_is_in_millions_a_second():
    record = Record({0: [1e-7], 1: [2e-7], 2: [4e-7]})
    verdict = cuda_fits.rate_verdict("", 5.0, {"ours": record}, {}, "ours")
    assert (verdict.measured.median, verdict.reached) == (5.0, True)
    verdict = cuda_fits.rate_verdict("", 5.0, {"ours": record}, {"ours": "off"}, "ours")
    assert (verdict.measured, verdict.reached, verdict.note) == (None, False, "off")


def test_the_part_follows_from_the_time_that_some_take(monkeypatch):
    clock = iter([0.0, 2.0])
    monkeypatch.setattr(cuda_fits, "perf_counter", lambda: next(clock))
    solved = []
    stride = cuda_fits.choose_stride(solved.append, 1_000)
    assert solved == [1_000 // cuda_fits.TRIAL]
    assert stride == np.ceil(2.0 * cuda_fits.TRIAL / cuda_fits.CPU_SECONDS)
