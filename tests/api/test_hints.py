"""Mistakes that many make: the message says what to do instead."""

import warnings

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds, OptimizeWarning

import fastadam
from fastadam import minimize, minimize_batch, multistart
from tests.names import shown


def pair(x):
    return np.sum(x * x), 2.0 * x


compiled_pair = numba.njit(pair)


@numba.njit
def weighted(x, weights):
    return np.sum(weights * x * x)


def square(x, *args):
    return float(x @ x)


class Table:
    """What a DataFrame is, as far as it matters: it is iterated over by its columns' names."""

    def __iter__(self):
        return iter("ab")

    def to_numpy(self):
        return np.ones(2)


class Tensor(Table):
    """The same, by torch's name."""

    to_numpy = None

    def numpy(self):
        return np.ones(2)


# ---------------------------------------------------------------------------------------------
# Functions, and what they are given
# ---------------------------------------------------------------------------------------------


@pytest.mark.fault(number=18)
@pytest.mark.parametrize("fun", [pair, compiled_pair], ids=["python", "compiled"])
@pytest.mark.parametrize("jac", [None, "2-point", "cs", lambda x: 2 * x])
def test_a_pair_without_jac_true(fun, jac):
    with pytest.raises(ValueError, match=r"return.*jac=True"):
        minimize(fun, [1.0, 2.0], jac=jac)
    assert minimize(fun, [1.0, 2.0], jac=True).success


@pytest.mark.fault(number=18)
def test_a_vectorised_pair_without_jac_true():
    def pairs(x):
        return np.sum(x * x, axis=1), 2.0 * x

    for jac in (None, "cs"):
        with pytest.raises(ValueError, match=r"(?s)vectorized fun must return.*jac=True"):
            minimize_batch(pairs, np.ones((3, 2)), jac=jac, options={"vectorized": True})


def test_other_results_have_no_such_hint():
    for result in ("text", [1.0, 2.0], (1.0, 2.0, 3.0), None):
        with pytest.raises(ValueError, match="return") as caught:
            minimize(lambda x, result=result: result, [1.0, 2.0])
        assert "jac=True" not in str(caught.value)


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Table(), r"\.to_numpy\(\)"),
        (Tensor(), r"\.numpy\(\)"),
        ({"a": 1.0}, "NumPy arrays and tuples"),
        ([[1.0], [2.0]], "NumPy arrays and tuples"),
        ([], "NumPy arrays and tuples"),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.parametrize("jac", [None, lambda x, w: 2 * x], ids=["compiled", "mixed"])
def test_what_no_compiled_function_takes(value, hint, jac):
    if jac is not None and value == [[1.0], [2.0]]:
        pytest.skip("Numba warns of its own")
    with pytest.raises(ValueError, match=rf"args\[0\] cannot be passed.*{hint}"):
        minimize(weighted, [1.0, 2.0], jac=jac, args=(value,))


@pytest.mark.fault(number=18)
def test_a_series_of_pandas():
    pandas = pytest.importorskip("pandas")
    series = pandas.Series([1.0, 2.0])
    with pytest.raises(ValueError, match=r"(?s)args\[0\].*\.to_numpy\(\)"):
        minimize(weighted, [1.0, 2.0], args=(series,))
    with pytest.raises(TypeError, match=r"(?s)params.*\.to_numpy\(\)"):
        fastadam.Adam(pandas.DataFrame({"a": series}))


@pytest.mark.fault(number=18)
@pytest.mark.parametrize("value", [Table(), Tensor()], ids=["to_numpy", "numpy"])
def test_tables_and_tensors_as_parameters(value):
    hint = r"numpy\(\) is a NumPy array"
    with pytest.raises(TypeError, match=rf"params must .*{hint}"):
        fastadam.Adam(value)
    with pytest.raises(TypeError, match=rf"params\[0\] must .*{hint}"):
        fastadam.Adam([value])
    with pytest.raises(TypeError, match=rf"params\['w'\] must .*{hint}"):
        fastadam.Adam({"w": value})
    with pytest.raises(TypeError, match=rf"arrays must .*{hint}"):
        fastadam.pack(value)
    with pytest.raises(TypeError, match=rf"arrays\[0\] must .*{hint}"):
        fastadam.pack([value])


# ---------------------------------------------------------------------------------------------
# Words
# ---------------------------------------------------------------------------------------------

W = np.ones(2)
GROUP = fastadam.Adam(np.ones(2)).param_groups[0]

