"""Bad functions for `fastadam.minimize`: what they return, and what they raise."""

import numba
import numpy as np
import pytest

from tests.api.minimize.failing import X0, at_call, fun, jac, minimize
from tests.api.minimize.helpers import MineError

# ---------------------------------------------------------------------------------------------
# What the functions return, and raise
# ---------------------------------------------------------------------------------------------


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


def raises(x):
    raise MineError("in the middle")


@pytest.mark.parametrize("form", ["fun", "jac", "true", "in-place", "2-point", "3-point", "cs"])
@pytest.mark.parametrize("k", [1, 3])
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
