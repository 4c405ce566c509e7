"""Many starts in the `cuda` suite: a side that misses the lowest value is wrong."""

from benchmarks.cuda import multistarts as cuda_multistarts
from benchmarks.harness.report import OK, WRONG, Options
from tests.benchmarks.cuda.stand_in import StandIn, make_small, start_nowhere


def measure():
    (case,) = cuda_multistarts.cases(Options(quick=True))
    return case.measure(StandIn())


def test_a_higher_minimum_is_wrong(monkeypatch):
    make_small(monkeypatch)
    result = measure()
    assert [row.status for row in result.rows] == [OK, OK]
    assert result.verdicts[0].measured is not None

    def solve(starts, device="cpu"):
        result = start_nowhere(starts)
        if device == "cuda":
            result.fun += 1.0
        return result

    monkeypatch.setattr(cuda_multistarts, "solve", solve)
    result = measure()
    ours, cpu = sorted(result.rows, key=lambda row: "CPU" in row.contender)
    assert (ours.status, cpu.status) == (WRONG, OK)
    assert "the lowest value is 1" in ours.details["error"]
    assert result.verdicts[0].reached is False


def test_without_the_argument_it_is_left_out(monkeypatch):
    def solve(starts):
        raise AssertionError("the GPU is asked first")

    monkeypatch.setattr(cuda_multistarts, "solve", solve)
    (verdict,) = measure().verdicts
    assert (verdict.reached, verdict.measured) == (None, None)
    assert "unexpected keyword argument 'device'" in verdict.note
