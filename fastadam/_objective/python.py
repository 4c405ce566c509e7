"""Users' functions in Python: copies go in, and what comes out is checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .._validate import describe
from ..typing import Vector


def scalar(value: Any) -> float:
    """Return what an objective gave as a float: a real number, or an array of one."""
    if type(value) is float or isinstance(value, np.floating):
        return float(value)
    array = _array(value)
    if array is None or array.size != 1:
        raise ValueError(
            "The user-provided objective function must return a scalar value, "
            f"it returned {describe(value)}{pair_hint(value)}"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(f"fun must return a real number, it returned {describe(value)}")
    return float(array.item())


def pair_hint(value: Any) -> str:
    """Return what to do about a value that seems to come with its gradient."""
    return PAIR_HINT if isinstance(value, tuple) and len(value) == 2 else ""


#: What to do about a function that returns the value and the gradient.
PAIR_HINT = "; if that is the value and the gradient, pass jac=True"


def _array(value: Any) -> Any:
    """Return an array, or None of what has no shape."""
    try:
        return np.asarray(value)
    except ValueError:
        return None


def vector(value: Any, n: int) -> Vector:
    """Return what a gradient function gave as an array of shape (n,), maybe the same array."""
    array = _array(value)
    if array is not None and array.size == n == 1:  # a number will do for one variable
        array = array.reshape(1)
    if array is None or array.shape != (n,):
        raise ValueError(f"jac must return an array of shape ({n},), it returned {describe(value)}")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"jac must return real numbers, it returned {describe(array)}")
    return array


Evaluate = Callable[[Vector, Vector], float]  # of x; fills the gradient, returns the value


def separate(fun: Callable[..., Any], jac: Callable[..., Any], args: tuple[Any, ...]) -> Evaluate:
    """Evaluate ``fun(x, *args)`` and ``jac(x, *args)``."""

    def evaluate(x: Vector, grad: Vector) -> float:
        f = scalar(fun(x.copy(), *args))
        grad[:] = vector(jac(x.copy(), *args), x.size)
        return f

    return evaluate


def pair(fun: Callable[..., Any], args: tuple[Any, ...]) -> Evaluate:
    """Evaluate ``fun(x, *args)``, which returns both."""

    def evaluate(x: Vector, grad: Vector) -> float:
        f, gradient = both(fun(x.copy(), *args))
        grad[:] = vector(gradient, x.size)
        return scalar(f)

    return evaluate


def in_place(fun: Callable[..., Any], args: tuple[Any, ...]) -> Evaluate:
    """Evaluate ``fun(x, grad, *args)``, which fills ``grad``."""

    def evaluate(x: Vector, grad: Vector) -> float:
        return scalar(fun(x.copy(), grad, *args))

    return evaluate


def value(fun: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Vector, int], float]:
    """Return ``value(x, slot)`` for `differences`."""
    return lambda x, _: scalar(fun(x.copy(), *args))


def complex_value(fun: Callable[..., Any], args: tuple[Any, ...]) -> Callable[[Any, int], complex]:
    """Return ``value(x, slot)`` of complex x, for `differences.complex_step`."""

    def evaluate(x: Any, _: int) -> complex:
        given = fun(x.copy(), *args)
        result = _array(given)
        if result is None or result.size != 1 or result.dtype.kind not in "fiubc":
            raise ValueError(
                f'with jac="cs", fun must return a complex number, it returned {describe(given)}'
                + pair_hint(given)
            )
        return complex(result.item())

    return evaluate


def both(value: Any) -> Any:
    """Return the pair that an objective gave."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            "with jac=True, fun must return the value and the gradient, "
            f"it returned {describe(value)}"
        )
    return value


def values(value: Any, size: int, kinds: str = "fiub") -> Any:
    """Return what a vectorised objective gave: a number for each of ``size`` points."""
    array = _array(value)
    if array is None or array.shape != (size,) or array.dtype.kind not in kinds:
        raise ValueError(
            f"a vectorized fun must return an array of {size} numbers for {size} points, "
            f"it returned {describe(value)}{pair_hint(value)}"
        )
    return array


def gradients(value: Any, size: int, n: int) -> Any:
    """Return what a vectorised gradient function gave: a row for each of ``size`` points."""
    array = _array(value)
    if array is None or array.shape != (size, n) or array.dtype.kind not in "fiub":
        raise ValueError(
            f"a vectorized jac must return an array of shape {(size, n)} for {size} points, "
            f"it returned {describe(value)}"
        )
    return array
