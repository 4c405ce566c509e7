"""Users' functions as a part of the loop that is compiled for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._numba.options import inline
from .compiled import fill, renew
from .forms import make_form


def make_inlined_form(form: str, functions: Sequence[Any], fill: Any = fill) -> Callable[..., Any]:
    """Make the form of functions that Numba compiles with what calls them.

    The data is the tuple of extra arguments.
    """
    return inline(make_form(form, [_make_call(each) for each in functions], fill, renew))


def _make_call(function: Any) -> Callable[..., Any]:
    def call(points, args):  # type: ignore[no-untyped-def]
        return function(*(points + args))

    return inline(call)
