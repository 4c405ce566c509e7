"""Bad arguments of `curve_fit` are errors that name them."""

import numpy as np
import pytest

import fastadam

from .curves import T, decay, make

Y = make(4)[0]


@pytest.mark.parametrize(("changes", "message"), [
    ({"ydata": "curve"}, "ydata must be real numbers"),
    ({"ydata": Y[0, :2]}, "at least 3 points, one for each parameter, got 2"),
    ({"ydata": np.full(30, np.nan)}, "at least 3 points, one for each parameter, got 0"),
    ({"ydata": np.full(30, np.nan), "nan_policy": "raise"}, "ydata must be finite"),
    ({"check_finite": True, "ydata": np.full((2, 30), np.inf)}, "ydata must be finite"),
    ({"ydata": np.where(T == 0, np.inf, Y[0])}, "ydata and what f returns must be finite"),
    ({"f": lambda t, a: np.full(30, np.nan), "ydata": Y[0]}, "a sum of squares of nan at"),
    ({"nan_policy": "propagate"}, "nan_policy must be one of omit, raise"),
    ({"f": lambda t, *p: t}, "p0 must be given"),
    ({"f": lambda t, a: np.ones(7) * a}, r"f must return 30 values.* shape \(7,\)"),
    ({"p0": np.ones((3, 3))}, r"p0 must have 3 numbers.*got shape \(3, 3\)"),
    ({"p0": [1, 1, np.nan], "ydata": Y[0]}, "p0 must be finite"),
    ({"p0": [1, 1, 9], "bounds": (0, 5)}, "p0 must be within bounds: parameter 2 of curve 0"),
    ({"bounds": (0, [1, 1, -1])}, "lower bound is above the upper one: parameter 2 of curve 0"),
    ({"bounds": [0, 1, 2]}, "bounds must be"),
    ({"bounds": (np.nan, 1)}, "bounds must not be NaN"),
    ({"sigma": np.zeros(30)}, "sigma must be > 0.*got 0.0"),
    ({"sigma": -np.ones((4, 30))}, "sigma must be > 0.*got -1.0"),
    ({"sigma": np.ones((3, 30))}, r"sigma must broadcast to the shape \(4, 30\)"),
    ({"sigma": np.eye(30)}, "a covariance is for one curve"),
    ({"sigma": -np.eye(30), "ydata": Y[0]}, "sigma must be a positive definite matrix"),
    ({"method": "lm", "bounds": (0, 5)}, "method='lm' has no bounds"),
    ({"method": "adam"}, "method must be one of"),
    ({"jac": "2-point", "method": "lm"}, "jac must be a callable"),
    ({"jac": lambda t, *p: np.ones((30, 2)), "ydata": Y[0]}, r"jac must return shape \(30, 3\)"),
    ({"threads": 0}, "threads must be >= 1"),
    ({"args": (1,)}, "args is not for curve_fit"),
    ({"absolute_sigma": "yes"}, "absolute_sigma must be True or False"),
])  # fmt: skip
def test_it_names_the_argument(changes, message):
    arguments = {"f": decay, "xdata": T, "ydata": Y} | changes
    with pytest.raises((ValueError, TypeError), match=message):
        fastadam.curve_fit(**arguments)


def test_what_a_model_raises_comes_through():
    def model(t, a):
        raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine"):
        fastadam.curve_fit(model, T, Y)
