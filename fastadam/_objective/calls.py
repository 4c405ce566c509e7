"""Users' compiled functions, where Python calls them: beside one in Python, or vectorised."""

from __future__ import annotations

import inspect
from typing import Any

from numba import NumbaError

from .compiled import is_native, type_of_arguments


def called_from_python(name: str, function: Any, extra: tuple[Any, ...]) -> Any:
    """Return a function for calls from Python: a compiled one's refusals then name it.

    Parameters
    ----------
    name : str
        What error messages call it.
    function : callable
        Compiled or not.
    extra : tuple
        The extra arguments that it gets.
    """
    if not is_native(function):
        return function

    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except NumbaError as error:
            type_of_arguments(extra)  # which names the one that has no type
            raise ValueError(f"{name} cannot be compiled for its arguments: {error}") from error
        except (OverflowError, ValueError):  # the user's, or Numba's for an argument
            type_of_arguments(extra)
            raise
        except TypeError as error:
            try:
                inspect.signature(function.py_func).bind(*args)
            except TypeError as mismatch:
                raise TypeError(f"{name} cannot be called: {mismatch}") from error
            raise

    return call
