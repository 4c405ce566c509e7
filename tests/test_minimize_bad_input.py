"""Bad input to `fastadam.minimize`: an error that names it, or the status that SciPy has for it."""

import numba
import numpy as np
import pytest
from scipy.optimize import Bounds

import fastadam

NAN, INF = float("nan"), float("inf")
X0 = np.array([1.0, -2.0])


def fun(x):
    return float(x @ x)


def jac(x):
    return 2.0 * x


def minimize(fun=fun, x0=X0, jac=jac, **arguments):
    return fastadam.minimize(fun, x0, jac=jac, **arguments)


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
        ({"a": 1.0}, ["x0", "real"]),
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


@pytest.mark.parametrize("bad", ["BFGS", "", None, 3, fastadam.Adam, ["adam"]], ids=repr)
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
    *[("maxiter", bad, repr(bad)) for bad in (-1, 2.5, NAN, INF, "10", True, [10], 1j)],
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


@pytest.mark.parametrize("name", ["maxiter", "maxfev", "patience"])
@pytest.mark.parametrize("huge", [2**63, 10**30, 1e30])
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


# ---------------------------------------------------------------------------------------------
# What the functions return, and raise
# ---------------------------------------------------------------------------------------------


def at_call(k, bad, good):
    """Return a function that gives ``bad`` from its k-th call on, and ``good(x)`` before."""
    calls = []

    def function(x, *args):
        calls.append(None)
        return bad(x) if len(calls) >= k else good(x)

    return function


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        (None, "None"),
        (np.ones(2), "(2,)"),
        ([1.0, 2.0], "[1.0, 2.0]"),
        (np.ones((2, 2)), "(2, 2)"),
        ([], "[]"),
        ("1.0", "'1.0'"),
        (1j, "1j"),
        (np.complex128(1), "1+0j"),
        ((1.0, np.ones(2)), "("),  # both, without jac=True
    ],
    ids=repr,
)
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("form", [jac, "2-point", "3-point", "in-place"])
def test_an_objective_that_returns_no_real_number(bad, word, k, form):
    """SciPy has a message for what is no scalar."""
    if form == "in-place":

        def broken(x, grad):
            grad[:] = jac(x)
            return at(x)

        at = at_call(k, lambda x: bad, fun)
    else:
        broken = at_call(k, lambda x: bad, fun)
    with pytest.raises((TypeError, ValueError), match=r"fun|objective function") as caught:
        minimize(broken, jac=form, options={"lr": 0.1})
    assert word in str(caught.value)


@pytest.mark.parametrize("bad", [None, np.ones(2), "1"], ids=repr)
def test_an_objective_of_complex_x(bad):
    with pytest.raises(ValueError, match=r"fun|objective function"):
        minimize(lambda x: bad if np.iscomplexobj(x) else 1.0, jac="cs")


@pytest.mark.parametrize("bad", [1.0, None, np.ones(3), (1.0,), (1.0, X0, X0), "ab"], ids=repr)
def test_an_objective_that_returns_no_pair(bad):
    with pytest.raises(ValueError, match=r"fun|jac"):
        minimize(lambda x: bad, jac=True)


@pytest.mark.parametrize(
    "bad",
    [
        np.ones(3),
        np.ones(1),
        np.ones((2, 1)),
        np.ones((1, 2)),
        1.0,
        None,
        [],
        [1.0],
        [1.0, None],
        ["1", "2"],
        np.array([1j, 2]),
    ],
    ids=repr,
)
@pytest.mark.parametrize("k", [1, 4])
@pytest.mark.parametrize("pair", [False, True])
def test_a_gradient_that_is_none(bad, k, pair):
    broken = at_call(k, lambda x: bad, jac)
    function = (lambda x: (fun(x), broken(x))) if pair else fun
    with pytest.raises(ValueError, match="jac"):
        minimize(function, jac=True if pair else broken, options={"lr": 0.1})


class MineError(Exception):
    pass


def raises(x):
    raise MineError("in the middle")


@pytest.mark.parametrize("form", ["fun", "jac", "true", "in-place", "2-point", "3-point", "cs"])
@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_what_a_function_raises_propagates(form, k, lr):
    value = at_call(k, raises, lambda x: np.sum(x * x))
    gradient = at_call(k, raises, jac)

    def in_place(x, grad):
        grad[:] = gradient(x)
        return fun(x)

    function, given = {
        "fun": (value, jac),
        "jac": (fun, gradient),
        "true": (lambda x: (fun(x), gradient(x)), True),
        "in-place": (in_place, "in-place"),
    }.get(form, (value, form))
    x0 = X0.copy()
    with pytest.raises(MineError, match="in the middle"):
        minimize(function, x0, given, options={"lr": lr})
    np.testing.assert_array_equal(x0, X0)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
