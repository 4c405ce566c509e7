import re
import struct
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

import examples.scipy_functions as program
from examples._shared.plots import spread_labels
from examples.scipy_functions import (
    GLOBAL,
    LOCAL,
    METHODS,
    NEITHER,
    OURS,
    SIZE,
    Run,
    classify,
    cost_ratios,
    draw,
    format_table,
    format_verdict,
    main,
    run,
    run_all,
)
from fastadam import problems

BOOTH, CAMEL = problems.booth(), problems.three_hump_camel()
SMALL = ["--problems", "booth", "three_hump_camel", "--starts", "2"]


@pytest.fixture(scope="module")
def runs():
    return list(run_all([BOOTH, CAMEL], starts=2, seed=0))


@pytest.fixture
def figure(monkeypatch, runs, tmp_path):
    """Return the figure that is drawn of the runs."""
    figures = []
    savefig = Figure.savefig

    def keep(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)
    draw(runs, tmp_path / "picture.png")
    return figures[0]


def made(method, outcome, evaluations=1, problem=BOOTH):
    """Return a run that nobody made."""
    return Run(problem, method, np.zeros(2), 0.0, evaluations, 0.001, outcome)


def png_size(path):
    """Return width and height from the header of a PNG file."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert head[12:16] == b"IHDR"
    return struct.unpack(">II", head[16:24])


def test_every_method_runs_from_every_start(runs):
    assert [r.method for r in runs] == [*METHODS] * 4
    assert [r.problem for r in runs] == [BOOTH] * 8 + [CAMEL] * 8
    for r in runs:
        assert r.f == r.problem.fun(r.x)
        assert (r.outcome == GLOBAL) == (r.f <= r.problem.fmin + 1e-5)
        assert r.seconds > 0.0
    assert all(r.outcome == GLOBAL for r in runs[:8])  # a convex quadratic


@pytest.mark.parametrize("method", METHODS)
def test_evaluations_are_calls_of_the_function(method):
    calls = []

    def fun(x):
        calls.append(x)
        return BOOTH.fun.py_func(x)

    evaluations = run(replace(BOOTH, fun=fun), method, np.array([1.5, -2.0])).evaluations
    # SciPy's solvers run again to judge the end, unless it is the known minimum.
    assert evaluations == len(calls)


def test_all_methods_start_from_the_same_points_in_the_box(monkeypatch):
    starts = []
    monkeypatch.setattr(program, "run", lambda problem, method, x0: starts.append(x0))

    def drawn(chosen, seed):
        starts.clear()
        list(run_all(chosen, 2, seed))
        return np.array(starts)

    both = drawn([BOOTH, CAMEL], 3)
    assert np.all(both[:8] >= BOOTH.bounds[:, 0])
    assert np.all(both[:8] <= BOOTH.bounds[:, 1])
    assert [len(set(map(tuple, part))) for part in both.reshape(4, 4, 2)] == [1, 1, 1, 1]
    assert len(set(map(tuple, both))) == 4
    np.testing.assert_array_equal(drawn([CAMEL], 3), both[8:])
    assert not np.any(drawn([CAMEL], 4) == both[8:])


@pytest.mark.parametrize("problem", problems.catalogue(), ids=lambda problem: problem.name)
def test_the_known_minima_are_global(problem):
    for x in problem.minimizers:
        assert classify(problem, x, problem.fun(x)) == GLOBAL


def test_points_are_told_apart():
    local = np.array([-1.7475523, 0.8737761])
    assert classify(CAMEL, local, CAMEL.fun(local)) == LOCAL
    assert classify(CAMEL, local + 0.01, CAMEL.fun(local + 0.01)) == NEITHER
    assert classify(CAMEL, CAMEL.x0, CAMEL.fun(CAMEL.x0)) == NEITHER
    assert classify(CAMEL, CAMEL.x0, float("nan")) == NEITHER


def test_the_program_prints_the_table_and_draws(capsys, tmp_path, runs):
    path = tmp_path / "picture.png"
    assert main([*SMALL, "--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    # Times differ from run to run.
    shown = re.sub(r"median ms a run.*", "", out)
    expected = f"{format_table(runs)}\n\n{format_verdict(runs)}\n\nDrawn to {path}\n"
    assert shown == re.sub(r"median ms a run.*", "", expected)
    assert png_size(path) == SIZE == (1600, 1000)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_the_table_counts():
    outcomes = [(GLOBAL, 1), (LOCAL, 3), (NEITHER, 1000)]
    runs = [made(m, *o, problem=p) for p in (BOOTH, CAMEL) for o in outcomes for m in METHODS]
    lines = format_table(runs).splitlines()
    assert lines[0].split() == list(METHODS)
    for line, label, counts in [
        (lines[3], "booth 2", "2 1 3"),
        (lines[4], "three_hump_camel 2", "2 1 3"),
        (lines[6], "all, of 6 runs", "4 2 3"),
    ]:
        assert " ".join(line.split()) == " ".join([label, *[counts] * 4])
    assert lines[7].split() == ["median", "ms", "a", "run", *["1.00"] * 4]


def test_the_verdict_says_where_fastadam_is_worse_and_dearer():
    ends = {
        OURS: [(GLOBAL, 40), (LOCAL, 30), (NEITHER, 10)],
        "Nelder-Mead": [(GLOBAL, 10), (LOCAL, 30), (LOCAL, 1)],
        "BFGS": [(GLOBAL, 2), (GLOBAL, 2), (NEITHER, 2)],
        "L-BFGS-B": [(NEITHER, 2), (NEITHER, 2), (NEITHER, 2)],
    }
    runs = [made(m, *ends[m][k]) for k in range(3) for m in METHODS]
    assert format_verdict(runs).splitlines() == [
        "Ends at a minimum: fastadam 67%, Nelder-Mead 100%, BFGS 67%, L-BFGS-B 0%.",
        "At the global one: fastadam 33%, Nelder-Mead 33%, BFGS 67%, L-BFGS-B 0%.",
        "Worse at reaching a minimum: booth (2 against Nelder-Mead's 3).",
        "Worse at reaching the global minimum: booth (1 against BFGS's 2).",
        "Cost: where both end at a minimum, fastadam takes 2.5 times Nelder-Mead's evaluations "
        "(median); more in 1 of 2 runs.",
        "Cost: where both end at a minimum, fastadam takes 17.5 times BFGS's evaluations "
        "(median); more in 2 of 2 runs.",
    ]
    assert list(cost_ratios(runs, "BFGS")) == [20.0, 15.0]
    assert cost_ratios(runs, "L-BFGS-B").size == 0


def test_the_verdict_says_nowhere_where_that_is_so():
    lines = format_verdict([made(method, GLOBAL) for method in METHODS]).splitlines()
    assert lines[2:4] == [
        "Worse at reaching a minimum: nowhere.",
        "Worse at reaching the global minimum: nowhere.",
    ]


def test_the_matrix_has_a_bar_for_each_cell(figure, runs):
    matrix = figure.axes[0]
    titles = [tick.get_text() for tick in matrix.get_yticklabels()]
    assert titles == ["booth, n = 2", "three hump camel, n = 2"]
    assert [tick.get_text() for tick in matrix.get_xticklabels()] == list(METHODS)
    for column in range(len(METHODS)):
        for row in range(2):
            widths = [
                bar.get_width()
                for bar in matrix.patches
                if column <= bar.get_x() < column + 0.6 and bar.get_y() < row < bar.get_y() + 1
            ]
            assert sum(widths) == pytest.approx(0.55)
    assert len(matrix.texts) == len(METHODS) * 2


def test_the_profiles_end_at_the_shares(figure, runs):
    for axes, counts in [
        (figure.axes[1], lambda r: r.outcome != NEITHER),
        (figure.axes[2], lambda r: r.outcome == GLOBAL),
    ]:
        labels = sorted(text.get_text() for text in axes.texts)
        expected = []
        for line, method in zip(axes.lines, METHODS, strict=True):
            own = [r for r in runs if r.method == method]
            share = 100 * sum(map(counts, own)) / len(own)
            expected.append(f"{method} {share:.0f} %")
            x, y = line.get_data()
            assert y[-1] == share
            assert list(x[1:-1]) == sorted(r.evaluations for r in own if counts(r))
        assert labels == sorted(expected)


@pytest.mark.parametrize(
    ("number", "text"),
    [(7, "7"), (999, "999"), (1000, "1k"), (12_345, "12.3k"), (999_499, "999k"), (999_500, "1M")],
)
def test_numbers_are_short(number, text):
    assert program._brief(number) == text


def test_labels_do_not_cover_each_other():
    placed = spread_labels({"a": 50.0, "b": 52.0, "c": 100.0, "d": 10.0}, 5.0)
    assert placed == {"c": 100.0, "b": 52.0, "a": 47.0, "d": 10.0}
