"""How far a GPU is from the CPU: differences of every size are found."""

import numpy as np
import pytest

from benchmarks.cuda import agreement as cuda_agreement
from benchmarks.harness.report import Options
from fastadam._rules.table import RULES
from tests.benchmarks.cuda.stand_in import HostArrays, StandIn, make_small

QUICK = Options(quick=True)


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    make_small(monkeypatch)


def test_every_rule_is_compared():
    optimizers = (make(np.ones(1), **keywords) for make, keywords in cuda_agreement.RULES.values())
    assert {optimizer.param_groups[0].rule for optimizer in optimizers} == set(RULES)


class Inexact(HostArrays):
    """Arrays whose elements change by a part of themselves on the way back."""

    def __init__(self, change):
        self.change = change

    def fetch(self, array):
        return array * array.dtype.type(1.0 + self.change)


def judge(change):
    gpu = StandIn(Inexact(change))
    return [v for case in cuda_agreement.cases(QUICK) for v in case.measure(gpu).verdicts]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "reached"), [(0.0, [True, True]), (1e-9, [False, True]), (1e-5, [False, False])]
)
def test_differences_are_found(change, reached):
    verdicts = judge(change)
    assert [verdict.reached for verdict in verdicts] == reached
    float64 = verdicts[0]
    assert float64.measured.median == pytest.approx(change, rel=0.2)
    assert ("not bit-identical: Adam (" in float64.note) == (change > 0)


def test_what_is_not_finite_does_not_agree(monkeypatch):
    two = dict(list(cuda_agreement.RULES.items())[:2])
    monkeypatch.setattr(cuda_agreement, "RULES", two)
    for verdict in judge(np.nan):
        assert verdict.reached is False
        assert verdict.measured is None
        assert verdict.note.startswith("not finite: Adam, Adam, L2")


def test_state_counts_as_well():
    one, other = (cuda_agreement.fastadam.Adam(np.ones(3)) for _ in range(2))
    assert cuda_agreement.same_state(one, other)
    one.step(np.ones(3))
    other.step(np.full(3, 1.0 + 1e-15))
    assert not cuda_agreement.same_state(one, other)
