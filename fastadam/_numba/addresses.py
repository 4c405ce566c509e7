"""Values as addresses: what Numba can do but has no words for.

Arguments of any type stay on the stack of whoever has them, and go through a compiled loop as one
address, the *user data*; vectors go to users' functions as the addresses of their numbers.

Numba releases nothing when an exception leaves a function. So whatever calls a user's function
holds *borrowed* values alone: values that somebody outside owns, and that need no release.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

REAL = types.Array(types.float64, 1, "C")
COMPLEX = types.Array(types.complex128, 1, "C")
MATRIX = types.Array(types.float64, 2, "C")


@intrinsic
def spill(typing_context, value):  # type: ignore[no-untyped-def]
    """Keep a value on the stack until the function returns; return its address."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        pointer = numba.core.cgutils.alloca_once_value(builder, args[0])
        return builder.ptrtoint(pointer, context.get_value_type(types.intp))

    return types.intp(value), lower


@intrinsic
def address_of(typing_context, array):  # type: ignore[no-untyped-def]
    """Find where the numbers of an array begin."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        data = context.make_array(array)(context, builder, value=args[0]).data
        return builder.ptrtoint(data, context.get_value_type(types.intp))

    return types.intp(array), lower


def load(context: Any, builder: Any, numba_type: Any, address: Any) -> Any:
    """Load what `spill` has kept, borrowed."""
    pointer_type = context.get_value_type(numba_type).as_pointer()
    value = builder.load(builder.inttoptr(address, pointer_type))
    return borrow(context, builder, numba_type, value)


@intrinsic
def borrowed(typing_context, arrays):  # type: ignore[no-untyped-def]
    """Take an array, or a tuple of them, without reference counts, while somebody owns them.

    Handing them on, to an inlined function too, then costs no atomic increment: 47.5 instead of
    50 ns an iteration of the whole loop. And an exception leaves no count behind: each used to
    keep the memory of a search.
    """

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        return borrow(context, builder, arrays, args[0])

    return arrays(arrays), lower


def borrow(context: Any, builder: Any, numba_type: Any, value: Any) -> Any:
    """Make a value whose arrays have no reference count, also those in tuples.

    Two threads that counted up and down the references to one array would wait for each other.
    """
    cgutils = numba.core.cgutils
    if isinstance(numba_type, types.Array):
        array = cgutils.create_struct_proxy(numba_type)(context, builder, value=value)
        array.meminfo = context.get_constant_null(types.MemInfoPointer(types.voidptr))
        return array._getvalue()
    if isinstance(numba_type, types.BaseTuple):
        pairs = zip(numba_type, cgutils.unpack_tuple(builder, value), strict=True)
        parts = [borrow(context, builder, *pair) for pair in pairs]
        return context.make_tuple(builder, numba_type, parts)
    return value


def make_vector_at(array_type: Any) -> Any:
    """Make ``vector_at(address, n)``: the n numbers at an address as an array, borrowed."""

    @intrinsic
    def vector_at(typing_context, address, n):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            address, n = args
            return make_array(context, builder, array_type, address, [n])

        return array_type(types.intp, types.intp), lower

    return vector_at


@intrinsic
def matrix_at(typing_context, address, rows, columns):  # type: ignore[no-untyped-def]
    """Take the numbers at an address, row by row, as a matrix, borrowed."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        address, *shape = args
        return make_array(context, builder, MATRIX, address, shape)

    return MATRIX(types.intp, types.intp, types.intp), lower


def make_array(
    context: Any, builder: Any, array_type: Any, address: Any, shape: Any, meminfo: Any = None
) -> Any:
    """Make an array, contiguous, of the shape; without a ``meminfo``, it is borrowed."""
    cgutils = numba.core.cgutils
    array = context.make_array(array_type)(context, builder)
    itemsize = context.get_abi_sizeof(context.get_data_type(array_type.dtype))
    strides = [context.get_constant(types.intp, itemsize)]
    for length in shape[:0:-1]:
        strides.insert(0, builder.mul(strides[0], length))
    array.meminfo = meminfo or context.get_constant_null(types.MemInfoPointer(types.voidptr))
    array.parent = context.get_constant_null(types.pyobject)
    array.nitems, array.itemsize = shape[0], strides[-1]
    for length in shape[1:]:
        array.nitems = builder.mul(array.nitems, length)
    array.data = builder.inttoptr(address, array.data.type)
    array.shape = cgutils.pack_array(builder, shape)
    array.strides = cgutils.pack_array(builder, strides)
    return array._getvalue()


vector_at, complex_vector_at = make_vector_at(REAL), make_vector_at(COMPLEX)


def make_reals_at(count: int) -> Any:
    """Make ``reals_at(address)``: so many numbers at an address, as a tuple."""
    tuple_type = types.UniTuple(types.float64, count)

    @intrinsic
    def reals_at(typing_context, address):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            return load(context, builder, tuple_type, args[0])

        return tuple_type(types.intp), lower

    return reals_at
