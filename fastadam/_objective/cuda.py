"""Users' functions on a GPU: compiled for it, checked, and in the form that the searches call.

Unlike on the CPU, where one loop is compiled for all functions, they become a part of the kernel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from numba import types
from numba.extending import register_jitable

from .._numba.gpu import compile_function
from .._validate import describe
from .differences import copy
from .evaluation import complex_point, three_point, two_point
from .layout import GRAD, TRIAL, X


def evaluation(fun: Any, jac: Any, given: tuple[Any, ...], length: int) -> Callable[..., None]:
    """Return ``evaluate(s, rows, complex_trial, args)``: what a search requests, at its x.

    Parameters
    ----------
    fun, jac
        As `runs.Functions` has them, functions in Python.
    given : tuple of numba.types.Type
        The types of x, which is a vector of real numbers, and of the extra arguments.
    length : int
        The number of variables.

    Raises
    ------
    TypeError, ValueError
        If a function cannot be compiled for a GPU, or does not return what is needed.
    """
    x, *args = given
    if jac == "in-place":
        given = (x, x, *args)
    elif jac == "cs":
        complex_type = types.complex64 if x.dtype == types.float32 else types.complex128
        given = (x.copy(dtype=complex_type), *args)
    of_value, returned = _compiled("fun", fun, given)
    if not callable(jac):
        _require("fun", returned, jac, given, length)
        return _FORMS[jac](of_value) if jac is not True else _pair(of_value, _filler(length))
    of_gradient, gradient = _compiled("jac", jac, given)
    _require("fun", returned, "value", given, length)
    _require("jac", gradient, "gradient", given, length)
    return _separate(of_value, of_gradient, _filler(length))


def plain(name: str, function: Any) -> FunctionType:
    """Return a user's function in Python.

    One that Numba compiled for the CPU is taken as it was before that: from a kernel it would be
    compiled with the options that it has there.
    """
    result = getattr(function, "py_func", function)
    if not isinstance(result, FunctionType):
        raise TypeError(
            f"{name} must be a function in Python, or one that Numba compiled, to run on a GPU, "
            f"got {describe(function)}"
        )
    return result


def _compiled(name: str, function: Any, given: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return a function for the GPU, and the type of its result (None in the simulator)."""
    with rejected(f"{name} cannot be compiled for the GPU with {_names(given)}"):
        return compile_function(function, given)


@contextmanager
def rejected(problem: str) -> Iterator[None]:
    """Turn what the compiler has against a user's function into one error."""
    try:
        yield
    except RuntimeError:  # of the GPU's, not of the function's
        raise
    except Exception as error:  # a compiler's errors have no class of their own
        raise ValueError(
            f"{problem}: {_brief(error)}. There functions can allocate no arrays and no lists, "
            "and call only what Numba has for CUDA or has compiled."
        ) from error


def _brief(error: Exception) -> str:
    """Return the line of a compiler's error that says what is wrong."""
    text = re.sub(r"\x1b\[[\d;]*m", "", str(error))
    if "NRT required" in text:
        return "it would allocate memory"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and lines[0].startswith(("Failed in", "- Resolution")):
        del lines[0]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def _names(given: tuple[Any, ...]) -> str:
    return f"({', '.join(map(str, given))})"


# ---------------------------------------------------------------------------------------------
# What they return
# ---------------------------------------------------------------------------------------------


def _require(name: str, returned: Any, form: Any, given: tuple[Any, ...], length: int) -> None:
    if returned is None or _is_expected(returned, form, length):
        return
    gradient = (
        f'a tuple of {length} numbers (or it fills the gradient, see jac="in-place")'
        if form in (True, "gradient")
        else ""
    )
    expected = {
        True: f"a real number and {gradient}",
        "gradient": gradient,
        "cs": "a complex number for complex x",
    }.get(form, "a real number")
    raise ValueError(
        f"{name} must return {expected} on a GPU, and returns {returned} for {_names(given)}"
    )


def _is_expected(returned: Any, form: Any, length: int) -> bool:
    if form is True:
        return (
            isinstance(returned, types.BaseTuple)
            and len(returned) == 2
            and _is_real(returned[0])
            and _is_expected(returned[1], "gradient", length)
        )
    if form == "gradient":
        return (
            isinstance(returned, types.BaseTuple)
            and len(returned) == length
            and all(map(_is_real, returned))
        )
    if form == "cs":
        return isinstance(returned, types.Complex)
    return _is_real(returned)


def _is_real(numba_type: Any) -> bool:
    return isinstance(numba_type, (types.Integer, types.Float, types.Boolean))


# ---------------------------------------------------------------------------------------------
# What the searches call
# ---------------------------------------------------------------------------------------------


def _in_place(fun: Any) -> Callable[..., None]:
    def evaluate(s, rows, complex_trial, args):  # type: ignore[no-untyped-def]
        s.f = fun(rows[TRIAL], rows[GRAD], *args)
        s.nfev += 1
        s.njev = s.nfev

    return register_jitable(evaluate)


def _pair(fun: Any, fill: Any) -> Callable[..., None]:
    def evaluate(s, rows, complex_trial, args):  # type: ignore[no-untyped-def]
        s.f, gradient = fun(rows[TRIAL], *args)
        fill(rows[GRAD], gradient)
        s.nfev += 1
        s.njev = s.nfev

    return register_jitable(evaluate)


def _separate(fun: Any, jac: Any, fill: Any) -> Callable[..., None]:
    def evaluate(s, rows, complex_trial, args):  # type: ignore[no-untyped-def]
        s.f = fun(rows[TRIAL], *args)
        copy(rows[X], rows[TRIAL])  # the function may have overwritten it
        fill(rows[GRAD], jac(rows[TRIAL], *args))
        s.nfev += 1
        s.njev = s.nfev

    return register_jitable(evaluate)


def _filler(length: int) -> Callable[..., None]:
    """Return ``fill(grad, given)``: it copies a tuple, whose entries may be of several types."""
    if length == 0:
        return register_jitable(lambda grad, given: None)
    before, last = _filler(length - 1), length - 1

    @register_jitable
    def fill(grad, given):  # type: ignore[no-untyped-def]
        before(grad, given)
        grad[last] = given[last]

    return fill


def _with_differences(evaluate_at: Callable[..., None]) -> Callable[[Any], Callable[..., None]]:
    def of(fun: Any) -> Callable[..., None]:
        value = _spread(fun)

        def evaluate(s, rows, complex_trial, args):  # type: ignore[no-untyped-def]
            evaluate_at(value, args, s, rows)

        return register_jitable(evaluate)

    return of


def _with_complex_steps(fun: Any) -> Callable[..., None]:
    value = _spread(fun)

    def evaluate(s, rows, complex_trial, args):  # type: ignore[no-untyped-def]
        complex_point(value, args, s, rows, complex_trial)

    return register_jitable(evaluate)


def _spread(fun: Any) -> Callable[..., Any]:
    """Return ``value(x, args)``."""

    def value(x, args):  # type: ignore[no-untyped-def]
        return fun(x, *args)

    return register_jitable(value)


_FORMS: dict[Any, Callable[[Any], Callable[..., None]]] = {
    "in-place": _in_place,
    "2-point": _with_differences(two_point),
    "3-point": _with_differences(three_point),
    "cs": _with_complex_steps,
}
