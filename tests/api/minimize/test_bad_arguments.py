"""Bad arguments of `fastadam.minimize`: an error that names them."""

import numpy as np
import pytest
import scipy
from scipy.optimize import Bounds

import fastadam
from tests.api.minimize.failing import X0, minimize
from tests.api.minimize.helpers import INF, NAN


def refused(match, kinds=(TypeError, ValueError), **arguments):
    """Require an error that says all of ``match``, before any function is called."""

    def untouched(x, *args):
        raise AssertionError("called")

    arguments = {"fun": untouched, "jac": untouched, **arguments}
    with pytest.raises(kinds) as caught:
        minimize(**arguments)
    for word in match:
        assert word in str(caught.value), caught.value


# ---------------------------------------------------------------------------------------------
# Arguments
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("x0", "words"),
    [
        ([], ["x0", "empty"]),
        (np.empty((0, 2)), ["x0"]),
        (np.ones((2, 2)), ["x0", "one dimension", "(2, 2)"]),
        (np.ones((1, 2)), ["x0", "one dimension", "(1, 2)"]),
        ([[1.0], [2.0]], ["x0", "one dimension"]),
        ([1j, 2.0], ["x0", "complex128"]),
        (["1", "2"], ["x0", "real"]),
        ("12", ["x0", "real"]),
        (None, ["x0", "real"]),
        ({"a": "1"}, ["x0['a']", "real"]),
        ([1.0, None], ["x0", "real"]),
        (np.array(["2020-01-01"], "M8[D]"), ["x0", "real"]),
        ([[1.0], [2.0, 3.0]], []),  # NumPy's own message
    ],
    ids=repr,
)
def test_x0(x0, words):
    refused(words, ValueError, x0=x0)


@pytest.mark.parametrize("bad", [None, 1.0, "rosen", np.ones(2)], ids=repr)
def test_fun_that_is_no_function(bad):
    refused(["fun", "callable"], TypeError, fun=bad)


@pytest.mark.parametrize("bad", ["4-point", "cs ", 1, 0, 2.0, [1.0], np.ones(2), {}], ids=repr)
def test_jac_that_is_none(bad):
    refused(["jac"], jac=bad)


@pytest.mark.parametrize("bad", ["BFGS", "", 3, fastadam.Adam, ["adam"]], ids=repr)
def test_method(bad):
    refused(["method", "adam", "radam", "sgd"], ValueError, method=bad)


@pytest.mark.parametrize("bad", [1, "print", [print]], ids=repr)
def test_callback(bad):
    refused(["callback"], TypeError, callback=bad)


@pytest.mark.parametrize("bad", [-1e-3, NAN, "1e-3", True, [1e-3], 1j], ids=repr)
def test_tol(bad):
    refused(["tol"], tol=bad)


@pytest.mark.parametrize("bad", [3, "lr", 0.1, ["lr"]], ids=repr)
def test_options_that_are_no_mapping(bad):
    refused(["options"], options=bad)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ([(0, 1), (1, 0)], ["upper bound is less", "bounds[1]", "1.0", "0.0"]),
        (Bounds([0, 1], [1, 0]), ["upper bound is less", "bounds[1]"]),
        ([(0, 1), (INF, -INF)], ["bounds[1]"]),
        ([(0, 1), (INF, INF)], ["bounds[1]", "inf"]),
        ([(-INF, -INF), (0, 1)], ["bounds[0]", "inf"]),
        ([(0, 1)], ["bounds", "2", "1"]),
        ([(0, 1)] * 3, ["bounds", "2", "3"]),
        ([], ["bounds", "2"]),
        ([(0, 1, 2), (0, 1, 2)], ["bounds"]),
        ([0, 1], ["bounds"]),
        (3, ["bounds"]),
        ("ab", ["bounds"]),
        ([("a", "b"), (0, 1)], ["bounds"]),
        ([(0, 1j), (0, 1)], ["bounds"]),
        ([([0], [1, 2]), (0, 1)], ["bounds"]),
        (Bounds([0, 0, 0], [1, 1, 1]), ["bounds", "2", "(3,)"]),
        (Bounds([0, NAN], [1, 1]), ["bounds.lb", "NaN"]),
        (Bounds([0, 0], [NAN, 1]), ["bounds.ub", "NaN"]),
    ],
    ids=repr,
)
def test_bounds(bounds, words):
    refused(words, bounds=bounds)


