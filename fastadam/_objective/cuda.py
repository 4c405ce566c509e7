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

from .._numba.gpu import compile_function
from .._numba.options import inline, register_jitable
from .._validate import describe
from .arguments import list_types
from .compiled import make_inlined_form
from .evaluation import make_evaluation
from .objective import Objective


def make_device_evaluation(
    objective: Objective, given: tuple[Any, ...], length: int
) -> Callable[..., None]:
    """Make ``evaluate(s, views, args)``: what a search requests, see `evaluation`.

    ``given`` are the types of x, a vector of real numbers, and of the extra arguments; those of the
    objective are not looked at. TypeError or ValueError if a function cannot be compiled for a GPU,
    or does not return what is needed.
    """
    x, *args = given
    form, scheme = objective.form, objective.scheme
    if scheme == "cs":
        x = x.copy(dtype=types.complex64 if x.dtype == types.float32 else types.complex128)
    given = (*((x,) * (2 if form == "in-place" else 1)), *args)
    compiled = []
    for name, function in objective.functions.items():
        with rejected(f"{name} cannot be compiled for the GPU with {list_types(given)}"):
            compiled.append((name, *compile_function(function, given)))
    for name, _, returned in compiled:
        _require(name, returned, "cs" if scheme == "cs" else form, given, length)
    functions = [function for _, function, _ in compiled]
    return inline(make_evaluation(scheme, make_inlined_form(form, functions, _make_filler(length))))


def find_source(name: str, function: Any) -> FunctionType:
    """Find a user's function in Python.

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
    """Find the line of a compiler's error that says what is wrong."""
    text = re.sub(r"\x1b\[[\d;]*m", "", str(error))
    if "NRT required" in text:
        return "it would allocate memory"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    while len(lines) > 1 and lines[0].startswith(("Failed in", "- Resolution")):
        del lines[0]
    return " ".join(lines[: 2 if lines[0].endswith(":") else 1])


def _require(name: str, returned: Any, form: str, given: tuple[Any, ...], length: int) -> None:
    """Raise ValueError if a function does not return what its form asks for."""
    if form == "separate" and name == "jac":
        form = "gradient"
    if returned is None or _is_expected(returned, form, length):
        return
    gradient = f'a tuple of {length} numbers (or it fills the gradient, see jac="in-place")'
    expected = {
        "pair": f"a real number and {gradient}",
        "gradient": gradient,
        "cs": "a complex number for complex x",
    }.get(form, "a real number")
    raise ValueError(
        f"{name} must return {expected} on a GPU, and returns {returned} for {list_types(given)}"
    )


def _is_expected(returned: Any, form: str, length: int) -> bool:
    if form == "cs":
        return isinstance(returned, types.Complex)
    if form not in ("pair", "gradient"):
        return isinstance(returned, (types.Integer, types.Float, types.Boolean))
    parts = ("value", "gradient") if form == "pair" else ("value",) * length
    return (
        isinstance(returned, types.BaseTuple)
        and len(returned) == len(parts)
        and all(_is_expected(*each, length) for each in zip(returned, parts, strict=True))
    )


def _make_filler(length: int) -> Callable[..., bool]:
    """Make ``fill(grad, given)``: it copies a tuple, whose entries may be of several types."""
    if length == 0:
        return register_jitable(lambda grad, given: True)
    before, last = _make_filler(length - 1), length - 1

    @register_jitable
    def fill(grad, given):
        grad[last] = given[last]
        return before(grad, given)

    return fill