def test_what_a_function_raises_is_not_taken_for_a_callbacks(kind):
    def function(x):
        raise kind

    with pytest.raises(kind):
        minimize(function)


def test_a_function_of_the_wrong_number_of_arguments():
    with pytest.raises(TypeError, match="argument"):
        minimize(args=(1, 2))
    with pytest.raises(TypeError, match="argument"):
        minimize(lambda x, a: 1.0)
    with pytest.raises(TypeError, match="argument"):
        minimize(callback=lambda: None)


# ---------------------------------------------------------------------------------------------
# Not finite: status 3, and the best point before
# ---------------------------------------------------------------------------------------------

NONFINITE = pytest.mark.parametrize("bad", [NAN, INF, -INF])


@NONFINITE
@pytest.mark.parametrize("lr", ["auto", 0.1])
@pytest.mark.parametrize("form", [jac, True, "2-point", "3-point"])
def test_a_value_at_the_start_that_is_not_finite(bad, form, lr):
    function = (lambda x: (bad, jac(x))) if form is True else lambda x: bad
    with np.errstate(invalid="ignore"):
        result = minimize(function, jac=form, options={"lr": lr})
    assert (result.status, result.success, result.nit) == (3, False, 0)
    assert result.message == "NaN or infinite result encountered."
    np.testing.assert_array_equal(result.x, X0)
    np.testing.assert_equal(result.fun, bad)


@NONFINITE
@pytest.mark.parametrize("lr", ["auto", 0.1])
def test_a_gradient_at_the_start_that_is_not_finite(bad, lr):
    result = minimize(jac=lambda x: np.array([0.5, bad]), options={"lr": lr})
    assert (result.status, result.success, result.nit) == (3, False, 0)
    np.testing.assert_array_equal(result.x, X0)
    assert result.fun == fun(X0)
    np.testing.assert_array_equal(result.jac, [0.5, bad])


@NONFINITE
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("form", [jac, "2-point"])
def test_a_value_that_is_not_finite_ends_a_numeric_step_size(bad, k, form):
    calls = []

    def function(x):
        calls.append(x.copy())
        return bad if len(calls) >= (k if callable(form) else 3 * k - 2) else fun(x)

    with np.errstate(invalid="ignore"):
        result = minimize(function, jac=form, options={"lr": 0.1})
    assert (result.status, result.success, result.nit) == (3, False, k - 1)
    assert result.fun == fun(result.x) < INF
    assert np.all(np.isfinite(result.jac))
    np.testing.assert_allclose(result.jac, jac(result.x), rtol=1e-6)


@NONFINITE
@pytest.mark.parametrize("k", [2, 5])
@pytest.mark.parametrize("pair", [False, True])
def test_a_gradient_that_is_not_finite_ends_a_numeric_step_size(bad, k, pair):
    broken = at_call(k, lambda x: np.array([1.0, bad]), jac)
    if pair:
        result = minimize(lambda x: (fun(x), broken(x)), jac=True, options={"lr": 0.1})
    else:
        result = minimize(jac=broken, options={"lr": 0.1})
    assert (result.status, result.success, result.nit) == (3, False, k - 1)
    assert result.fun == fun(result.x)
    # Either the last point, whose gradient is what it is, or the last good one.
    if np.all(np.isfinite(result.jac)):
        np.testing.assert_array_equal(result.jac, jac(result.x))


@NONFINITE
def test_the_default_goes_round_values_that_are_not_finite(bad):
    """A wall of them, on the way of the first long steps, beyond the minimum."""
    result = minimize(lambda x: bad if x[1] > 0.1 else fun(x))
    assert result.success
    assert result.fun == fun(result.x) < 1e-6
    np.testing.assert_array_equal(result.jac, jac(result.x))


@NONFINITE
def test_the_default_where_gradients_are_not_finite(bad):
    """It goes on, or ends there if that is the best point: nobody knows the way from it."""

    def gradient(x):
        return np.array([bad, bad]) if x[1] > 0.1 else jac(x)

    result = minimize(jac=gradient)
    assert result.status in (0, 3)
    assert np.all(np.isfinite(result.jac)) == (result.status == 0)
    assert result.fun == fun(result.x) < fun(X0)
    np.testing.assert_array_equal(result.jac, gradient(result.x))