# An option, a value, and what the message must hold besides the option's name.
OPTIONS = [
    *[("lr", bad, repr(bad)) for bad in (-0.1, NAN, INF, "fast", "0.1", True, 1j, [0.1])],
    ("lr", np.array([0.1, 0.2]), "float64"),
    ("betas", (1.0, 0.9), "1.0"),
    ("betas", (0.9, -0.1), "-0.1"),
    ("betas", (0.9,), "(0.9,)"),
    ("betas", 0.9, "0.9"),
    ("betas", "ab", "'ab'"),
    ("epsilon", -1e-8, "-1e-08"),
    ("epsilon", NAN, "nan"),
    ("weight_decay", -0.1, "-0.1"),
    ("amsgrad", 1, "1"),
    ("amsgrad", "no", "'no'"),
    *[("clip_norm", bad, repr(bad)) for bad in (0.0, -1.0, NAN, "1", True)],
    *[("maxiter", bad, repr(bad)) for bad in (-1, 2.5, NAN, -INF, "10", True, [10], 1j)],
    ("maxiter", -1.0, "-1"),
    *[("maxfev", bad, repr(bad)) for bad in (0, -1, 2.5, NAN, "10", True)],
    *[("max_seconds", bad, repr(bad)) for bad in (0, -1.0, NAN, "1", True)],
    *[("gtol", bad, repr(bad)) for bad in (-1e-5, NAN, INF, "1e-5", True, [1e-5])],
    *[("ftol", bad, repr(bad)) for bad in (-1e-5, NAN, INF, "1e-5")],
    *[("patience", bad, repr(bad)) for bad in (0, -1, 1.5, NAN, "3", True)],
    ("finite_diff_rel_step", 0.0, "0.0"),
    ("finite_diff_rel_step", -1e-8, "-1e-08"),
    ("finite_diff_rel_step", NAN, "nan"),
    ("finite_diff_rel_step", INF, "inf"),
    ("finite_diff_rel_step", "1e-8", "'1e-8'"),
    ("finite_diff_rel_step", [1e-8, 0.0], "0.0"),
    ("finite_diff_rel_step", [1e-8, 1e-8j], "1e-08j"),
    ("polish", "Adam", "'Adam'"),
    ("polish", "", "''"),
    ("polish", True, "True"),
    ("polish", fastadam.scipy_method, "scipy_method"),
    *[("polish", bad, bad) for bad in ("trust-exact", "trust-ncg", "dogleg", "trust-krylov")],
]


@pytest.mark.parametrize(("name", "bad", "word"), OPTIONS)
def test_options(name, bad, word):
    refused([name, word], options={name: bad})


@pytest.mark.parametrize("bad", [[1e-8] * 3, [[1e-8], [1e-8]], [[1e-8, 1e-8]], []], ids=repr)
def test_a_step_for_each_of_other_variables(bad):
    refused(["finite_diff_rel_step"], jac="2-point", options={"finite_diff_rel_step": bad})


@pytest.mark.parametrize(
    ("method", "name", "bad"),
    [
        ("rmsprop", "alpha", 1.0),
        ("rmsprop", "alpha", -0.1),
        ("sgd", "momentum", -0.1),
        ("sgd", "momentum", 1.0),
        ("momentum", "momentum", 1.5),
        ("momentum", "dampening", 1.5),
        ("momentum", "dampening", -0.5),
        ("sgd", "nesterov", "yes"),
        ("nadam", "momentum_decay", -1.0),
        ("adamw", "weight_decay", INF),
    ],
)
def test_options_of_methods(method, name, bad):
    """The same that the optimisers refuse."""
    refused([name, repr(bad)], method=method, options={name: bad})


@pytest.mark.parametrize(
    ("method", "options", "word"),
    [
        ("sgd", {"nesterov": True}, "momentum=0.0"),
        ("momentum", {"nesterov": True, "dampening": 0.1}, "dampening=0.1"),
    ],
)
def test_nesterov_without_what_it_needs(method, options, word):
    refused(["nesterov", word], ValueError, method=method, options=options)


@pytest.mark.parametrize("name", ["BFGS", "CG", "Newton-CG"])
def test_polish_that_knows_no_bounds(name):
    refused([name, "bounds"], ValueError, bounds=[(0, 1)] * 2, options={"polish": name})


@pytest.mark.fault(number=31)
def test_a_polish_that_an_older_scipy_does_not_have(monkeypatch):
    monkeypatch.setattr(scipy, "__version__", "1.13.1")
    words = ["COBYQA", "needs SciPy 1.14 or later", "1.13.1"]
    refused(words, ValueError, options={"polish": "COBYQA"})


@pytest.mark.parametrize("name", ["maxiter", "maxfev", "patience"])
@pytest.mark.parametrize("huge", [2**63, 10**30, 1e30, INF])
def test_a_huge_limit_is_no_limit(name, huge):
    assert minimize(options={name: huge}).success


def test_x0_is_intact_after_a_refusal():
    x0 = X0.copy()
    refused(["lr"], x0=x0, options={"lr": -1.0})
    np.testing.assert_array_equal(x0, X0)


# ---------------------------------------------------------------------------------------------
# Schedules
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [-0.1, NAN, INF, None, "0.1", 1j, [0.1]], ids=repr)
@pytest.mark.parametrize("k", [1, 5])
def test_a_schedule_that_returns_no_step_size(bad, k):
    with pytest.raises((TypeError, ValueError), match=rf"lr\({k}\)"):
        minimize(options={"lr": lambda t: bad if t == k else 0.1})


def test_what_a_schedule_raises_propagates():
    def lr(t):
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        minimize(options={"lr": lr})
