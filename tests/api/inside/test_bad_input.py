"""What cannot be searched from compiled code is told when the search is made, or compiled."""

import numba
import numpy as np
import pytest

import fastadam


@numba.njit
def square(x, a=0.0):
    return (x[0] - a) ** 2


def plain(x):
    return x[0] ** 2


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ({"fun": plain}, TypeError, "fun must be compiled by numba.njit, got <function plain"),
        ({"fun": 3}, TypeError, "fun must be callable, got 3"),
        ({"jac": plain}, TypeError, "jac must be compiled by numba.njit, got <function plain"),
        ({"jac": "4-point"}, ValueError, "jac must be callable.*got '4-point'"),
        ({"method": "bfgs"}, ValueError, "method must be one of.*got 'bfgs'"),
        ({"bounds": [(1.0, 0.0)]}, ValueError, r"bounds\[0\] = \(1.0, 0.0\)"),
        ({"bounds": iter([(0.0, 1.0), 3])}, ValueError, "bounds must be a Bounds or"),
        ({"bounds": 3}, ValueError, "bounds must be a Bounds or"),
        ({"options": {"lr": -1.0}}, ValueError, "lr must be.*got -1.0"),
        ({"options": {"lr": lambda step: -1.0}}, ValueError, r"lr\(1\) must be"),
        (
            {"options": {"lr": lambda step: 0.1, "maxiter": 10**6}},
            ValueError,
            "maxiter must be at most 100000",
        ),
        ({"options": {"max_seconds": 3}}, ValueError, "no max_seconds, .*got 3.0"),
        ({"options": {"disp": True}}, ValueError, "no disp, .*got True"),
        ({"options": {"return_all": True}}, ValueError, "no return_all, .*got True"),
        ({"options": {"polish": "BFGS"}}, ValueError, "no polish, .*got 'BFGS'"),
        ({"options": {"checkpoint": "here"}}, ValueError, "no checkpoint, .*got 'here'"),
        (
            {"bounds": [(0.0, 1.0)] * 2, "options": {"x_scale": [1.0] * 3}},
            ValueError,
            "bounds must have a pair for each of 3 variables, got 2",
        ),
        (
            {"bounds": [(0.0, 1.0)] * 2, "options": {"finite_diff_rel_step": [1e-5] * 3}},
            ValueError,
            "bounds must have a pair for each of 3 variables, got 2",
        ),
        (
            {"bounds": [(0.0, 1.0)] * 3, "options": {"finite_diff_rel_step": [1e-5] * 2}},
            ValueError,
            "finite_diff_rel_step must be a number or 3 numbers",
        ),
    ],
)
def test_it_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        fastadam.compiled(**{"fun": square, **given})


def test_options_that_ask_for_nothing_are_none():
    fastadam.compiled(square, options={"max_seconds": None, "disp": False, "polish": None})


@pytest.mark.slow
def test_starts_of_another_size():
    solve = fastadam.compiled(square, bounds=[(0.0, 1.0)] * 2)
    with pytest.raises(ValueError, match="x0 must have 2 numbers"):
        solve(np.ones(3))
    with pytest.raises(ValueError, match="x0 must have at least one element"):
        fastadam.compiled(square)(np.ones(0))


@numba.njit
def pair(x):
    return x[0], x


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fun", "given", "words"),
    [
        (square, ("a",), "x0 must be a vector of real numbers.*got unicode_type"),
        (square, (np.ones((2, 2)),), "x0 must be a vector of real numbers.*got array"),
        (square, (1j,), "x0 must be a vector of real numbers.*got complex128"),
        (square, (1.0, 2.0, 3.0), "fun cannot be compiled for"),
        (pair, (1.0,), "fun must return a real number.*pass jac=True"),
    ],
)
def test_what_cannot_be_compiled(fun, given, words):
    with pytest.raises(numba.TypingError, match=f"(?s){words}"):
        fastadam.compiled(fun)(*given)
