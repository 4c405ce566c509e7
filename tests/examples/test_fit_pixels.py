import re
import struct

import numpy as np
import pytest
from matplotlib.figure import Figure

import examples.fit_pixels as program
from examples.fit_pixels import (
    BOUNDED,
    CURVES,
    FREE,
    OURS,
    SIZE,
    Fit,
    draw,
    errors,
    fit_all,
    fit_curves,
    fit_sample,
    format_table,
    main,
    share_within,
    shown,
)
from workloads import decays
from workloads.decays import LOWER, TIMES, UPPER, Scene, guess, make_scene, model


@pytest.fixture(scope="module")
def scene():
    return make_scene(1000, seed=3)


@pytest.fixture(scope="module")
def fit(scene):
    return fit_all(scene.y, guess(scene.y))


@pytest.fixture(scope="module")
def curves(scene):
    return fit_curves(scene.y, guess(scene.y))


@pytest.fixture(scope="module")
def figure(scene, fit, curves, tmp_path_factory):
    """Return the figure that is drawn of the fits."""
    figures = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", lambda figure, *args, **kwargs: figures.append(figure))
        draw(scene, fit, curves, tmp_path_factory.mktemp("drawn") / "picture.png")
    return figures[0]


def test_the_fits_are_the_best_there_are(scene, fit):
    assert fit.method == OURS
    assert fit.seconds > 0.0
    assert fit.failed < len(fit.pixels) // 100
    assert np.all((fit.x >= LOWER) & (fit.x <= UPPER))
    sample = np.arange(0, len(scene.y), 25)
    theirs = fit_sample(scene.y, guess(scene.y), sample, BOUNDED)
    assert theirs.failed == 0
    assert np.array_equal(theirs.pixels, sample)
    noise = np.median(abs(theirs.x - scene.truth[sample]), axis=0)
    assert np.all(np.median(abs(fit.x[sample] - theirs.x), axis=0) < 0.01 * noise)
    np.testing.assert_allclose(errors(scene, theirs, sample), noise)
    np.testing.assert_allclose(errors(scene, fit, sample), noise, rtol=0.03)


def test_only_bounds_keep_curve_fit_within_them(scene):
    dark = np.flatnonzero(scene.truth[:, 2] == 0.0)[::20]
    start = guess(scene.y)
    before = start.copy()
    assert fit_sample(scene.y, start, dark, BOUNDED).x[:, 2].min() >= 0.0
    assert fit_sample(scene.y, start, dark, FREE).x[:, 2].min() < 0.0
    assert np.array_equal(start, before)


def test_where_curve_fit_fails_the_start_remains_and_is_counted(monkeypatch, scene):
    def curve_fit(model, t, y, start, bounds):
        if y[0] == scene.y[4, 0]:
            raise RuntimeError("no convergence")
        return start + 1.0, None

    monkeypatch.setattr(decays.scipy.optimize, "curve_fit", curve_fit)
    start = guess(scene.y)
    fit = fit_sample(scene.y, start, np.array([2, 4, 9]), FREE)
    assert fit.failed == 1
    assert np.array_equal(fit.x, start[[2, 4, 9]] + [[1.0], [0.0], [1.0]])


def test_the_table_extrapolates_and_compares():
    truth = np.ones((1000, 3))
    scene = Scene((25, 40), truth, np.zeros((1000, TIMES.size)))
    x = truth.copy()
    x[:3] += np.array([0.1, -0.2, 0.3])
    x[3:] += 9.0  # not in the sample
    ours = Fit(OURS, np.arange(1000), x, 0.02, np.arange(1000) < 4)
    sample = np.arange(3)
    curves = Fit(CURVES, np.arange(1000), truth + 0.5, 0.01, np.zeros(1000, bool), truth)
    curves.x[::4, 1] = 3.0
    theirs = [
        Fit(BOUNDED, sample, truth[:3] + 0.5, 0.03, np.zeros(3, bool)),
        Fit(FREE, sample, truth[:3] - 0.25, 0.003, sample == 1),
    ]
    lines = format_table(scene, ours, curves, theirs).splitlines()
    assert [line.split()[-7:] for line in lines[3:7]] == [
        ["1,000", "4", "20.0", "0.02", "0.10000", "0.20000", "0.30000"],
        ["1,000", "0", "10.0", "0.01", "0.50000", "0.50000", "0.50000"],
        ["3", "0", "10000.0", "10.00", "0.50000", "0.50000", "0.50000"],
        ["3", "1", "1000.0", "1.00", "0.25000", "0.25000", "0.25000"],
    ]
    assert [line[:20].strip() for line in lines[3:7]] == [OURS, CURVES, BOUNDED, FREE]
    assert "Defaults of all. All start from the same guesses." in lines
    assert len({len(line) for line in lines[1:7]}) == 1
    assert lines[-3:] == [
        "Truth within one standard error of fastadam.curve_fit: amplitude 100.0%, rate 75.0%, "
        "offset 100.0%.",
        "fastadam is 500 times as fast as curve_fit, bounds, one by one.",
        "fastadam is 50 times as fast as curve_fit, no bounds, one by one.",
    ]


