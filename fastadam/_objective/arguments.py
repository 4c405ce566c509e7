"""The types that Numba gives to extra arguments, or what is wrong with one that has none."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import Any

import numba
from numba import NumbaError, types

from .._numba.dispatchers import is_compiled, quiet
from .._validate import conversion, describe


def find_argument_types(args: tuple[Any, ...], name: str = "args") -> Any:
    """Find the Numba type of the extra arguments, or say which has none."""
    if not args:
        return NO_ARGUMENTS
    # Not always: any change of the filters has Python repeat the user's own warnings.
    with quiet() if _holds_function(args) else nullcontext():
        for i, value in enumerate(args):
            try:
                if _is_nested_list(numba.typeof(value)):
                    raise TypeError("Numba cannot reflect lists in lists")
            except (TypeError, ValueError, NumbaError) as error:
                hint = conversion(value) or "; numbers, NumPy arrays and tuples of them can"
                raise ValueError(
                    f"{name}[{i}] cannot be passed to a compiled function, got "
                    f"{describe(value)}{hint}"
                ) from error
        return numba.typeof(args)


NO_ARGUMENTS = numba.typeof(())


def _is_nested_list(numba_type: Any, inside: bool = False) -> bool:
    """Tell whether there are lists in lists: Numba refuses them after the call."""
    if isinstance(numba_type, types.List):
        return inside or _is_nested_list(numba_type.dtype, True)
    is_tuple = isinstance(numba_type, types.BaseTuple)
    return is_tuple and any(_is_nested_list(each, inside) for each in numba_type)


def _holds_function(value: object) -> bool:
    if isinstance(value, list):
        return _holds_function(tuple(value[:1]))  # all are of one type
    return any(map(_holds_function, value)) if isinstance(value, tuple) else is_compiled(value)


def list_types(given: Iterable[Any]) -> str:
    """List types for an error message."""
    return f"({', '.join(map(str, given))})"
