"""Functions as addresses, and values as addresses: what Numba can do but has no words for.

A loop that is compiled once takes a function by the address of its machine code and calls it.
Extra arguments of any type stay on the stack of whoever has them, and go through the loop as an
address too.

Numba releases nothing when an exception leaves a function. So whatever calls a user's function
holds *borrowed* values alone: values that somebody outside owns, and that need no release.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.core.typing import fold_arguments
from numba.extending import intrinsic

REAL = types.Array(types.float64, 1, "C")
COMPLEX = types.Array(types.complex128, 1, "C")

#: ``(x, trial, grad, slot) -> f``, fills ``grad``; ``trial`` is a copy of ``x``. And
#: ``(trial, slot) -> f``. Both may overwrite ``trial``.
GRADIENT_SIGNATURE = types.float64(REAL, REAL, REAL, types.intp)
VALUE_SIGNATURE = types.float64(REAL, types.intp)
COMPLEX_SIGNATURE = types.complex128(COMPLEX, types.intp)


def first_class(signature: Any) -> Any:
    """Return the type of first-class functions of a signature, and a maker of their values."""
    function_type = types.FunctionType(signature)

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        value = cgutils.create_struct_proxy(function_type)(context, builder)
        pointer = builder.inttoptr(args[0], context.get_value_type(types.voidptr))
        # jit_addr is called, with Numba's own convention, which passes exceptions on.
        value.jit_addr = value.c_addr = pointer
        value.py_addr = context.get_constant_null(types.voidptr)
        return value._getvalue()

    return function_type, lower


_GRADIENT_TYPE, _lower_gradient = first_class(GRADIENT_SIGNATURE)
_VALUE_TYPE, _lower_value = first_class(VALUE_SIGNATURE)
_COMPLEX_TYPE, _lower_complex = first_class(COMPLEX_SIGNATURE)


@intrinsic
def at_gradient(typing_context, address):  # type: ignore[no-untyped-def]
    """Return the function of `GRADIENT_SIGNATURE` at an address."""
    return _GRADIENT_TYPE(types.intp), _lower_gradient


@intrinsic
def at_value(typing_context, address):  # type: ignore[no-untyped-def]
    """Return the function of `VALUE_SIGNATURE` at an address."""
    return _VALUE_TYPE(types.intp), _lower_value


@intrinsic
def at_complex_value(typing_context, address):  # type: ignore[no-untyped-def]
    """Return the function of `COMPLEX_SIGNATURE` at an address."""
    return _COMPLEX_TYPE(types.intp), _lower_complex


@intrinsic
def borrowed(typing_context, arrays):  # type: ignore[no-untyped-def]
    """Return an array, or a tuple of them, without reference counts, while somebody owns them.

    Handing them on, to an inlined function too, then costs no atomic increment: 47.5 instead of
    50 ns an iteration of the whole loop. And an exception leaves no count behind: each used to
    keep the memory of a search.
    """

    def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return disowned(context, builder, arrays, args[0])

    return arrays(arrays), lower


@intrinsic
def spill(typing_context, value):  # type: ignore[no-untyped-def]
    """Keep a value on the stack until the function returns; return its address."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        pointer = cgutils.alloca_once_value(builder, args[0])
        return builder.ptrtoint(pointer, context.get_value_type(types.intp))

    return types.intp(value), lower


def spilled(context: Any, builder: Any, numba_type: Any, slot: Any) -> Any:
    """Load what `spill` has kept, borrowed."""
    pointer_type = context.get_value_type(numba_type).as_pointer()
    value = builder.load(builder.inttoptr(slot, pointer_type))
    return disowned(context, builder, numba_type, value)


def disowned(context: Any, builder: Any, numba_type: Any, value: Any) -> Any:
    """Return a value whose arrays have no reference count, also those in tuples.

    Two threads that counted up and down the references to one array would wait for each other.
    """
    if isinstance(numba_type, types.Array):
        array = cgutils.create_struct_proxy(numba_type)(context, builder, value=value)
        array.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        return array._getvalue()
    if isinstance(numba_type, types.BaseTuple):
        parts = cgutils.unpack_tuple(builder, value)
        parts = [
            disowned(context, builder, part_type, part)
            for part_type, part in zip(numba_type, parts, strict=True)
        ]
        return context.make_tuple(builder, numba_type, parts)
    return value


def call_at(
    context: Any, builder: Any, signature: Any, address: Any, values: Sequence[tuple[Any, Any]]
) -> Any:
    """Call the machine code at an address, by Numba's own convention.

    Parameters
    ----------
    signature : numba.core.typing.Signature
        As Numba resolved it for the types of ``values``: with defaults, and ``*args`` as a tuple.
    values : sequence of (value, type)
        The arguments; the function that is called takes no reference from its caller.
    """

    def normal(index: int, _: Any, item: Any) -> Any:
        return context.cast(builder, *item, signature.args[index])

    def default(index: int, _: Any, value: Any) -> Any:
        return context.get_constant_generic(builder, signature.args[index], value)

    def star(index: int, _: Any, items: Any) -> Any:
        tuple_type = signature.args[index]
        parts = [
            context.cast(builder, *item, part) for item, part in zip(items, tuple_type, strict=True)
        ]
        return context.make_tuple(builder, tuple_type, parts)

    if signature.pysig is None:
        arguments = [normal(i, None, item) for i, item in enumerate(values)]
    else:
        arguments = fold_arguments(signature.pysig, list(values), {}, normal, default, star)
    convention = context.call_conv
    function_type = convention.get_function_type(signature.return_type, signature.args)
    pointer = builder.inttoptr(address, function_type.as_pointer())
    status, result = convention.call_function(
        builder, pointer, signature.return_type, signature.args, arguments
    )
    with cgutils.if_unlikely(builder, status.is_error):
        convention.return_status_propagate(builder, status)
    return result
