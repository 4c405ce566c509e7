"""Gradients from values alone: accurate, inside the box, and counted."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import rosen, rosen_der

from fastadam._objective.differences import (
    CENTRAL_STEP,
    COMPLEX_STEP,
    FILLERS,
    ONE_SIDED_STEP,
)

INF = np.inf


def waves(x):
    """Return a smooth function, of complex x too, with every order of derivatives."""
    return np.sum(np.exp(np.sin(x) / 2)) + np.prod(1 + x / 10)


def waves_der(x):
    slopes = np.exp(np.sin(x) / 2) * np.cos(x) / 2
    return slopes + np.prod(1 + x / 10) / (10 + x)


class Watched:
    """A function that remembers where it was called, and spoils what it got."""

    def __init__(self, function):
        self.function, self.points = function, []

    def __call__(self, x, slot):
        assert slot == 7
        self.points.append(x.copy())
        value = self.function(x)
        x[:] = np.nan
        return value


def differences(
    scheme, function, x, lower=-INF, upper=INF, rel_step=None, width=0.0, unit=None, curvature=None
):
    """Return the gradient, where the function was called, and how often it says it was.

    Wide differences are in units of 1, unless there are others. The second derivatives go into
    ``curvature``.
    """
    x = np.array(x, dtype=float)
    value, before = Watched(function), x.copy()
    lower, upper = (np.broadcast_to(np.asarray(bound, float), x.shape) for bound in (lower, upper))
    default = {"2-point": ONE_SIDED_STEP, "3-point": CENTRAL_STEP, "cs": COMPLEX_STEP}[scheme]
    steps = np.broadcast_to(default if rel_step is None else rel_step, x.shape)
    unit = np.broadcast_to((1.0 if width else 0.0) if unit is None else unit, x.shape)
    grad, trial = np.full(x.size, np.nan), np.full(x.size, np.nan)
    curvature = np.full(x.size, np.nan) if curvature is None else curvature
    s = SimpleNamespace(f=function(x), nfev=0, part=1, halt=0, width=width)
    if scheme == "2-point":  # its wide ones are those of "3-point"
        s.width = 0.0
    views = x, trial, grad, lower, upper, steps, unit, trial.astype(complex), curvature
    FILLERS[scheme](value, 7, s, views)
    np.testing.assert_array_equal(x, before)
    assert s.nfev == len(value.points)
    assert s.part == 0
    return grad, np.array(value.points).reshape(-1, x.size), s.nfev


each_scheme = pytest.mark.parametrize("scheme", ["2-point", "3-point", "cs"])
real_schemes = pytest.mark.parametrize("scheme", ["2-point", "3-point"])
points = st.lists(st.floats(-5, 5), min_size=1, max_size=5)

# Truncation of h/2 times the second, h^2/6 times the third derivative, and rounding.
ACCURACY = {"2-point": 1e-6, "3-point": 1e-8, "cs": 1e-13}


# ---------------------------------------------------------------------------------------------
# Accuracy
# ---------------------------------------------------------------------------------------------


@each_scheme
@given(x=points)
@settings(deadline=None)
def test_the_slope_of_a_smooth_function(scheme, x):
    grad, _, _ = differences(scheme, waves, x)
    scale = max(1.0, np.abs(waves(np.array(x))))
    np.testing.assert_allclose(grad, waves_der(np.array(x)), atol=ACCURACY[scheme] * scale)


@each_scheme
@pytest.mark.parametrize("magnitude", [1e-12, 1e-3, 1.0, 1e3, 1e12, 1e100])
def test_steps_are_relative_to_large_x(scheme, magnitude):
    x = magnitude * np.array([1.0, -2.0, 3.0])
    scale = max(1.0, magnitude)
    grad, _, _ = differences(scheme, lambda x: np.sum((x / scale) ** 2), x)
    np.testing.assert_allclose(grad, 2 * x / scale**2, atol=10 * ACCURACY[scheme] / scale)


@real_schemes
def test_a_straight_line_has_its_slope(scheme):
    slopes = np.array([2.0, -0.5, 1024.0])
    grad, _, _ = differences(scheme, lambda x: slopes @ x, [0.0, 1.0, -3.0])
    np.testing.assert_allclose(grad, slopes, rtol=1e-4 if scheme == "2-point" else 1e-7)


def test_central_differences_of_a_parabola_are_exact_at_any_width():
    for width in (1e-2, 1.0, 7.0):
        grad, _, _ = differences("3-point", lambda x: x @ x, [1.0, -2.0], width=width)
        np.testing.assert_allclose(grad, [2, -4], rtol=1e-12)


def test_the_complex_step_has_no_rounding():
    x = np.array([0.3, -1.2, 2.0])
    np.testing.assert_allclose(differences("cs", waves, x)[0], waves_der(x), rtol=1e-14)


@settings(deadline=None, max_examples=200)
@given(
    x=st.floats(0.5, 2.0),
    above=st.sampled_from([0.0, 1e-16, 1e-13, 1e-12, 1e-10, 1e-8, 1e-6, 1e-3]),
    below=st.sampled_from([0.0, 1e-16, 1e-13, 1e-12, 1e-10, 1e-8, 1e-6, 1e-3]),
    scheme=st.sampled_from(["2-point", "3-point"]),
)
@example(x=1.0, above=1e-13, below=1e-3, scheme="3-point")
@example(x=1.0, above=1e-3, below=1e-13, scheme="3-point")
@example(x=1.0, above=1e-12, below=INF, scheme="3-point")
def test_a_wall_close_by_does_not_spoil_the_slope(scheme, x, above, below):
    """With room for the usual step on one side, it is as accurate as a one-sided difference."""
    if max(above, below) < 1e-3:
        above = 1e-3
    grad, _, _ = differences(scheme, lambda x: 100 * waves(x), [x], [x - below], [x + above])
    np.testing.assert_allclose(grad, 100 * waves_der(np.array([x])), rtol=0, atol=1e-2)


@pytest.mark.parametrize("below", [0.0, INF])
def test_central_differences_keep_their_order_at_a_wall(below):
    """SciPy's take a second point on the free side."""
    x = np.array([0.3, 1.1])
    upper = x if below else INF
    grad, _, _ = differences("3-point", waves, x, x - below, upper)
    np.testing.assert_allclose(grad, waves_der(x), rtol=0, atol=1e-8)