MISSPELT = [
    (lambda: minimize(square, W, method="adm"), "adam"),
    (lambda: minimize(square, W, method="RMSpropp"), "rmsprop"),
    (lambda: minimize(square, W, jac="2point"), "2-point"),
    (lambda: minimize(square, W, jac="inplace"), "in-place"),
    (lambda: minimize(square, W, options={"polish": "L-BFGS"}), "L-BFGS-B"),
    (lambda: minimize_batch(square, W[None], device="cude"), "cuda"),
    (lambda: multistart(square, [(0, 1)], sampling="sobel"), "sobol"),
    (lambda: fastadam.scipy_method(square, W, rule="nadm"), "nadam"),
    (lambda: fastadam.Adam(np.ones(2), nonfinite="skipp"), "skip"),
    (lambda: fastadam.Adam([{"params": np.ones(2), "learning_rate": 0.1}]), "lr"),
    (lambda: fastadam.Adam([{"params": np.ones(2), "Weight_Decy": 0.1}]), "weight_decay"),
    (lambda: fastadam.Adam([{"params": np.ones(2), "epsilon": 0.1}]), "eps"),
    (lambda: GROUP.update({"beta": (0.5, 0.5)}), "betas"),
]


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(("call", "right"), MISSPELT)
def test_a_misspelt_word(call, right):
    with pytest.raises((ValueError, KeyError)) as caught:
        call()
    assert f"did you mean {right!r}?" in caught.value.args[0]


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("maxiters", "maxiters (did you mean 'maxiter'?)"),
        ("learning_rate", "learning_rate (did you mean 'lr'?)"),
        ("eps", "eps (did you mean 'epsilon'?)"),
        ("Gtol", "Gtol (did you mean 'gtol'?)"),
        ("momentum", "momentum"),  # of another rule
        ("fruit", "fruit"),
    ],
)
def test_a_misspelt_option(given, told):
    """SciPy only warns of unknown options, and so do we."""
    with pytest.warns(OptimizeWarning) as caught:
        minimize(square, W, options={given: 1.0, "maxiter": 0})
    assert [str(each.message) for each in caught] == [f"Unknown solver options: {told}"]


@pytest.mark.fault(number=18)
def test_a_misspelt_option_of_a_batch():
    with pytest.warns(OptimizeWarning, match=r"thread \(did you mean 'threads'\?\)"):
        minimize_batch(square, W[None], options={"thread": 1, "maxiter": 0})


# ---------------------------------------------------------------------------------------------
# Bounds
# ---------------------------------------------------------------------------------------------


def told(bounds, call=minimize, x0=W):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call(square, x0, bounds=bounds, options={"maxiter": 0})
    assert {each.filename for each in caught} <= {__file__}
    return result.x, [str(each.message) for each in caught]


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(
    "bounds",
    [
        ([0, 0], [1, 2]),
        [[0, 0], [1, 2]],
        np.array([[0, 0], [1, 2]]),
        (np.array([0.0, 0.0]), np.array([1.0, 2.0])),
        ([-5, -5], [5, 5]),
        ([0, 1], [2, 3]),
    ],
    ids=repr,
)
def test_bounds_that_may_be_meant_otherwise(bounds):
    """They are pairs, as in SciPy, and it says so."""
    (low, high), (low_1, high_1) = np.array(bounds, dtype=float)
    x, messages = told(bounds)
    np.testing.assert_array_equal(x, np.clip(W, [low, low_1], [high, high_1]))
    assert len(messages) == 1
    assert f"x[0] in [{low}, {high}], x[1] in [{low_1}, {high_1}]" in messages[0]
    assert "scipy.optimize.Bounds(lower, upper)" in messages[0]
    assert told(bounds, minimize_batch, W[None])[1] == messages
    with pytest.warns(OptimizeWarning, match="are read as") as caught:
        multistart(square, bounds, 2, rng=0, options={"maxiter": 0})
    assert [each.filename for each in caught] == [__file__]


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(
    "bounds",
    [
        [(0, 1), (0, 2)],
        [(1, 1), (2, 2)],
        [(0, 0), (1, 2)],
        ((0, 1), (2, 3)),
        [[0, 1], [2, 3]],
        [[0, 1], [0, 2]],
        np.array([[0, 1], [2, 3]]),
        ([0, 1], [0, 2]),
        ([0, None], [1, 2]),
        [(0, 1), (None, None)],
        zip([0, 0], [0, 1], strict=True),
        Bounds([0, 0], [1, 2]),
    ],
    ids=shown,
)
def test_plain_pairs_are_no_riddle(bounds):
    assert told(bounds)[1] == []


@pytest.mark.fault(number=18)
@pytest.mark.parametrize(
    ("bounds", "n"),
    [(([0, -1], [1, 2]), 2), (([0, 0, 0], [1, 2, 3]), 3), ((np.zeros(1), np.ones(1)), 1)],
)
def test_bounds_that_can_only_be_meant_otherwise(bounds, n):
    with pytest.raises(ValueError, match=r"bounds.*scipy\.optimize\.Bounds\(lower, upper\)"):
        minimize(square, np.ones(n), bounds=bounds)
