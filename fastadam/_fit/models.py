"""A user's compiled model, in the form that the compiled loop calls.

The loop over curves is compiled once for all models, and kept on disk; it calls a *wrapper* by its
address, which is compiled for each model. The wrapper calls the model for one point after the
other, if the model can be called so: nothing is allocated then, and the calls that differ in one
parameter are inlined beside each other, so that compilers see what they have in common. Of a decay,
``a * exp(-k * t) + c``, two exponentials a point are left of four. Such a wrapper takes a third of
a second to compile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from numba import NumbaError, types
from numpy.typing import NDArray

from .._numba.addresses import REAL, make_reals_at, make_vector_at, vector_at
from .._numba.dispatchers import compile_for, divide_quietly, find_address, is_parallel
from .._numba.options import KERNEL_OPTIONS, inline
from .._numba.tuples import make_exchange
from .._objective.arguments import list_types
from ..typing import Matrix, Vector

#: ``(task, p, beside, inverses, out) -> whether the shapes were right``, all of them addresses. It
#: fills rows of m numbers: the model's values at p, and, unless ``inverses`` is 0, the derivatives
#: by each parameter: the difference to the value ``beside``, times the inverse of the step.
SIGNATURE = types.boolean(*[types.intp] * 5)
#: What is at the address of a task: where x is, how many points, and how many numbers at each.
X, POINTS, WIDTH, WORDS = range(4)

#: Two forms of a model may differ by so much: compilers order operations differently.
_ROUNDING = 1e-12

_words_at = make_vector_at(types.Array(types.int64, 1, "C"))


class CompiledModel:
    """A model, and maybe its derivatives, ready for the loop, at some points.

    ``address`` is that of the wrapper's machine code, and ``task`` is what it is given. The
    ``form`` is "points" if the model is called for one after the other, or "arrays". ValueError if
    Numba cannot compile a function, or what it returns has another shape.
    """

    def __init__(
        self, model: Any, jac: Any, x: NDArray[np.float64], starts: Matrix, points: int
    ) -> None:
        self._x = self._given = np.ascontiguousarray(x)
        width = len(x) if x.ndim == 2 else 0
        self._points, self._width = points, width
        self._model = divide_quietly(model)
        self._jac = None if jac is None else divide_quietly(jac)
        n = starts.shape[1]
        wrapper = None if jac is not None else self._wrap_points(n, starts)
        self.form = "arrays" if wrapper is None else "points"
        self._wrapper = self._wrap_arrays(n) if wrapper is None else wrapper
        (self._result,) = self._wrapper.overloads.values()
        self.address = find_address(self._result)
        self.task = np.array([self._x.ctypes.data, points, width])

    @property
    def is_parallel(self) -> bool:
        """Whether the functions, or what they call, have threads of their own."""
        return is_parallel([self._wrapper], [self._result], ())

    def describe_shapes(self, p: Vector) -> str:
        """Say what the functions have to return, and what they return at some parameters."""
        x, m = self._given, self._points
        words = [f"f must return {m} values, and returns {np.shape(self._model(x, *p))}"]
        if self._jac is not None:
            got = np.shape(self._jac(x, *p))
            words.append(f"jac must return shape ({m}, {len(p)}), and returns {got}")
        return "; ".join(words)

    def _wrap_points(self, n: int, starts: Matrix) -> Any:
        """Make the wrapper that calls the model for each point, or None if that is not the same."""
        wrapper = wrap_points(self._model, n, self._width > 0)
        if wrapper is None:
            return None
        x = np.ascontiguousarray(self._x.T)
        task = np.array([x.ctypes.data, self._points, self._width])
        found = np.empty(self._points)
        for p in starts:
            p = np.ascontiguousarray(p)
            try:
                wrapper(task.ctypes.data, p.ctypes.data, 0, 0, found.ctypes.data)
            except Exception:  # it may be that of a point alone
                return None
            if not _agree(found, self._evaluate(p)):
                return None
        self._x = x
        return wrapper

    def _evaluate(self, p: Vector) -> Any:
        """Evaluate the model in Python, where nothing is compiled."""
        with np.errstate(all="ignore"):
            try:
                return self._model.py_func(self._x, *p)
            except Exception:  # there are functions that only Numba can call
                return self._model(self._x, *p)

    def _wrap_arrays(self, n: int) -> Any:
        given = (types.Array(types.float64, 2 if self._width else 1, "C"), *[types.float64] * n)
        for name, function in {"f": self._model, "jac": self._jac}.items():
            if function is None:
                continue
            dimensions = 1 if name == "f" else 2
            try:
                signature, _ = compile_for(function, given)
            except NumbaError as error:
                what = f"{name} cannot be compiled for {list_types(given)}"
                raise ValueError(f"{what}: {error}") from error
            got = signature.return_type
            is_real = isinstance(getattr(got, "dtype", None), (types.Float, types.Integer))
            if not is_real or getattr(got, "ndim", None) != dimensions:
                raise ValueError(
                    f"{name} must return an array of real numbers with {dimensions} "
                    f"{'axes' if dimensions > 1 else 'axis'}, and returns {got} for "
                    f"{list_types(given)}"
                )
        return wrap_arrays(self._model, self._jac, n, self._width > 0)


def _agree(found: Vector, values: Any) -> bool:
    """Tell whether values are those found, but for rounding."""
    if np.shape(values) not in ((), found.shape):
        return False
    expected = np.broadcast_to(np.asarray(values, dtype=np.float64), found.shape)
    finite = np.isfinite(expected)
    if not np.array_equal(np.where(finite, 0.0, expected), np.where(finite, 0.0, found), True):
        return False
    size = np.max(np.abs(expected), initial=0.0, where=finite)
    return bool(np.all(np.abs(found - expected)[finite] <= _ROUNDING * size))


@lru_cache(maxsize=64)
def wrap_points(model: Any, n: int, is_wide: bool) -> Any:
    """Compile the wrapper of a model of n parameters that is called for each point.

    A point is a number, or, if it is wide, an array. None if the model cannot be called so: that
    is found out once, since what Numba has tried in vain it keeps in memory, 4 MB each time.
    """
    try:
        point = REAL if is_wide else types.float64
        signature, _ = compile_for(model, (point, *[types.float64] * n))
        is_number = isinstance(signature.return_type, (types.Float, types.Integer))
        return _compile_points(model, n, is_wide) if is_number else None
    except NumbaError:
        return None


def _compile_points(model: Any, n: int, is_wide: bool) -> Any:
    reals_at, fill = make_reals_at(n), _make_point_filler(model, n)

    def narrow_at(words, i):
        return vector_at(words[X], words[POINTS])[i]

    def wide_at(words, i):
        width = words[WIDTH]
        return vector_at(words[X] + 8 * width * i, width)

    point_at = inline(wide_at if is_wide else narrow_at)

    @numba.njit(SIGNATURE, **KERNEL_OPTIONS)
    def wrapper(task, parameters, beside, inverses, out):
        words, p = _words_at(task, WORDS), reals_at(parameters)
        m = words[POINTS]
        if inverses == 0:
            values = vector_at(out, m)
            for i in range(m):
                values[i] = model(point_at(words, i), *p)
        else:
            q, factors = reals_at(beside), reals_at(inverses)
            rows = vector_at(out, (n + 1) * m)
            for i in range(m):
                x = point_at(words, i)  # read once: for all compilers know, it is overwritten
                value = model(x, *p)
                rows[i] = value
                fill(rows, i, m, x, p, q, factors, value)
        return True

    return wrapper


def _make_point_filler(model: Any, n: int) -> Callable[..., None]:
    """Make what fills in the derivatives by the first n parameters at a point."""
    if n == 0:
        return inline(lambda rows, i, m, x, p, q, factors, value: None)
    before, exchange, k = _make_point_filler(model, n - 1), make_exchange(n - 1), n - 1

    def fill(rows, i, m, x, p, q, factors, value):
        before(rows, i, m, x, p, q, factors, value)
        rows[n * m + i] = (model(x, *exchange(p, q)) - value) * factors[k]

    return inline(fill)


@lru_cache(maxsize=64)
def wrap_arrays(model: Any, jac: Any, n: int, is_wide: bool) -> Any:
    """Compile the wrapper of a model that is called for all points, and of its derivatives."""
    reals_at = make_reals_at(n)
    fill = _make_array_filler(model, n) if jac is None else _make_jacobian_filler(jac, n)

    def narrow_at(words):
        return vector_at(words[X], words[POINTS])

    def wide_at(words):
        width, m = words[WIDTH], words[POINTS]
        return vector_at(words[X], width * m).reshape((width, m))

    points_at = inline(wide_at if is_wide else narrow_at)

    @numba.njit(SIGNATURE, **KERNEL_OPTIONS)
    def wrapper(task, parameters, beside, inverses, out):
        words, p = _words_at(task, WORDS), reals_at(parameters)
        m, x = words[POINTS], points_at(words)
        got = model(x, *p)
        if got.size != m:
            return False
        rows = vector_at(out, (n + 1) * m)
        for i in range(m):
            rows[i] = got[i]
        return inverses == 0 or fill(rows, m, x, p, reals_at(beside), reals_at(inverses))

    return wrapper


def _make_array_filler(model: Any, n: int) -> Callable[..., bool]:
    """Make what fills in the derivatives by the first n parameters, by differences."""
    if n == 0:
        return inline(lambda rows, m, x, p, beside, inverses: True)
    before, exchange, count = _make_array_filler(model, n - 1), make_exchange(n - 1), n

    def fill(rows, m, x, p, beside, inverses):
        if not before(rows, m, x, p, beside, inverses):
            return False
        got = model(x, *exchange(p, beside))
        if got.size != m:
            return False
        for i in range(m):
            rows[count * m + i] = (got[i] - rows[i]) * inverses[count - 1]
        return True

    return inline(fill)


def _make_jacobian_filler(jac: Any, n: int) -> Callable[..., bool]:
    """Make what fills in the derivatives that a function returns."""

    def fill(rows, m, x, p, beside, inverses):
        got = jac(x, *p)
        if got.shape != (m, n):
            return False
        for j in range(n):
            for i in range(m):
                rows[(j + 1) * m + i] = got[i, j]
        return True

    return inline(fill)
