"""The `sparse` suite finds wrong results, and judges right ones."""

import numpy as np
import pytest

from benchmarks.harness.report import WRONG
from benchmarks.harness.timing import Effort
from benchmarks.sparse import suite
from benchmarks.sparse.contenders import CONTENDERS, Batch, Contender, fastadam_rows

SHAPE = (300, 4)
PEER = "torch SparseAdam"


def refuse(table):
    raise ImportError("No module named 'torch'")


def with_a_row_more(rows, grads):
    return Batch(np.append(rows, 0), np.append(grads, grads[:1], axis=0))


def without_sums(rows, grads):
    rows, first = np.unique(rows, return_index=True)
    return Batch(rows, np.ascontiguousarray(grads[first]))


def make_faulty(table, change):
    right = fastadam_rows(table)
    return Contender(table, lambda batch: right.step(change(*batch)))


@pytest.mark.parametrize("change", [with_a_row_more, without_sums])
def test_wrong_results_are_found(change):
    rng = np.random.default_rng(0)
    start = rng.standard_normal(SHAPE, dtype=np.float32)
    makers = {name: make for name, make in CONTENDERS.items() if name != PEER}
    contenders = {name: make(start.copy()) for name, make in makers.items()}
    contenders["faulty"] = make_faulty(start.copy(), change)
    batches = suite.draw_batches(rng, SHAPE, 60)
    for contender in contenders.values():
        call = contender.make_call(batches)
        for _ in range(len(batches) + 3):
            call()
    assert list(suite.find_wrong(contenders, start)) == ["faulty"]


@pytest.mark.slow
def test_everybody_is_right(monkeypatch):
    monkeypatch.setattr(suite, "COUNTS", (20, 200))
    monkeypatch.setitem(CONTENDERS, PEER, refuse)
    result = suite.rows_of_a_table(SHAPE, Effort(5, 1, 0.01))
    assert {row.status for row in result.rows} == {"ok"}
    assert {row.contender for row in result.rows} >= CONTENDERS.keys() - {PEER}
    assert result.notes == ["torch SparseAdam left out: No module named 'torch'"]
    assert [verdict.measured is not None for verdict in result.verdicts] == [True]


@pytest.mark.slow
def test_a_wrong_result_is_no_time(monkeypatch):
    monkeypatch.setitem(CONTENDERS, "fastadam", lambda table: make_faulty(table, with_a_row_more))
    result = suite.rows_of_a_table(SHAPE, Effort(5, 1, 0.01))
    assert {row.status for row in result.rows if row.contender == "fastadam"} == {WRONG}
    assert [verdict.reached for verdict in result.verdicts] == [False] * 3


@pytest.mark.slow
def test_torch_is_right():
    pytest.importorskip("torch")
    result = suite.rows_of_a_table(SHAPE, Effort(5, 1, 0.01))
    assert {row.status for row in result.rows} == {"ok"}
    assert len(result.verdicts) == 3
