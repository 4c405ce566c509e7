"""Calls of machine code by its address: one compiled loop serves all functions.

The loop calls a *wrapper* of fixed signature, and the wrapper calls a user's functions. Their
addresses, and their arguments, are in the user data (`addresses`), which is a tuple of types::

    (address of fun, address of jac, *args)

or, where rows of arrays are further arguments, ``(that tuple, arrays, index of the row)``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

from .addresses import load

#: ``(x, trial, grad, n, user_data) -> f``, fills ``grad``; ``trial`` is a copy of ``x``. And
#: ``(trial, n, user_data) -> f``. Both may overwrite ``trial``. Vectors are the addresses of n
#: numbers, which fit in registers: arrays are seven words each, go over the stack, and took 20 ns
#: a call.
GRADIENT_SIGNATURE = types.float64(types.intp, types.intp, types.intp, types.intp, types.intp)
VALUE_SIGNATURE = types.float64(types.intp, types.intp, types.intp)
COMPLEX_SIGNATURE = types.complex128(types.intp, types.intp, types.intp)


@intrinsic
def call_gradient(typing_context, x, trial, grad, target):  # type: ignore[no-untyped-def]
    """Call a wrapper of `GRADIENT_SIGNATURE`; ``target`` is its address and the user data."""
    return _call_wrapper(GRADIENT_SIGNATURE, x, trial, grad, target)


@intrinsic
def call_value(typing_context, trial, target):  # type: ignore[no-untyped-def]
    """Call a wrapper of `VALUE_SIGNATURE`, or of `COMPLEX_SIGNATURE` if ``trial`` is complex."""
    signature = COMPLEX_SIGNATURE if trial.dtype == types.complex128 else VALUE_SIGNATURE
    return _call_wrapper(signature, trial, target)


def _call_wrapper(signature: Any, *given: Any) -> Any:
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
        return _call(context, builder, signature, address, values)

    return signature.return_type(*given), lower


def make_caller(k: int, user_data_type: Any, signature: Any) -> Any:
    """Make ``call(user_data, points, rows)``, a call of the k-th of a user's functions.

    It takes the points, which are borrowed arrays, the arguments in the user data, and the rows.
    """

    @intrinsic
    def call(typing_context, user_data, points, rows):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            held_type, held = user_data_type, load(context, builder, user_data_type, args[0])
            if isinstance(held_type[0], types.BaseTuple):
                held_type, held = held_type[0], builder.extract_value(held, 0)
            address = builder.extract_value(held, k)
            sources = (args[1], points, 0), (held, held_type, 2), (args[2], rows, 0)
            values = [
                (builder.extract_value(parts, i), parts_type[i])
                for parts, parts_type, first in sources
                for i in range(first, len(parts_type))
            ]
            return _call(context, builder, signature, address, values)

        return signature.return_type(user_data, points, rows), lower

    return call


def make_row_loader(user_data_type: Any) -> Any:
    """Make ``load_rows(user_data)``: the arrays, and the index of the row."""

    @intrinsic
    def load_rows(typing_context, user_data):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            value = load(context, builder, user_data_type, args[0])
            parts = [builder.extract_value(value, i) for i in (1, 2)]
            return context.make_tuple(builder, loaded, parts)

        loaded = types.Tuple(tuple(user_data_type)[1:])
        return loaded(types.intp), lower

    return load_rows


def make_function_at(signature: Any) -> Any:
    """Make ``function_at(address)``: the first-class function of a signature."""
    function_type = types.FunctionType(signature)

    @intrinsic
    def function_at(typing_context, address):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            proxy = numba.core.cgutils.create_struct_proxy(function_type)
            value = proxy(context, builder)
            pointer = builder.inttoptr(args[0], context.get_value_type(types.voidptr))
            # jit_addr is called, with Numba's own convention, which passes exceptions on.
            value.jit_addr = value.c_addr = pointer
            value.py_addr = context.get_constant_null(types.voidptr)
            return value._getvalue()

        return function_type(types.intp), lower

    return function_at


def _call(
    context: Any, builder: Any, signature: Any, address: Any, values: Sequence[tuple[Any, Any]]
) -> Any:
    """Call the machine code at an address, by Numba's own convention.

    The signature is as Numba resolved it for the types of the (value, type) pairs: with defaults,
    and ``*args`` as a tuple. The function takes no reference from its caller.
    """

    def normal(index: int, _: Any, item: Any) -> Any:
        return context.cast(builder, *item, signature.args[index])

    def default(index: int, _: Any, value: Any) -> Any:
        return context.get_constant_generic(builder, signature.args[index], value)

    def star(index: int, _: Any, items: Any) -> Any:
        tuple_type = signature.args[index]
        pairs = zip(items, tuple_type, strict=True)
        parts = [context.cast(builder, *item, part) for item, part in pairs]
        return context.make_tuple(builder, tuple_type, parts)

    if signature.pysig is None:
        arguments = [normal(i, None, item) for i, item in enumerate(values)]
    else:
        arguments = numba.core.typing.fold_arguments(
            signature.pysig, list(values), {}, normal, default, star
        )
    return call_machine_code(context, builder, signature, address, arguments)


def call_machine_code(
    context: Any,
    builder: Any,
    signature: Any,
    address: Any,
    arguments: Sequence[Any],
    clean_up: Callable[[], None] = lambda: None,
) -> Any:
    """Call what is at an address with the arguments of its signature; pass exceptions on.

    Before that, ``clean_up`` may give back what the caller has.
    """
    convention = context.call_conv
    function_type = convention.get_function_type(signature.return_type, signature.args)
    pointer = builder.inttoptr(address, function_type.as_pointer())
    status, result = convention.call_function(
        builder, pointer, signature.return_type, signature.args, arguments
    )
    with numba.core.cgutils.if_unlikely(builder, status.is_error):
        clean_up()
        convention.return_status_propagate(builder, status)
    return result
