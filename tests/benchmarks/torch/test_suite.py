"""The `torch` suite, on small models; and without PyTorch."""

import sys

import pytest

from benchmarks.harness.report import Options
from benchmarks.torch import suite


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(suite, "CASES", {"a small model": ([30, 7, 1], 1.0)})


def test_the_residual_network_has_as_many_parameters_as_is_said():
    sizes = suite.residual_sizes()
    assert (len(sizes), round(sum(sizes) / 1e6, 1)) == (162, 11.0)


def test_every_contender_is_right(small, hasty):
    pytest.importorskip("torch")
    result = suite.run(Options(quick=True))
    assert [row.contender for row in result.rows] == list(suite.CONTENDERS)
    assert {row.status for row in result.rows} == {"ok"}
    (verdict,) = result.verdicts
    assert verdict.measured is not None


def test_without_torch_all_are_left_out(small, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("fastadam.torch")]:
        monkeypatch.delitem(sys.modules, name)
    result = suite.run(Options(quick=True))
    assert result.rows == []
    assert len(result.notes) == len(suite.CONTENDERS)
    assert all("left out: " in note for note in result.notes)
    (verdict,) = result.verdicts
    assert verdict.reached is None
    assert verdict.note.startswith("fastadam.torch is not installed")