@pytest.mark.parametrize("width", [1e-3, 0.1])
def test_wide_differences_beside_a_wall_keep_their_order(width):
    """Three values, at unequal distances, give the slope of a parabola."""
    x = np.array([0.3, 1.1])
    grad, _, _ = differences("3-point", waves, x, x - width / 3, INF, width=width)
    np.testing.assert_allclose(grad, waves_der(x), rtol=0, atol=width**2)
    exact, _, _ = differences("3-point", lambda x: x @ x, x, x - width / 3, INF, width=width)
    np.testing.assert_allclose(exact, 2 * x, rtol=1e-9)


@pytest.mark.parametrize("width", [1e-3, 0.5])
def test_wide_differences_have_their_width(width):
    _, points, _ = differences("3-point", rosen, [1.0, -2.0], width=width)
    expected = [[1 + width, -2], [1 - width, -2], [1, -2 + width], [1, -2 - width]]
    np.testing.assert_array_equal(points, expected)


def test_units_take_the_place_of_x():
    unit = np.array([8.0, 0.25])
    for width, step in ((0.0, CENTRAL_STEP), (0.5, 0.5), (1e-9, CENTRAL_STEP)):
        _, points, _ = differences("3-point", rosen, [4.0, -2.0], width=width, unit=unit)
        moves = np.diag(points[::2] - [4, -2])
        np.testing.assert_allclose(moves, step * unit, rtol=1e-9)
    _, points, _ = differences("2-point", rosen, [4.0, -2.0], unit=unit)
    moves = np.diag(points - [4, -2])
    np.testing.assert_allclose(moves, ONE_SIDED_STEP * unit * [1, -1], rtol=1e-6)
    _, points, _ = differences("cs", waves, [4.0, -2.0], unit=unit)
    np.testing.assert_allclose(np.diag(points.imag), COMPLEX_STEP * unit)


