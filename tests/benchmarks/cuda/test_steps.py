"""Steps in the `cuda` suite, over NumPy: wrong ones fail, and what does not fit is told."""

from functools import partial

import numpy as np
import pytest

from benchmarks.cuda import arrays as cuda_arrays
from benchmarks.cuda import compare as cuda_compare
from benchmarks.cuda import contenders as cuda_peers
from benchmarks.cuda import steps as cuda_steps
from benchmarks.cuda.compare import compare_on_device, largest
from benchmarks.cuda.contenders import COPIES, CUPY, DRIVER_COPY, KERNEL_COPY, ON_CUPY, OURS, TORCH
from benchmarks.harness.report import OK, WRONG, Options, format_rows
from tests.benchmarks.cuda.stand_in import HASTY, StandIn, make_small

QUICK = Options(quick=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


@pytest.fixture
def gpu():
    return StandIn()


def test_a_wrong_step_fails_its_verdicts(monkeypatch, gpu):
    make = cuda_peers.fastadam_step

    def with_another_rate(arrays, size, pattern):
        contender = make(arrays, size, pattern)
        contender.step.func.__self__.lr = 1.1e-3
        return contender

    monkeypatch.setattr(cuda_peers, "fastadam_step", with_another_rate)
    for result in (cuda_steps.large_steps(gpu, QUICK), cuda_steps.enqueued_steps(gpu, QUICK)):
        wrong = {row.contender: row for row in result.rows if row.status == WRONG}
        assert wrong.keys() == {OURS, ON_CUPY} & ({OURS} | {row.contender for row in result.rows})
        assert wrong[OURS].timing is None
        assert "after 4 steps" in wrong[OURS].details["error"]
        assert "after 4 steps" in format_rows(result.rows)
        assert not result.rows[0].ratios
    share = cuda_steps.large_steps(gpu, QUICK).verdicts[0]
    assert (share.reached, share.measured, share.note) == (False, None, f"{OURS} is WRONG")


def test_a_step_that_goes_wrong_while_it_is_timed_fails(monkeypatch, gpu):
    make = cuda_peers.fastadam_step

    def forgetful(arrays, size, pattern):
        contender = make(arrays, size, pattern)
        step, taken = contender.step, []

        def step_less():
            taken.append(None)
            if len(taken) <= 6:
                step()

        contender.step = step_less
        return contender

    monkeypatch.setattr(cuda_peers, "fastadam_step", forgetful)
    share, _ = cuda_steps.large_steps(gpu, QUICK).verdicts
    assert share.reached is False


def test_wrong_copies_give_no_share(gpu):
    gpu.arrays.assign = lambda to, source: (
        to[...].fill(0.0) if len(to) == 7_000 else np.copyto(to, source)
    )
    result = cuda_steps.large_steps(gpu, QUICK)
    assert {row.contender for row in result.rows if row.status == WRONG} == set(COPIES)
    share = result.verdicts[0]
    assert (share.reached, share.note) == (None, f"{KERNEL_COPY} is WRONG")


def test_the_share_is_that_of_the_faster_copy(gpu):
    comparison = compare_on_device(
        gpu, "", (OURS, *COPIES), 1_000, gpu.device_clock, HASTY, {"condition": ""}
    )
    for name, seconds in ((OURS, 5.0), (DRIVER_COPY, 4.0), (KERNEL_COPY, 4.5)):
        comparison.records[name].rounds = {0: [seconds]}
    verdict = cuda_steps.share_verdict(comparison, "")
    assert (verdict.measured.median, verdict.reached) == (0.8, False)
    assert verdict.note == f"faster: {DRIVER_COPY}"
    comparison.records[OURS].rounds = {0: [4.2]}
    assert cuda_steps.share_verdict(comparison, "").reached is True
    assert cuda_steps.bandwidths(comparison, 10**12).startswith("fastadam 6.67 TB/s, copy")


def test_what_does_not_fit_is_left_out_and_told():
    ours, copy, textbook = 16 * 2_000, 8 * 7_000, 36 * 2_000
    gpu = StandIn(free=int((ours + copy + textbook) / cuda_compare.SHARE) - 100)
    result = cuda_steps.large_steps(gpu, QUICK)
    assert {row.contender for row in result.rows} == {OURS, *COPIES}
    assert any(f"{CUPY} left out: needs 0.0 GB" in note for note in result.notes)
    gpu.free = (ours + copy) // 2
    result = cuda_steps.large_steps(gpu, QUICK)
    size = result.rows[0].details["parameters"]
    assert size == largest((OURS, *COPIES), gpu, 2_000) == 940
    assert all("2,000 do not fit into" in verdict.note for verdict in result.verdicts)
    gpu.free = 100
    (verdict,) = cuda_steps.large_steps(gpu, QUICK).verdicts
    assert verdict.reached is None
    assert "2,000 do not fit" in verdict.note


def test_torch_is_judged(monkeypatch, gpu, one_thread):
    module = pytest.importorskip("torch", reason="needs torch")
    on_host = partial(cuda_arrays.TorchArrays, "cpu")
    monkeypatch.setattr(cuda_peers, "TorchArrays", on_host)
    result = cuda_steps.large_steps(gpu, QUICK)
    (torch,) = (row for row in result.rows if row.contender == TORCH)
    assert torch.status == OK
    assert result.verdicts[1].measured.median == torch.ratios[OURS].median
    monkeypatch.setattr(module.cuda, "is_available", lambda: False)
    with pytest.raises(ImportError, match="cannot use this GPU"):
        cuda_arrays.TorchArrays()
