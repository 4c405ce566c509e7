"""Bounds: no point outside them is evaluated, and fixed variables stay."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds

from tests.api.minimize.helpers import (
    CENTRE,
    METHODS,
    Recorder,
    forms,
    quadratic,
    quadratic_der,
    run,
)


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_a_minimum_outside_the_box(form, lr):
    """The gradient that is left pushes against the walls, and does not count."""
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, lr=lr, bounds=[(0.5, 2), (-1, None), (None, 1)])
    assert result.status == 0
    np.testing.assert_array_equal(result.x, [0.5, -1, 1])
    np.testing.assert_allclose(result.jac, quadratic_der(result.x), rtol=1e-4)


def test_the_same_bounds_in_every_form():
    lower, upper = [0.5, -np.inf, -1.0], [np.inf, 4.0, 1.0]
    every = [
        Bounds(lower, upper),
        Bounds(np.array(lower), np.array(upper), keep_feasible=True),
        [(0.5, None), (None, 4), (-1, 1)],
        ((0.5, np.inf), (-np.inf, 4), (-1, 1)),
        [(0.5, np.nan), (np.nan, 4), (-1, 1)],
        np.transpose([lower, upper]),
        zip(lower, upper, strict=True),
    ]
    results = [run(bounds=bounds, lr=0.05).x.tobytes() for bounds in every]
    assert len(set(results)) == 1
    assert len({run(bounds=b, lr=0.05).x.tobytes() for b in (Bounds(0, 2), [(0, 2)] * 3)}) == 1


def test_infinite_bounds_are_none():
    expected = run(lr=0.05).x.tobytes()
    for bounds in (Bounds(), [(None, None)] * 3, [(-np.inf, np.inf)] * 3, Bounds(-np.inf, np.inf)):
        assert run(bounds=bounds, lr=0.05).x.tobytes() == expected


def test_a_start_outside_the_box_is_moved_to_its_edge():
    fun = Recorder(quadratic)
    x0 = np.array([9.0, 0.0, -9.0])
    run(fun, x0, bounds=[(0, 1), (-1, 1), (-2, 2)], lr=0.1)
    np.testing.assert_array_equal(fun.points[0], [1, 0, -2])
    np.testing.assert_array_equal(x0, [9, 0, -9])


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
@pytest.mark.parametrize("lr", ["auto", 0.05])
def test_fixed_variables_stay(form, lr):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, bounds=[(None, None), (0.7, 0.7), (-5, 5)], lr=lr)
    assert result.x[1] == 0.7
    np.testing.assert_allclose(result.x[[0, 2]], CENTRE[[0, 2]], atol=1e-4)
    assert result.status == 0
    if jac not in (None, False, "2-point", "3-point"):
        np.testing.assert_array_equal(result.jac, quadratic_der(result.x))


@pytest.mark.parametrize("form", forms(quadratic, quadratic_der))
def test_nothing_to_do_where_everything_is_fixed(form):
    fun, jac = forms(quadratic, quadratic_der)[form]
    result = run(fun, jac=jac, bounds=[(v, v) for v in (1.0, 2.0, 3.0)])
    assert (result.nit, result.nfev, result.status) == (0, 1, 0)
    np.testing.assert_array_equal(result.x, [1, 2, 3])


coordinates = st.floats(-3, 3)
widths = st.sampled_from([0.0, 1e-300, 1e-12, 1e-9, 1e-4, 0.3, 2.0, np.inf])


@settings(deadline=None, max_examples=40)
@given(
    data=st.data(),
    form=st.sampled_from(list(forms(quadratic, quadratic_der))),
    lr=st.sampled_from(["auto", 0.01, 1.0]),
    method=st.sampled_from(METHODS),
)
def test_no_point_outside_the_box_is_ever_evaluated(data, form, lr, method):
    lower = np.array(data.draw(st.lists(coordinates, min_size=3, max_size=3)))
    upper = lower + data.draw(st.lists(widths, min_size=3, max_size=3))
    x0 = data.draw(st.lists(coordinates, min_size=3, max_size=3))
    outside = []

    def watched(x):
        if not np.all((lower <= x) & (x <= upper)):
            outside.append((x.copy(), lower, upper))
        return quadratic(x)

    fun, jac = forms(watched, quadratic_der)[form]
    result = run(fun, x0, jac, method=method, lr=lr, bounds=Bounds(lower, upper), maxiter=60)
    assert outside == []
    assert np.all((lower <= result.x) & (result.x <= upper))
    assert result.fun == quadratic(result.x) <= quadratic(np.clip(x0, lower, upper))