def test_wide_differences_see_past_ripples():
    grad, _, _ = differences(
        "3-point", lambda x: np.sum(x**2 + 1e-3 * np.sin(1e4 * x)), [1.0, 2.0], width=0.5
    )
    np.testing.assert_allclose(grad, [2, 4], atol=1e-2)


def bent(scheme, function, x, *args, **kwargs):
    """Return the second derivatives along each coordinate."""
    curvature = np.full(len(x), 7.0)
    differences(scheme, function, x, *args, curvature=curvature, **kwargs)
    return curvature


@pytest.mark.parametrize("lower", [-INF, -1.999, -2.0])
def test_central_differences_know_the_curvature(lower):
    """At a wall too: three points make a parabola wherever they are."""
    x = np.array([1.0, -2.0])
    curved = lambda x: 3 * x[0] ** 2 - 5 * x[1] ** 2 + x[0] * x[1]  # noqa: E731
    lower = np.array([-INF, lower])
    for width in (0.0, 1e-3, 0.5):
        found = bent("3-point", curved, np.maximum(x, lower), lower, width=width)
        np.testing.assert_allclose(found, [6, -10], rtol=1e-2 if width < 1e-3 else 1e-6)


def test_two_points_know_no_curvature():
    assert np.isnan(bent("2-point", rosen, [1.0, 2.0])).all()
    assert np.isnan(bent("3-point", rosen, [1.0, 2.0], width=-1.0)).all()


def test_central_differences_may_be_one_sided():
    """With a width below 0 they are those of "2-point", at half the evaluations."""
    for bounds in ((), ([-INF, -1.0], [1.0, INF])):
        grad, points, used = differences("3-point", waves, [1.0, -1.0], *bounds, width=-1.0)
        expected, others, _ = differences("2-point", waves, [1.0, -1.0], *bounds)
        np.testing.assert_array_equal(points, others)
        np.testing.assert_array_equal(grad, expected)
        assert used == 2


# ---------------------------------------------------------------------------------------------
# Where the function is called, and how often
# ---------------------------------------------------------------------------------------------


@each_scheme
def test_counts(scheme):
    expected = {"2-point": 4, "3-point": 8, "cs": 4}[scheme]
    assert differences(scheme, waves, np.ones(4))[2] == expected


@each_scheme
@pytest.mark.parametrize("width", [0.0, 0.3])
def test_fixed_coordinates_cost_nothing_and_have_no_slope(scheme, width):
    lower = np.array([1.0, -INF, 3.0, 0.0])
    upper = np.array([1.0, INF, 3.0, 9.0])
    x = np.array([1.0, 2.0, 3.0, 4.0])
    grad, points, used = differences(scheme, waves, x, lower, upper, width=width)
    assert used == (4 if scheme == "3-point" else 2)
    assert np.all(grad[[0, 2]] == 0.0)
    tolerance = 1e-1 if width and scheme == "3-point" else 1e-6
    np.testing.assert_allclose(grad[[1, 3]], waves_der(x)[[1, 3]], atol=tolerance)
    np.testing.assert_array_equal(points[:, [0, 2]].real, np.broadcast_to([1, 3], (used, 2)))


@each_scheme
def test_each_point_differs_in_one_coordinate(scheme):
    x = np.array([0.1, -3.0, 1e4])
    _, points, _ = differences(scheme, waves, x)
    assert np.count_nonzero(points != x, axis=1).tolist() == [1] * len(points)


def test_one_sided_differences_go_away_from_0():
    _, points, _ = differences("2-point", waves, [1.0, -1.0, 0.0])
    assert [points[i, i] > x for i, x in enumerate([1.0, -1.0, 0.0])] == [True, False, True]


