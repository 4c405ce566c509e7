"""Checks of what users pass: each raises an error that names the argument and the value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from .typing import LearningRate

Word = TypeVar("Word", bound=str)

# NumPy has spans of time among the whole numbers.
_NO_NUMBERS = (bool, np.bool_, np.timedelta64)

#: More variables than any memory holds.
MOST_VARIABLES = 2**40

DTYPES = (np.dtype(np.float32), np.dtype(np.float64))


def is_device_array(value: object) -> bool:
    """Tell whether a value is an array on a GPU.

    Numba's managed arrays are on both sides, and NumPy arrays here.
    """
    try:
        return hasattr(value, "__cuda_array_interface__") and not isinstance(value, np.ndarray)
    except RuntimeError:  # torch's, for a tensor on a GPU that requires a gradient
        return True


def describe(value: object) -> str:
    """Show a value as an error message does."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    if is_device_array(value):  # whose repr would be copied from the GPU
        dtype, shape = (getattr(value, name, "unknown") for name in ("dtype", "shape"))
        return f"an array on a GPU of dtype {dtype} and shape {shape}"
    try:
        text = repr(value)
    except Exception:  # such as that of a whole number of more than 4,300 digits
        return f"an object of type {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:57]}..."


def suggestion(word: object, known: Iterable[str], form: str = "; did you mean {!r}?") -> str:
    """Suggest "; did you mean ...?" for a word that is nearly one of those known, or nothing."""
    if not isinstance(word, str):
        return ""
    by_lower = {each.lower(): each for each in known}
    close = get_close_matches(_SYNONYMS.get(word.lower(), word.lower()), by_lower, n=1, cutoff=0.7)
    return form.format(by_lower[close[0]]) if close else ""


#: What others call hyper-parameters.
_SYNONYMS = {
    "learning_rate": "lr",
    "step_size": "lr",
    "eta": "lr",
    "eps": "epsilon",
    "epsilon": "eps",
}


def conversion(value: object) -> str:
    """Suggest "; its .to_numpy() is a NumPy array" for a table or the like, or nothing."""
    for method in ("to_numpy", "numpy"):  # pandas, polars, xarray; torch
        if callable(getattr(value, method, None)) and not isinstance(value, type):
            return f"; its .{method}() is a NumPy array"
    return ""