def test_a_start_that_is_not_finite():
    for x0 in ([NAN, 1.0], [INF, 1.0]):
        with np.errstate(invalid="ignore"):
            result = minimize(x0=x0)
        assert (result.status, result.success) == (3, False)


@pytest.mark.parametrize("lr", [1e3, 1e300])
@pytest.mark.parametrize("method", ["sgd", "momentum", "adam", "nadam"])
def test_a_search_that_blows_up(lr, method):
    with np.errstate(all="ignore"):
        result = minimize(method=method, options={"lr": lr, "maxiter": 500})
    assert result.status in ((0, 1, 3) if method in ("adam", "nadam") else (1, 3))
    assert result.fun == fun(result.x) <= fun(X0)


def test_a_function_without_a_minimum():
    result = minimize(lambda x: -float(x.sum()), jac=lambda x: -np.ones(2))
    assert not (result.success and result.fun > -1.0)
    with np.errstate(all="ignore"):
        result = minimize(lambda x: -float(np.exp(x).sum()), jac=lambda x: -np.exp(x))
    assert result.fun < -1.0
    assert np.isfinite(result.fun)


# ---------------------------------------------------------------------------------------------
# Compiled functions
# ---------------------------------------------------------------------------------------------


@numba.njit
def good(x):
    return x[0] * x[0] + x[1] * x[1]


@numba.njit
def returns_an_array(x):
    return x * x


@numba.njit
def returns_none(x):
    x[0] = 1.0


@numba.njit
def returns_complex(x):
    return x[0] * 1j


@numba.njit
def returns_a_pair(x):
    return 1.0, x


@numba.njit
def in_place_without_a_value(x, grad):
    grad[:] = x


@numba.njit
def untypable(x):
    return x.no_such_attribute


@numba.njit
def needs_two(x, a, b):
    return x[0] + a + b


@numba.njit
def short(x):
    return x[:1].copy()


@numba.njit
def long(x):
    return np.ones(x.size + 1)


@numba.njit
def matrix(x):
    return np.ones((x.size, 1))


@numba.njit("float64(float32[::1])")
def of_another_type(x):
    return 1.0


VECTOR = "array(float64, 1d, C)"


@pytest.mark.parametrize(
    ("function", "gradient", "words"),
    [
        (returns_an_array, None, ["fun", "real number", VECTOR]),
        (returns_none, None, ["fun", "real number", "none"]),
        (returns_complex, None, ["fun", "real number", "complex128"]),
        (returns_a_pair, None, ["fun", "real number", "Tuple"]),
        (good, True, ["fun", "array", "float64"]),
        (good, "in-place", ["fun", VECTOR]),
        (in_place_without_a_value, "in-place", ["fun", "none"]),
        (good, good, ["jac", "float64"]),
        (good, matrix, ["jac", "2d"]),
        (good, returns_none, ["jac", "none"]),
    ],
)
def test_what_compiled_functions_must_return(function, gradient, words):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        minimize(function, jac=gradient)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("name", "function", "gradient", "args", "tried"),
    [
        ("fun", untypable, None, (), f"({VECTOR})"),
        ("jac", good, untypable, (), f"({VECTOR})"),
        ("fun", untypable, "in-place", (), f"({VECTOR}, {VECTOR})"),
        ("fun", untypable, "cs", (), "(array(complex128, 1d, C))"),
        ("fun", needs_two, None, (1.0,), f"({VECTOR}, float64)"),
        ("fun", needs_two, None, (), f"({VECTOR})"),
        ("fun", needs_two, None, (1, "a"), f"({VECTOR}, int64, unicode_type)"),
        ("fun", good, None, (1.0,), f"({VECTOR}, float64)"),
        ("fun", of_another_type, None, (), f"({VECTOR})"),
    ],
)
def test_a_function_that_cannot_be_compiled_says_for_what(name, function, gradient, args, tried):
    x0 = X0.copy()
    with pytest.raises(ValueError, match=f"^{name} ") as caught:
        minimize(function, x0, gradient, args=args)
    assert tried in str(caught.value)
    np.testing.assert_array_equal(x0, X0)


@pytest.mark.parametrize("bad", [{"a": 1}, object()], ids=["dict", "object"])
def test_arguments_that_numba_has_no_type_for(bad):
    with pytest.raises((TypeError, ValueError), match="args"):
        minimize(needs_two, jac=None, args=(bad, 1.0))


@pytest.mark.parametrize("gradient", [short, long])
def test_a_compiled_gradient_of_the_wrong_length(gradient):
    with pytest.raises(ValueError, match="jac"):
        minimize(good, jac=gradient)
