"""Solved with how many evaluations: budgets are kept, and the checks can fail."""

import csv
from functools import partial

import numpy as np
import pytest

from benchmarks.harness.report import OK, WRONG, SuiteResult
from benchmarks.minimize import __main__ as command
from benchmarks.minimize import budget as curve
from benchmarks.minimize import minima, suite
from benchmarks.minimize.trials import End
from fastadam import problems

VALUES = [5.0, np.nan, 7.0, 3.0, 3.0, 4.0, 1.0, 0.5]


def visit(count, fun, start):
    """Look at `count` points, numbered in their first variable, and return the last."""
    for number in range(count):
        fun(np.array([float(number)]))
    return End(np.array([-1.0]), 0.0, count, True)


def value(x):
    return VALUES[int(x[0])]


@pytest.mark.parametrize(
    ("count", "points"),
    [
        (8, [0, 0, 3, 6]),  # cut after seven
        (7, [0, 0, 3, 6]),
        (6, [0, 0, 3, -1]),  # ended before: its end point, however high
        (3, [0, 0, -1, -1]),
        (0, [-1, -1, -1, -1]),
    ],
)
def test_each_budget_keeps_its_lowest_point(count, points):
    budgets = (1, 3, 5, 7)
    method = partial(visit, count)
    found = curve.points_by_budget(method, value, np.zeros(1), budgets)
    assert [int(x[0]) for x in found] == points


def test_nan_is_higher_than_all_else():
    recorder = curve.Recorder(lambda x: [np.nan, np.inf, 9.0][int(x[0])], (2, 3))
    for number in range(3):
        recorder(np.array([float(number)]))
    assert [int(x[0]) for x in recorder.points] == [0, 2]


@pytest.mark.parametrize("name", curve.METHODS)
def test_the_budget_cuts_every_method_and_nothing_else_does(name):
    def count(x):
        count.calls += 1
        return fun(x)

    count.calls = 0
    fun = problems.rosenbrock(2).fun
    points = curve.points_by_budget(curve.METHODS[name], count, np.array([-1.2, 1.0]), (10, 40))
    assert count.calls == 40
    assert fun(points[1]) <= fun(points[0]) <= fun(np.array([-1.2, 1.0]))


def result_of(ours, theirs, *, runs=8, **changes):
    """Summarise runs of which these percentages are solved with each budget."""
    curves = {}
    for name, shares in ((curve.OURS, ours), ("SciPy", theirs)):
        curves[name] = curve.Curve(seconds=[1.0] * runs)
        for k, share in zip(curve.BUDGETS, shares, strict=True):
            curves[name].solved[k] = [("f", i < share * runs / 100) for i in range(runs)]
    mine = curves[curve.OURS]
    mine.cut[50] = changes.get("cut", [("f", True, True)] * runs)
    mine.exceeded = changes.get("exceeded", [])
    return curve.summarise(minima.TUNING, "case", curves)


GOOD = [0, 50, 75, 75, 75, 75, 75, 100]


def test_a_lead_at_every_judged_budget_passes():
    theirs = [100, 50, 75, 50, 50, 50, 50, 50]  # the first is not judged
    result = result_of(GOOD, theirs)
    assert [verdict.reached for verdict in result.verdicts] == [True, True]
    assert [row.status for row in result.rows] == [OK, OK]


@pytest.mark.parametrize(
    ("theirs", "changes", "reached"),
    [
        ([0, 50, 75, 75, 100, 75, 75, 75], {}, [False, True]),  # more at one budget
        (GOOD, {"cut": [("f", True, False)] + [("f", False, False)] * 7}, [True, False]),
        (GOOD, {"cut": [("f", False, True)] * 8}, [True, True]),
        (GOOD, {"exceeded": ["f"]}, [False, False]),
    ],
)
def test_what_falls_short_fails(theirs, changes, reached):
    result = result_of(GOOD, theirs, **changes)
    assert [verdict.reached for verdict in result.verdicts] == reached
    status = WRONG if "exceeded" in changes else OK
    assert [row.status for row in result.rows] == [status, OK]


def test_few_runs_are_not_judged():
    result = result_of([0] * 8, [100] * 8, runs=4)
    assert [verdict.reached for verdict in result.verdicts] == [None, None]


def test_the_table_and_the_picture(tmp_path, monkeypatch):
    monkeypatch.setitem(curve.STYLES, "SciPy", curve.STYLES["SciPy BFGS"])
    rows = result_of(GOOD, [0] * 8).rows
    table, picture = suite.draw(SuiteResult(rows), tmp_path)
    with table.open(encoding="utf-8") as file:
        lines = list(csv.reader(file))
    assert lines[0] == ["evaluations / (n + 1)", curve.OURS, "SciPy"]
    assert lines[2] == ["50", "50.0", "0.0"]
    assert len(lines) == 1 + len(curve.BUDGETS)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_command_looks_at_the_tuning_part_only(tmp_path, monkeypatch, capsys):
    seen = []
    for name in ("budget", "local_minima"):

        def measure(options, parts):
            seen.append((options.quick, parts))
            return result_of(GOOD, [0] * 8)

        monkeypatch.setattr(command, name, measure)
    monkeypatch.setattr(command, "draw", lambda result, folder: [folder / "curve.png"])
    assert command.main(["--quick", "--output", str(tmp_path / "new")]) == 0
    assert seen == [(True, (minima.TUNING,))] * 2
    printed = capsys.readouterr().out
    assert "more functions solved" in printed
    assert str(tmp_path / "new" / "curve.png") in printed