def unmasked(name: str, value: object) -> None:
    """Require that an array has no mask."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be a masked array: its mask would be ignored")


def as_array(name: str, value: object) -> NDArray[Any]:
    """Make an array of a value, maybe of dtype object, or say what cannot be one."""
    unmasked(name, value)
    try:
        return np.asarray(value)
    except ValueError as error:  # ragged
        raise ValueError(f"{name} must be an array, got {describe(value)}: {error}") from error
    except Exception as error:  # whatever its __array__ raises
        raise TypeError(f"{name} must be an array, got {describe(value)}: {error}") from error


def real_array(name: str, value: object) -> NDArray[np.float64]:
    """Make a new array of real numbers."""
    array = as_array(name, value)
    if array.dtype.kind not in "fiub":
        got = describe(value) + ("" if array is value else f", of dtype {array.dtype}")
        raise ValueError(f"{name} must be real numbers, got {got}")
    if array.dtype == np.float64:
        return array.copy()
    with np.errstate(over="ignore"):  # of a long double: infinity
        return array.astype(np.float64)


def plain_number(value: object) -> object:
    """Take the number out of an array of no dimensions; leave others as they are."""
    if not isinstance(value, np.ndarray) or isinstance(value, np.ma.MaskedArray):
        return value
    return value[()] if value.ndim == 0 else value


def real_number(name: str, value: object) -> float:
    """Make a float of a real number (no bool, string or array of several)."""
    if type(value) is float:
        return value
    number = plain_number(value)
    if isinstance(number, _NO_NUMBERS) or not isinstance(number, Real):
        raise TypeError(f"{name} must be a real number, got {describe(number)}")
    try:
        return float(number)
    except OverflowError:
        raise ValueError(f"{name} must fit a float, got {describe(number)}") from None


def _make_check(requirement: str, holds: Callable[[float], bool]) -> Callable[[str, object], float]:
    """Make a check that makes a float of such a real number, and refuses others."""

    def check(name: str, value: object) -> float:
        number = real_number(name, value)
        if not holds(number):
            raise ValueError(f"{name} must be {requirement}, got {describe(number)}")
        return number

    return check


finite = _make_check("finite", math.isfinite)
nonnegative = _make_check("finite and >= 0", lambda number: 0.0 <= number < math.inf)
positive = _make_check("> 0", lambda number: number > 0.0)
fraction = _make_check("in [0, 1)", lambda number: 0.0 <= number < 1.0)
unit_interval = _make_check("in [0, 1]", lambda number: 0.0 <= number <= 1.0)


def _make_fractions(number: int, words: str) -> Callable[[str, object], tuple[float, ...]]:
    """Make a check that makes a tuple of floats of so many numbers in [0, 1)."""

    def check(name: str, value: object) -> tuple[float, ...]:
        if isinstance(value, (str, bytes)) or not isinstance(value, (Sequence, np.ndarray)):
            raise TypeError(f"{name} must be {words}, got {describe(value)}")
        if (isinstance(value, np.ndarray) and value.ndim != 1) or len(value) != number:
            raise ValueError(f"{name} must be {words}, got {describe(value)}")
        return tuple([fraction(f"{name}[{i}]", each) for i, each in enumerate(value)])

    return check


fraction_pair = _make_fractions(2, "a pair of numbers")
fraction_triple = _make_fractions(3, "three numbers")


def flag(name: str, value: object) -> bool:
    """Require True or False."""
    given = plain_number(value)
    if not isinstance(given, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {describe(given)}")
    return bool(given)


def learning_rate(name: str, value: object) -> LearningRate:
    """Require a learning rate: a finite number >= 0, or a callable of the step."""
    if callable(value):
        return value
    return nonnegative(name, value)


def count(name: str, value: object, least: int, most: int | None = None) -> int:
    """Require a whole number in a range."""
    given = plain_number(value)
    if isinstance(given, _NO_NUMBERS) or not isinstance(given, Integral):
        raise TypeError(f"{name} must be a whole number, got {describe(given)}")
    number = int(given)
    if number < least or (most is not None and number > most):
        limits = f">= {least}" if most is None else f"from {least} to {most}"
        raise ValueError(f"{name} must be {limits}, got {describe(number)}")
    return number


def one_of(name: str, value: object, choices: Sequence[Word]) -> Word:
    """Require one of several words."""
    word = next((each for each in choices if isinstance(value, str) and each == value), None)
    if word is None:
        raise ValueError(
            f"{name} must be one of {', '.join(choices)}, got {describe(value)}"
            + suggestion(value, choices)
        )
    return word


def parameter(name: str, value: object) -> np.ndarray:
    """Require an array that can be updated in place."""
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {describe(value)}{conversion(value)}")
    unmasked(name, value)
    floating(name, value)
    if not value.flags.writeable:
        raise ValueError(f"{name} is read-only and cannot be updated in place")
    if _overlaps_itself(value):
        raise ValueError(f"{name} has elements that share memory with each other")
    return value


def is_bfloat16(dtype: np.dtype[Any]) -> bool:
    """Tell whether a dtype is the bfloat16 of ml_dtypes, which need not be installed."""
    return dtype.name == "bfloat16"


def floating(name: str, value: np.ndarray) -> None:
    """Require float32 or float64 in the machine's byte order, or bfloat16."""
    if value.dtype not in DTYPES and not is_bfloat16(value.dtype):
        raise TypeError(
            f"{name} must be float32 or float64 in native byte order, got {describe(value)}"
        )


def row_indices(name: str, value: object, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Require the indices of rows in an array of a shape, as a vector."""
    rows = as_array(name, value)
    if rows.ndim != 1 or (rows.dtype.kind not in "iu" and rows.size):
        raise TypeError(f"{name} must be a vector of whole numbers, got {describe(value)}")
    if rows.size and not 0 <= (least := rows.min()) <= (most := rows.max()) < shape[0]:
        wrong = least if least < 0 else most
        raise ValueError(f"{name} must be from 0 to {shape[0] - 1}, got {wrong}")
    return np.ascontiguousarray(rows, np.int64)


def rows_of_one(rows: object, arrays: int) -> None:
    """Require that rows are told for one array."""
    if arrays > 1:
        raise ValueError(
            f"rows can be told for an optimiser of one array only, got {describe(rows)} for "
            f"{arrays} arrays"
        )


def disjoint(names: Sequence[str], arrays: Sequence[np.ndarray]) -> None:
    """Require that no two arrays share memory."""
    spans = sorted((*byte_bounds(array), i) for i, array in enumerate(arrays) if array.size)
    reaching: list[tuple[int, int]] = []  # the ends and indices of those that reach this far
    for start, end, i in spans:
        reaching = [(other_end, j) for other_end, j in reaching if other_end > start]
        for _, j in reaching:
            if np.shares_memory(arrays[i], arrays[j]):
                first, second = names[min(i, j)], names[max(i, j)]
                raise ValueError(f"{first} and {second} share memory; give each element once")
        reaching.append((end, i))


def _overlaps_itself(array: np.ndarray) -> bool:
    """Tell whether strides may lead to one element twice (never wrongly to "no")."""
    reach = 0
    for stride, length in sorted(zip(map(abs, array.strides), array.shape, strict=True)):
        if length > 1 and array.size:
            if stride < reach + array.itemsize:
                return True
            reach += stride * (length - 1)
    return False