def test_the_truth_is_within_one_error_as_often_as_it_should_be(scene, curves):
    assert curves.failed == 0
    within = share_within(scene, curves)  # of 1,000: a standard deviation is 1.5 %
    np.testing.assert_allclose(within, 0.683, atol=0.05)


def test_the_maps_show_what_they_say(figure, scene, fit, curves):
    panels = np.array(figure.axes[:16]).reshape(4, 4)
    assert [axes.get_title() for axes in panels[0, :3]] == ["amplitude", "rate", "offset"]
    assert [axes.get_ylabel() for axes in panels[:, 0]] == [
        "true",
        "fitted",
        "fitted - true",
        "error, no bounds",
    ]
    for k in range(3):
        true, fitted = (values[:, k].reshape(scene.shape) for values in (scene.truth, fit.x))
        images = [axes.images[0] for axes in panels[:, k]]
        stderr = curves.stderr[:, k].reshape(scene.shape)
        for image, values in zip(images, (true, fitted, fitted - true, stderr), strict=True):
            assert np.array_equal(image.get_array(), values)
        assert images[0].get_clim() == images[1].get_clim() == (true.min(), true.max())
        low, high = images[2].get_clim()
        assert low == -high
        assert np.mean(abs(fitted - true) > high) == pytest.approx(0.01)


def test_the_decays_are_those_of_the_lettered_pixels(figure, scene, fit):
    panels = np.array(figure.axes[:16]).reshape(4, 4)
    chosen = shown(scene)
    assert list(scene.truth[chosen, 1]) == sorted(scene.truth[chosen, 1])
    assert len(set(chosen)) == 3
    for axes, letter, pixel in zip(panels[:3, 3], panels[1, 0].texts, chosen, strict=True):
        x, y = letter.get_position()
        assert y * scene.shape[1] + x == pixel
        data, true, fitted = axes.lines
        assert np.array_equal(data.get_ydata(), scene.y[pixel])
        assert np.array_equal(true.get_ydata(), model(true.get_xdata(), *scene.truth[pixel]))
        assert np.array_equal(fitted.get_ydata(), model(fitted.get_xdata(), *fit.x[pixel]))
        a, r, c = fit.x[pixel]
        text = f"{letter.get_text()}, fitted: {a:.2f} exp(-{r:.2f} t) + {c:.2f}"
        assert [t.get_text() for t in axes.texts] == [text]


@pytest.mark.parametrize("pixels", [1, 60])
def test_the_program_prints_the_table_and_draws(monkeypatch, capsys, tmp_path, pixels):
    path = tmp_path / "picture.png"
    monkeypatch.setattr(program, "SAMPLE", 25)
    assert main(["--pixels", str(pixels), "--seed", "1", "--output", str(path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    scene = make_scene(pixels, seed=1)
    # Times differ from run to run.
    sample, all_of_them = min(25, len(scene.y)), f"{len(scene.y):,}"
    rows = re.findall(
        r"^(\w+(?:, gradient|\.curve_fit|, (?:no )?bounds)) +([\d,]+) ", out, re.MULTILINE
    )
    assert rows == [
        (OURS, all_of_them),
        (CURVES, all_of_them),
        (BOUNDED, str(sample)),
        (FREE, str(sample)),
    ]
    assert re.search(r"^fastadam is [\d,]+ times as fast as curve_fit, bounds", out, re.MULTILINE)
    assert out.endswith(f" s, not counted.\nDrawn to {path}\n")
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", head[16:24]) == SIZE == (1600, 1040)
    assert [file.name for file in tmp_path.iterdir()] == ["picture.png"]
