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

#: ``(x, trial, grad, n, slot) -> f``, fills ``grad``; ``trial`` is a copy of ``x``. And
#: ``(trial, n, slot) -> f``. Both may overwrite ``trial``. Vectors are the addresses of n numbers,
#: which fit in registers: arrays are seven words each, go over the stack, and took 20 ns a call.
GRADIENT_SIGNATURE = types.float64(types.intp, types.intp, types.intp, types.intp, types.intp)
VALUE_SIGNATURE = types.float64(types.intp, types.intp, types.intp)
COMPLEX_SIGNATURE = types.complex128(types.intp, types.intp, types.intp)


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


@intrinsic
def call_gradient(typing_context, x, trial, grad, target):  # type: ignore[no-untyped-def]
    """Call a function of `GRADIENT_SIGNATURE`; ``target`` is its address and the slot."""
    return _call(GRADIENT_SIGNATURE, x, trial, grad, target)


@intrinsic
def call_value(typing_context, trial, target):  # type: ignore[no-untyped-def]
    """Call a function of `VALUE_SIGNATURE`, or of `COMPLEX_SIGNATURE` if ``trial`` is complex."""
    signature = COMPLEX_SIGNATURE if trial.dtype == types.complex128 else VALUE_SIGNATURE
    return _call(signature, trial, target)


def _call(signature: Any, *given: Any) -> Any:
    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        *vectors, target = args
        arrays = [
            context.make_array(array_type)(context, builder, value=vector)
            for array_type, vector in zip(given[:-1], vectors, strict=True)
        ]
        word = context.get_value_type(types.intp)
        words = [builder.ptrtoint(array.data, word) for array in arrays]
        words += [builder.extract_value(arrays[0].shape, 0), builder.extract_value(target, 1)]
        address = builder.extract_value(target, 0)
        values = [(each, types.intp) for each in words]
        return call_at(context, builder, signature, address, values)

    return signature.return_type(*given), lower


@intrinsic
def vector_at(typing_context, address, n):  # type: ignore[no-untyped-def]
    """Return the ``n`` real numbers at an address as an array, borrowed."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        return vector(context, builder, REAL, *args)

    return REAL(types.intp, types.intp), lower


def vector(context: Any, builder: Any, array_type: Any, address: Any, n: Any) -> Any:
    """Make the array of the n numbers at an address, borrowed."""
    array = context.make_array(array_type)(context, builder)
    size = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    itemsize = context.get_constant(types.intp, size)
    array.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
    array.parent = context.get_constant_null(types.pyobject)
    array.nitems, array.itemsize = n, itemsize
    array.data = builder.inttoptr(address, array.data.type)
    array.shape = cgutils.pack_array(builder, [n])
    array.strides = cgutils.pack_array(builder, [itemsize])
    return array._getvalue()


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
