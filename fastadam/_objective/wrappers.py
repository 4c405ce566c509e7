"""The wrappers of users' compiled functions: one for each form of the gradient, and set of types.

A wrapper has one of the signatures of `calls`, so that the loop can call it. It finds the
addresses of the functions, and their arguments, in the slot.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from numba import types
from numba.extending import register_jitable

from .._numba.addresses import COMPLEX, REAL, vector_at
from .._numba.cache import compile_kernel
from .._numba.calls import (
    COMPLEX_SIGNATURE,
    GRADIENT_SIGNATURE,
    VALUE_SIGNATURE,
    make_caller,
    make_row_loader,
)
from .._numba.dispatchers import quiet
from .differences import copy


@lru_cache(maxsize=256)
def wrapper_of(
    form: Any, args_type: Any, batch_type: Any, signatures: tuple[Any, ...]
) -> Callable[..., Any]:
    """Return the wrapper for all functions of some signatures, compiled.

    Parameters
    ----------
    form : str or True
        The form of the gradient: a key of `_FORMS`.
    args_type, batch_type : numba.types.BaseTuple
        The types of the arguments, and of arrays whose rows are arguments (or None).
    signatures : tuple of numba.core.typing.Signature
        Of the objective and, if it is another function, the gradient.
    """
    with quiet():  # also of the types of tuples that hold functions
        slot_type = types.Tuple((types.intp, types.intp, *args_type))
        if batch_type is not None:
            slot_type = types.Tuple((slot_type, batch_type, types.Array(types.int64, 1, "C")))
    load_rows = _no_rows if batch_type is None else _row_loader(slot_type)
    point_type = COMPLEX if form == "cs" else REAL
    calls = [
        make_caller(k, slot_type, point_type, signature) for k, signature in enumerate(signatures)
    ]
    make, signature = _FORMS[form]
    wrapper = make(*calls, load_rows)
    named = (slot_type, *(t for each in signatures for t in (*each.args, each.return_type)))
    identity = repr((str(slot_type), *map(str, signatures)))
    digest = hashlib.sha256(identity.encode()).hexdigest()[:16]
    wrapper.__qualname__ = f"{wrapper.__name__}_{digest}"
    return compile_kernel(wrapper, signature, named)


def _row_picker(count: int) -> Callable[..., Any]:
    """Return ``pick(batch, k)``: row ``k`` of each of ``count`` arrays in a tuple."""
    if count == 0:

        @register_jitable
        def none(batch, k):  # type: ignore[no-untyped-def]
            return ()

        return none
    before, last = _row_picker(count - 1), count - 1

    @register_jitable
    def pick(batch, k):  # type: ignore[no-untyped-def]
        return before(batch, k) + (batch[last][k],)  # noqa: RUF005

    return pick


def _row_loader(slot_type: Any) -> Callable[..., Any]:
    """Return ``rows(slot)``: the row of each array in a slot of arguments, arrays and the row."""
    load = make_row_loader(slot_type)
    pick = _row_picker(len(slot_type[1]))

    @register_jitable
    def rows(slot):  # type: ignore[no-untyped-def]
        batch, index = load(slot)
        return pick(batch, index[0])

    return rows


@register_jitable
def _no_rows(slot):  # type: ignore[no-untyped-def]
    return ()


@register_jitable
def _fill(grad, given):  # type: ignore[no-untyped-def]
    """Copy what a user's function gave as the gradient: an array, a list or a tuple.

    Return whether it fits: who raises an exception keeps what is given for ever.
    """
    if len(given) != grad.size:
        return False
    for i in range(grad.size):
        grad[i] = given[i]
    return True


@register_jitable
def _require_fit(fits):  # type: ignore[no-untyped-def]
    if not fits:
        raise ValueError("jac must return one number for each element of x")


# Users' functions get the copy, which they may overwrite.


def _value(fun: Any, rows: Any) -> Callable[..., Any]:
    def value(x, n, slot):  # type: ignore[no-untyped-def]
        return fun(slot, (x,), n, rows(slot))

    return value


def _separate(fun: Any, jac: Any, rows: Any) -> Callable[..., Any]:
    def separate(x, trial, grad, n, slot):  # type: ignore[no-untyped-def]
        f = fun(slot, (trial,), n, rows(slot))
        copy(vector_at(x, n), vector_at(trial, n))
        fits = _fill(vector_at(grad, n), jac(slot, (trial,), n, rows(slot)))
        _require_fit(fits)
        return f

    return separate


def _pair(fun: Any, rows: Any) -> Callable[..., Any]:
    def pair(x, trial, grad, n, slot):  # type: ignore[no-untyped-def]
        f, given = fun(slot, (trial,), n, rows(slot))
        fits = _fill(vector_at(grad, n), given)
        _require_fit(fits)
        return f

    return pair


def _in_place(fun: Any, rows: Any) -> Callable[..., Any]:
    def in_place(x, trial, grad, n, slot):  # type: ignore[no-untyped-def]
        return fun(slot, (trial, grad), n, rows(slot))

    return in_place


_FORMS: dict[Any, tuple[Callable[..., Any], Any]] = {
    "value": (_value, VALUE_SIGNATURE),
    "cs": (_value, COMPLEX_SIGNATURE),
    "in-place": (_in_place, GRADIENT_SIGNATURE),
    True: (_pair, GRADIENT_SIGNATURE),
    "separate": (_separate, GRADIENT_SIGNATURE),
}
