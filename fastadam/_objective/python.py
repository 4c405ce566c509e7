"""Users' functions called from Python: copies go in, and what comes out is checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import NumbaError
from numpy.typing import NDArray

from .._numba.dispatchers import is_compiled
from .._validate import describe
from ..typing import Vector
from .arguments import find_argument_types
from .forms import make_form
from .objective import Objective

#: What to do about a function that returns the value and the gradient.
PAIR_HINT = "; if that is the value and the gradient, pass jac=True"


class PythonObjective:
    """An objective that Python calls, and that counts its evaluations.

    ``has_jac`` says whether the gradient is a function of its own, which needs no value.
    """

    def __init__(self, objective: Objective) -> None:
        self._args, self.nfev, self.njev = objective.args, 0, 0
        self._gives_both = objective.form in ("pair", "in-place")
        self.has_jac = objective.form == "separate"
        fun, *jac = called_from_python(objective)
        alone = objective if self._gives_both else Objective(fun, objective.args, "2-point")
        self._form = make_python_form(alone)
        self._gradient = _make_call(jac[0], _check_gradient) if jac else None

    def evaluate(self, x: Vector) -> tuple[float, Vector | None]:
        """Evaluate the function, and the gradient if that comes with it."""
        self.nfev += 1
        if not self._gives_both:
            return self._form(x, self._args), None
        self.njev += 1
        grad = np.zeros(x.size)
        return self._form(x, x, grad, self._args), grad

    def gradient(self, x: Vector) -> Vector:
        """Evaluate the gradient, where it is a function of its own."""
        assert self._gradient is not None
        grad = np.array(self._gradient((x,), self._args), dtype=np.float64)
        self.njev += 1
        return grad


def make_python_form(
    objective: Objective, look: Callable[[], object] | None = None
) -> Callable[..., Any]:
    """Make the form of an objective for calls from Python; the data is the extra arguments.

    The functions get copies of x, which they may keep. With "cs", the value alone may be asked
    for at complex x. ``look`` is called after each evaluation.
    """
    check: Check = _check_number if objective.scheme == "cs" else _check_value
    if objective.form == "pair":
        check = _check_pair
    fun, *jac = called_from_python(objective)
    calls = [_make_call(fun, check, None if jac else look)]
    calls += [_make_call(each, _check_gradient, look) for each in jac]
    return make_form(objective.form, calls, _fill, lambda x, trial: x)


Check = Callable[[Any, Vector], Any]


def _make_call(
    function: Callable[..., Any], check: Check, look: Callable[[], object] | None = None
) -> Callable[..., Any]:
    # Not with `*points`, which takes as long as the call itself.
    def call(points: tuple[Vector, ...], args: tuple[Any, ...]) -> Any:
        if len(points) == 1:
            result = check(function(points[0].copy(), *args), points[0])
        else:
            x, grad = points
            result = check(function(x.copy(), grad, *args), x)
        if look is not None:
            look()
        return result

    return call


def make_vectorized_form(
    objective: Objective, fill: Callable[[Any, Any], bool]
) -> Callable[..., Any]:
    """Make the form of an objective that takes many points at once, a row each.

    The data is the extra arguments. ``fill`` is that of `forms`; nothing is copied.
    """

    def call_fun(points: Any, args: tuple[Any, ...]) -> Any:
        kinds = "fiubc" if points[0].dtype.kind == "c" else "fiub"
        result = fun(*points, *args)
        if objective.form != "pair":
            return check_values(result, len(points[0]), kinds)
        f, grad = _split_pair(result)
        return check_values(f, len(points[0])), check_gradients(grad, points[0].shape)

    def call_jac(points: Any, args: tuple[Any, ...]) -> Any:
        return check_gradients(jac[0](*points, *args), points[0].shape)

    fun, *jac = called_from_python(objective)
    return make_form(objective.form, [call_fun, call_jac][: 1 + len(jac)], fill, lambda x, _: x)


def called_from_python(objective: Objective) -> list[Callable[..., Any]]:
    """Make the functions for calls from Python, where refusals name a compiled one."""
    return [
        _naming(name, function, objective.args) if is_compiled(function) else function
        for name, function in objective.functions.items()
    ]


def _naming(name: str, function: Any, extra: tuple[Any, ...]) -> Callable[..., Any]:
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except NumbaError as error:
            find_argument_types(extra)  # which names the one that has no type
            raise ValueError(f"{name} cannot be compiled for its arguments: {error}") from error
        except (OverflowError, ValueError):  # the user's, or Numba's for an argument
            find_argument_types(extra)
            raise
        except TypeError as error:
            try:
                inspect.signature(function.py_func).bind(*args)
            except TypeError as mismatch:
                raise TypeError(f"{name} cannot be called: {mismatch}") from error
            raise

    return call


def _check_value(value: Any, x: Vector) -> float:
    """Make a float of what an objective gave: a real number, or an array of one."""
    if type(value) is float or isinstance(value, np.floating):
        return float(value)
    array = _as_array(value)
    if array is None or array.size != 1:
        raise ValueError(
            "The user-provided objective function must return a scalar value, "
            f"it returned {describe(value)}{_hint_at_pair(value)}"
        )
    if array.dtype.kind not in "fiub":
        raise ValueError(f"fun must return a real number, it returned {describe(value)}")
    return float(array.item())


def _check_number(value: Any, x: NDArray[Any]) -> complex:
    """Make a number of what an objective gave, a complex one for complex x."""
    if x.dtype.kind != "c":
        return _check_value(value, x)
    array = _as_array(value)
    if array is None or array.size != 1 or array.dtype.kind not in "fiubc":
        raise ValueError(
            f'with jac="cs", fun must return a complex number, it returned {describe(value)}'
            + _hint_at_pair(value)
        )
    return complex(array.item())


def _check_gradient(value: Any, x: Vector) -> Vector:
    """Make an array of the shape of x of what a gradient function gave, maybe the same array."""
    if type(value) is np.ndarray and value.shape == x.shape and value.dtype == x.dtype:
        return value
    array, n = _as_array(value), x.size
    if array is not None and array.size == n == 1:  # a number will do for one variable
        array = array.reshape(1)
    if array is None or array.shape != (n,):
        raise ValueError(f"jac must return an array of shape ({n},), it returned {describe(value)}")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"jac must return real numbers, it returned {describe(array)}")
    return array


def _check_pair(value: Any, x: Vector) -> tuple[float, Vector]:
    f, grad = _split_pair(value)
    grad = _check_gradient(grad, x)
    return _check_value(f, x), grad


def _split_pair(value: Any) -> Any:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            "with jac=True, fun must return the value and the gradient, "
            f"it returned {describe(value)}"
        )
    return value


def check_values(value: Any, size: int, kinds: str = "fiub") -> NDArray[Any]:
    """Make an array of what a vectorised objective gave: a number for each of ``size`` points."""
    expected = f"fun must return an array of {size} numbers for {size} points"
    return _check_array(value, (size,), kinds, expected, _hint_at_pair(value))


def check_gradients(value: Any, shape: tuple[int, ...]) -> NDArray[Any]:
    """Make an array of what a vectorised gradient function gave: a row for each point."""
    expected = f"jac must return an array of shape {shape} for {shape[0]} points"
    return _check_array(value, shape, "fiub", expected)


def _check_array(
    value: Any, shape: tuple[int, ...], kinds: str, expected: str, hint: str = ""
) -> NDArray[Any]:
    array = _as_array(value)
    if array is None or array.shape != shape or array.dtype.kind not in kinds:
        raise ValueError(f"a vectorized {expected}, it returned {describe(value)}{hint}")
    return array


def _as_array(value: Any) -> NDArray[Any] | None:
    try:
        return np.asarray(value)
    except ValueError:  # it has no shape
        return None


def _hint_at_pair(value: Any) -> str:
    return PAIR_HINT if isinstance(value, tuple) and len(value) == 2 else ""


def _fill(grad: Vector, given: Vector) -> bool:
    grad[:] = given
    return True
