import re
import struct
import sys

import numpy as np
import pytest
from matplotlib.figure import Figure

from examples.rosenbrock import CONTENDERS, MILESTONE, SIZE, descend, draw, format_table, main
from fastadam import problems

MAXITER = 150


@pytest.fixture(scope="module")
def descents():
    return [descend(contender, MAXITER) for contender in CONTENDERS]


@pytest.fixture
def figure(monkeypatch, descents, tmp_path):
    """Return the figure that is drawn of the descents."""
    figures = []
    savefig = Figure.savefig

    def keep(figure, *args, **kwargs):
        figures.append(figure)
        savefig(figure, *args, **kwargs)

    monkeypatch.setattr(Figure, "savefig", keep)
    draw(descents, tmp_path / "picture.png")
    return figures[0]


def png_size(path):
    """Return width and height from the header of a PNG file."""
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert head[12:16] == b"IHDR"
    return struct.unpack(">II", head[16:24])


@pytest.mark.parametrize("number", range(len(CONTENDERS)), ids=lambda k: CONTENDERS[k].method)
def test_a_descent_is_what_it_says(descents, number):
    descent, problem = descents[number], problems.rosenbrock()
    assert descent.contender is CONTENDERS[number]
    np.testing.assert_array_equal(descent.path[0], [-1.2, 1.0])
    assert len(descent.path) == descent.iterations + 1 <= MAXITER + 1
    assert descent.evaluations > descent.iterations
    np.testing.assert_array_equal(descent.values, [problem.fun(x) for x in descent.path])
    assert descent.f == problem.fun(descent.x)
    assert descent.f <= descent.values.min() < 24.2
    assert descent.distance == pytest.approx(np.hypot(*(descent.x - 1.0)), rel=1e-12)
    contender = descent.contender
    assert descent.converged == (contender.method == "BFGS" or contender.lr == "auto")


def test_no_two_contenders_do_or_look_the_same(descents):
    ends = {tuple(descent.path[1]) + tuple(descent.x) for descent in descents}
    assert len(ends) == len(CONTENDERS) == 7
    for look in ("colour", "dashes", "marker"):
        assert len({getattr(contender, look) for contender in CONTENDERS}) == 7


def test_all_but_two_converge_in_full(descents):
    slow = {"adamw", "rmsprop"}  # as the table explains
    for contender in CONTENDERS:
        if contender.method != "sgd":  # takes some 13,000 iterations
            descent = descend(contender, 5000)
            assert descent.converged != (contender.method in slow), contender
            assert descent.distance < 1e-3 or not descent.converged, contender


def test_the_program_prints_the_table_and_draws(capsys, tmp_path, descents):
    path = tmp_path / "picture.png"
    assert main(["--maxiter", str(MAXITER), "--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out == f"{format_table(descents)}\n\nDrawn to {path}\n"
    assert png_size(path) == SIZE == (1600, 700)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]


def test_the_table_gives_the_descents_numbers(descents):
    header, _, *rows = format_table(descents).splitlines()
    titles = ["method", "lr", "iterations", "evaluations", "f", "distance"]
    assert header.split() == titles
    for row, descent in zip(rows, descents, strict=False):
        cells = re.split(r"\s{2,}", row)
        assert cells[0] == descent.contender.label
        shown = [float(cell.replace(",", "")) for cell in cells[-4 - (not descent.converged) :][:4]]
        assert shown[:2] == [descent.iterations, descent.evaluations]
        assert shown[2:] == pytest.approx([descent.f, descent.distance], rel=0.06)
        assert (cells[-1] == "not converged") != descent.converged


def test_the_plane_shows_every_path_and_where_it_has_got_to(figure, descents):
    lines = figure.axes[0].lines
    paths, dots = lines[: len(descents)], lines[len(descents) : 2 * len(descents)]
    start, minimum = lines[2 * len(descents) :]
    for descent, path, dot in zip(descents, paths, dots, strict=True):
        np.testing.assert_array_equal(path.get_xydata(), descent.path)
        there = descent.path[MILESTONE] if descent.iterations > MILESTONE else descent.path[-1]
        np.testing.assert_array_equal(dot.get_xydata()[0], there)
        assert path.get_color() == dot.get_color() == descent.contender.colour
    np.testing.assert_array_equal(start.get_xydata(), [[-1.2, 1.0]])
    np.testing.assert_array_equal(minimum.get_xydata(), [[1.0, 1.0]])
    assert {"start", "minimum"} <= {text.get_text() for text in figure.axes[0].texts}
    (x_low, x_high), (y_low, y_high) = figure.axes[0].get_xlim(), figure.axes[0].get_ylim()
    for descent in descents:
        if descent.contender.lr != "auto":  # which may change and look further afield
            assert np.all(descent.path > (x_low, y_low)), descent.contender
            assert np.all(descent.path < (x_high, y_high)), descent.contender


def test_the_curves_end_at_the_best_value(figure, descents):
    axes = figure.axes[1]
    for descent, curve, end in zip(descents, axes.lines[::2], axes.lines[1::2], strict=True):
        best = curve.get_ydata()
        assert (best[0], best[-1]) == (pytest.approx(24.2), descent.values.min())
        assert np.all(np.diff(best) <= 0.0)
        np.testing.assert_array_equal(end.get_xydata(), [[descent.iterations, best[-1]]])
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert len(set(labels)) == len(descents)
    assert "Adam, lr auto" in labels


def test_no_window_system_is_needed(monkeypatch, tmp_path, descents):
    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    draw(descents, tmp_path / "picture.png")
    assert "matplotlib.pyplot" not in sys.modules
