"""A contender with a wrong result must be found out, and the right ones must pass."""

import sys

import numpy as np
import pytest

from benchmarks.harness.adam import Contender
from benchmarks.harness.checks import SCALES, verify
from benchmarks.harness.compare import compare
from benchmarks.harness.report import OK, WRONG, format_rows, format_verdicts
from benchmarks.harness.timing import Effort
from benchmarks.step import contenders as peers
from benchmarks.step.contenders import CONTENDERS, numpy_in_place, select
from benchmarks.step.suite import start_and_gradient

EFFORT = Effort(5, 1, 0.0)
pytestmark = pytest.mark.usefixtures("hasty")
MANY = ("fastadam packed", "fastadam unpacked", "torch fused", "torch foreach", "torch for-loop")


def run(makers, sizes=(1_003,)):
    return compare("a case", makers, *start_and_gradient(sizes), EFFORT)


def planted(change):
    """Make an in-place NumPy Adam that ``change(params, taken)`` spoils after each step."""

    def make(params, grads):
        honest = numpy_in_place(params, grads)
        taken = 0

        def step():
            nonlocal taken
            honest.step()
            taken += 1
            change(params[0], taken)

        return Contender(step, params, grads)

    return make


def test_all_contenders_on_one_array_agree():
    names = [name for name in CONTENDERS if name not in MANY[:2]]
    comparison = run(select(*names))
    assert comparison.wrong == {}
    assert len(comparison.records) + len(comparison.notes) == len(names)


def test_all_contenders_on_many_arrays_agree():
    comparison = run(select(*MANY), [3, 1, 100, 17])
    assert comparison.wrong == {}
    assert len(comparison.records) + len(comparison.notes) == len(MANY)


def test_arrays_beyond_one_chunk_are_checked_to_the_end():
    def spoil_last(params, taken):
        params[-1] += 0.01

    assert run({"bad": planted(spoil_last)}, [150_000]).wrong.keys() == {"bad"}


def spoil_one_element(params, taken):
    params[500] += 1e-3 * (taken == 1)


def spoil_with_nan(params, taken):
    params[7] = np.nan


def spoil_late(params, taken):
    params += 0.05 * (taken == len(SCALES) + 3)


@pytest.mark.parametrize("change", [spoil_one_element, spoil_with_nan, spoil_late])
def test_wrong_result_is_reported_without_a_time(change):
    comparison = run({"good": numpy_in_place, "bad": planted(change)})
    assert comparison.wrong.keys() == {"bad"}
    result = comparison.result("good")
    rows = {row.contender: row for row in result.rows}
    assert (rows["good"].status, rows["bad"].status) == (OK, WRONG)
    assert rows["bad"].timing is None
    (line,) = (line for line in format_rows(result.rows).splitlines() if " bad " in line)
    assert "WRONG" in line
    assert "µs" not in line
    assert "ms" not in line


@pytest.mark.parametrize(
    ("name", "value"), [("BETA1", 0.91), ("BETA2", 0.99), ("LR", 1.01e-3), ("EPS", 1e-3)]
)
def test_wrong_hyper_parameter_is_found(name, value, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(peers, name, value)
        start, gradient = start_and_gradient([1_003])
        spoiled = numpy_in_place([start[0].copy()], [gradient[0].copy()])
        for scale in SCALES:
            np.multiply(gradient[0], np.float32(scale), out=spoiled.grads[0])
            spoiled.step()
    wrong = verify({"spoiled": spoiled}, start[0], gradient[0], {"spoiled": len(SCALES)})
    assert wrong.keys() == {"spoiled"}


def test_contender_that_skips_steps_is_found():
    start, gradient = start_and_gradient([100])
    contender = numpy_in_place([start[0].copy()], [gradient[0].copy()])
    contender.step()
    contender.step()
    assert verify({"a": contender}, start[0], gradient[0], {"a": 300}).keys() == {"a"}


@pytest.mark.parametrize("where", [0, -1])
def test_sampled_check_sees_both_ends(where):
    start = np.ones(10_000, np.float32)
    standing_still = Contender(lambda: None, [start.copy()], [], peers.Traffic)
    standing_still.params[0][where] += 1.0
    contenders, steps = {"a": standing_still}, {"a": 10}
    assert verify(contenders, start, 0 * start, steps, most_updates=1_000).keys() == {"a"}


@pytest.mark.parametrize("package", ["torch", "fastadam"])
def test_contender_that_cannot_be_imported_is_left_out_with_a_note(package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    comparison = run(select("fastadam", "torch fused", "NumPy in place"))
    missing = {"torch": "torch fused", "fastadam": "fastadam"}[package]
    assert missing not in comparison.records
    assert any(note.startswith(f"{missing} left out: ") for note in comparison.notes)
    assert "NumPy in place" in comparison.records
    assert [row.contender for row in comparison.result("fastadam").rows] == [
        *comparison.records,
    ]


@pytest.mark.fault(number=22)
def test_verdicts_tell_why_nothing_was_measured():
    def spoil(params, taken):
        params += 1.0

    comparison = run({"right": numpy_in_place, "wrong": planted(spoil)})
    verdicts = [
        comparison.verdict("right / right", 1.5, "right", "right"),
        comparison.verdict("right / too strict", 0.5, "right", "right"),
        comparison.verdict("wrong / right", 1.5, "wrong", "right"),
        comparison.verdict("right / wrong", 1.5, "right", "wrong"),
        comparison.verdict("right / missing", 1.5, "right", "missing"),
        comparison.verdict("missing / right", 1.5, "missing", "right"),
    ]
    assert [verdict.reached for verdict in verdicts] == [True, False, False, None, None, None]
    lines = format_verdicts(verdicts).splitlines()[2:]
    assert ["yes" in line for line in lines] == [True, False, False, False, False, False]
    assert ["NO" in line for line in lines] == [False, True, True, False, False, False]
    assert "wrong is WRONG" in lines[3]
    assert "missing is not installed" in lines[4]
    assert "missing is not installed" in lines[5]