def test_one_sided_differences_turn_at_a_wall():
    _, points, _ = differences("2-point", waves, [1.0, -1.0], [-INF, -1.0], [1.0, INF])
    np.testing.assert_allclose(np.diag(points), [1 - ONE_SIDED_STEP, -1 + ONE_SIDED_STEP])


def test_a_step_of_ones_own():
    steps = np.array([1e-3, 0.5])
    for scheme, expected in (("2-point", [[4.004, 0], [4, 0.5]]), ("cs", [[4, 0], [4, 0]])):
        _, points, _ = differences(scheme, waves, [4.0, 0.0], rel_step=steps)
        np.testing.assert_allclose(points.real, expected)
    np.testing.assert_allclose(points.imag, [[4e-3, 0], [0, 0.5]])
    _, points, _ = differences("3-point", waves, [4.0, 0.0], rel_step=steps)
    np.testing.assert_allclose(points, [[4.004, 0], [3.996, 0], [4, 0.5], [4, -0.5]])


def test_the_step_is_what_was_really_added():
    """Rounding of x + h is no error of the slope."""
    x = np.array([1e8 / 3])
    grad, _, _ = differences("2-point", lambda x: x[0], x, rel_step=1e-15)
    assert grad[0] == 1.0


tiny = st.sampled_from([0.0, 5e-324, 1e-300, 1e-30, 1e-17, 1e-9, 2e-9, 1e-8, 3e-8, 1e-5, 0.1, 10.0])


@settings(deadline=None, max_examples=500)
@given(
    centre=st.one_of(st.floats(-10, 10), tiny, st.floats(-1e-7, 1e-7)),
    below=st.one_of(tiny, st.floats(0, 1e-7)),
    above=st.one_of(tiny, st.floats(0, 1e-7)),
    scheme=st.sampled_from(["2-point", "3-point", "cs"]),
    width=st.sampled_from([0.0, 1e-6, 0.3, 1e3]),
    rel_step=st.sampled_from([None, 1e-12, 1e-3, 1.0]),
    unit=st.sampled_from([None, 1e-9, 0.1, 1e6]),
)
@example(1e-9, 1e-9, 0.0, "2-point", 0.0, None, None)
def test_no_point_leaves_the_box(centre, below, above, scheme, width, rel_step, unit):
    lower, upper = centre - below, centre + above
    for x in (centre, lower, upper):
        grad, points, used = differences(
            scheme, rosen, [x, 1.0], [lower, -INF], [upper, INF], rel_step, width, unit
        )
        assert np.all((points.real >= [lower, -INF]) & (points.real <= [upper, INF]))
        assert np.all(np.isfinite(grad))
        assert used <= 4


def test_no_point_leaves_a_box_of_two_scales():
    """The width of the box rounds to its upper bound; the logarithm of 0 is not asked for."""
    for scheme in ("2-point", "3-point"):
        for x in (1e-30, 1e-9):
            _, points, _ = differences(scheme, lambda x: np.log(x[0]), [x], [1e-30], [1e-9])
            assert np.all((points >= 1e-30) & (points <= 1e-9))


@real_schemes
def test_neighbouring_numbers_are_a_box_too(scheme):
    x = np.array([1.0])
    upper = np.nextafter(x, 2)
    grad, points, used = differences(scheme, lambda x: 3 * x[0], x, x, upper)
    assert used == 1
    np.testing.assert_array_equal(points[0], upper)
    assert 0 < grad[0] < 7


@each_scheme
def test_nan_and_infinity_of_the_function_are_seen(scheme):
    grad, _, _ = differences(scheme, lambda x: x[0] * np.nan + x[1], [1.0, 1.0])
    assert np.isnan(grad[0])


def test_rosenbrock_at_a_start_of_the_literature():
    x = np.array([-1.2, 1.0])
    np.testing.assert_allclose(differences("3-point", rosen, x)[0], rosen_der(x), rtol=1e-8)
    np.testing.assert_allclose(differences("2-point", rosen, x)[0], rosen_der(x), rtol=1e-6)
    np.testing.assert_allclose(differences("cs", rosen, x)[0], rosen_der(x), rtol=1e-15)
