"""Bad input to `fastadam.multistart`: an error that names it."""

import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeWarning

import fastadam
from tests.api.batch.multistarts import BOX, HIMMELBLAU, himmelblau, multistart
from tests.api.minimize.helpers import INF, NAN
from tests.processes import run_python


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"bounds": None}, ["bounds", "None"]),
        ({"bounds": 3.0}, ["bounds", "3.0"]),
        ({"bounds": []}, ["bounds", "none"]),
        ({"bounds": np.empty((0, 2))}, ["bounds", "none"]),
        ({"bounds": [1.0, 2.0]}, ["bounds"]),
        ({"bounds": [(0, 1), (0, 1, 2)]}, ["bounds"]),
        ({"bounds": [(0, 1), (2, 1)]}, ["bounds[1]", "(2.0, 1.0)"]),
        ({"bounds": [(0, 1), (0, None)]}, ["bounds[1]", "finite", "(0.0, inf)"]),
        ({"bounds": [(None, None), (0, 1)]}, ["bounds[0]", "finite"]),
        ({"bounds": [(-INF, 0), (0, 1)]}, ["bounds[0]", "finite"]),
        ({"bounds": [(0, 1), (NAN, 1)]}, ["bounds[1]", "finite"]),
        ({"bounds": [("0", "1")]}, ["bounds", "real"]),
        ({"bounds": Bounds([0, 0], [1, INF])}, ["bounds[1]", "finite"]),
        ({"bounds": Bounds()}, ["bounds[0]", "finite"]),
        ({"bounds": Bounds([0, 0], [1, NAN])}, ["bounds.ub", "NaN"]),
        ({"bounds": Bounds(np.zeros((2, 2)), 1.0)}, ["bounds.lb", "(2, 2)"]),
        ({"n_starts": 0}, ["n_starts", "0"]),
        ({"n_starts": -3}, ["n_starts", "-3"]),
        ({"n_starts": 2.5}, ["n_starts", "2.5"]),
        ({"n_starts": True}, ["n_starts", "True"]),
        ({"n_starts": "10"}, ["n_starts", "10"]),
        ({"n_starts": None}, ["n_starts", "None"]),
        ({"sampling": "random"}, ["sampling", "latin-hypercube", "'random'"]),
        ({"sampling": None}, ["sampling", "None"]),
        ({"rng": -1}, ["rng", "-1"]),
        ({"rng": 1.5}, ["rng", "1.5"]),
        ({"rng": "0"}, ["rng", "'0'"]),
        ({"rng": True}, ["rng", "True"]),
        ({"within_bounds": 1}, ["within_bounds", "1"]),
        ({"within_bounds": None}, ["within_bounds", "None"]),
        ({"fun": None}, ["fun", "None"]),
        ({"jac": "exact"}, ["jac", "exact"]),
        ({"method": "newton"}, ["method", "newton"]),
        ({"options": {"maxiter": -1}}, ["maxiter", "-1"]),
        ({"options": {"lr": [0.1, 0.2]}, "n_starts": 3}, ["lr", "3"]),
        ({"options": {"polish": "BFGS"}}, ["polish"]),
        ({"tol": -1.0}, ["tol", "-1.0"]),
    ],
)
def test_bad_arguments_are_named(arguments, words):
    def untouched(x, *args):
        raise AssertionError("called")

    with pytest.raises((TypeError, ValueError)) as caught:
        multistart(**{"fun": untouched, **arguments})
    for word in words:
        assert word in str(caught.value), caught.value


def test_unknown_options_warn():
    with pytest.warns(OptimizeWarning, match="rate"):
        multistart(HIMMELBLAU.fun, n_starts=2, options={"rate": 0.1}, rng=0)


def test_keywords_only():
    with pytest.raises(TypeError, match="positional"):
        fastadam.multistart(himmelblau, BOX, 2, (), "adam", None, None, None, "sobol")


def test_scipy_stats_is_not_imported_before_it_is_needed():
    output = run_python(
        "import sys; from fastadam import multistart; print('scipy.stats' in sys.modules)"
    )
    assert output.strip() == "False"
