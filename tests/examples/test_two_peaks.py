import numpy as np
import pytest
from matplotlib.figure import Figure

from examples.two_peaks import (
    FIXED,
    SIZE,
    START,
    TRUTH,
    WAVELENGTHS,
    draw,
    fit,
    fit_by_scipy,
    format_table,
    main,
    model,
    simulate,
)
from tests.examples.test_rosenbrock import png_size


@pytest.fixture(scope="module")
def spectrum():
    return simulate(0)


@pytest.fixture(scope="module")
def found(spectrum):
    return fit(spectrum)


def test_values_and_errors_are_curve_fits(spectrum, found):
    x, stderr = fit_by_scipy(spectrum)
    assert found.result.success
    assert found.errors.success
    np.testing.assert_allclose((found.result.x[:-1] - x) / stderr, 0.0, atol=0.01)
    np.testing.assert_allclose(found.errors.stderr[:-1], stderr, rtol=0.03)  # J^T J is not H
    off = (found.result.x[:-1] - list(TRUTH.values())[:-1]) / stderr
    assert np.abs(off).max() < 3.0
    assert 0.8 < found.result.fun / (WAVELENGTHS.size - 7) < 1.2


def test_the_dark_counts_are_fixed(found):
    assert found.result.params[FIXED] == START[FIXED]
    assert found.result.fixed == (FIXED,)
    assert np.isnan(found.errors.errors[FIXED])


def test_another_seed_is_another_spectrum():
    assert not np.array_equal(simulate(1).counts, simulate(2).counts)


def test_the_picture_shows_the_fit_and_what_is_left(spectrum, found, monkeypatch, tmp_path):
    figures = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *args, **kwargs: figures.append(figure))
    draw(spectrum, found, tmp_path / "picture.png")
    top, bottom = figures[0].axes
    fitted = model(WAVELENGTHS, found.result.x)
    np.testing.assert_array_equal(top.lines[-1].get_ydata(), fitted)
    left = bottom.lines[0].get_ydata()
    np.testing.assert_allclose(left, (spectrum.counts - fitted) / spectrum.sigma)
    figures[0].canvas.draw()
    assert "1550" in [label.get_text() for label in bottom.get_xticklabels()]
    assert bottom.xaxis.get_offset_text().get_text() == ""


def test_the_program_prints_report_and_table_and_draws(capsys, tmp_path, spectrum, found):
    path = tmp_path / "picture.png"
    assert main(["--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert format_table(found, *fit_by_scipy(spectrum)) in out
    assert "dark      fixed at 40\n" in out
    assert out.endswith(f"\nDrawn to {path}\n")
    assert png_size(path) == SIZE
