"""Memory of a GPU by its address: several numbers in one load or store of up to 16 bytes.

The compiler joins no loads by itself, not knowing what is aligned. A kernel that has addresses, not
arrays, also has fewer arguments, and can find them in a table.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numba import from_dtype, types
from numba.core.cgutils import ir  # llvmlite's, as Numba has it

from .gpu import is_simulated, load_intrinsic

#: The most bytes that a thread loads or stores at once, and what such an address is a multiple of.
WIDEST = 16

#: Arrays beside each other: the dtype, and how many rows of it.
Part: TypeAlias = tuple[np.dtype[Any], int]

_GLOBAL = 1  # the address space of a GPU's memory in its compiler


@cache
def make_load(parts: Sequence[Part], width: int) -> Callable[..., Any]:
    """Make ``load(pointers, pitches, i)``, which reads the elements ``i`` to ``i + width - 1``.

    Each part has an address, and the bytes from one of its rows to the next. What is returned has
    for each element a tuple: for each part a tuple of one number of each row. If ``width`` is not
    1, all addresses have to be multiples of what that many numbers take, or of 16 bytes.
    """
    if is_simulated():
        return _make_simulated_load(parts, width)
    kinds = [types.UniTuple(from_dtype(dtype), rows) for dtype, rows in parts]
    returned = types.UniTuple(types.Tuple(kinds), width)

    @load_intrinsic()
    def load(typing_context, pointers, pitches, i):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            columns = []
            for address, dtype in _list_addresses(builder, parts, args):
                pointer = _point(context, builder, address, dtype, width)
                vector = builder.load(pointer, align=_alignment(dtype, width))
                columns.append(_split(builder, vector, width))
            elements = [
                _gather(context, builder, kinds, [column[lane] for column in columns])
                for lane in range(width)
            ]
            return context.make_tuple(builder, returned, elements)

        return returned(pointers, pitches, i), lower

    return load  # type: ignore[no-any-return]


@cache
def make_store(parts: Sequence[Part], width: int) -> Callable[..., None]:
    """Make ``store(pointers, pitches, i, elements)``, which writes what ``load`` would return."""
    if is_simulated():
        return _make_simulated_store(parts, width)

    @load_intrinsic()
    def store(typing_context, pointers, pitches, i, elements):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            rows = [(k, row) for k, (_, count) in enumerate(parts) for row in range(count)]
            for (k, row), (address, dtype) in zip(
                rows, _list_addresses(builder, parts, args), strict=True
            ):
                numbers = [builder.extract_value(args[3], (j, k, row)) for j in range(width)]
                pointer = _point(context, builder, address, dtype, width)
                vector = _join(builder, numbers)
                builder.store(vector, pointer, align=_alignment(dtype, width))
            return context.get_dummy_value()

        return types.void(pointers, pitches, i, elements), lower

    return store  # type: ignore[no-any-return]


def _list_addresses(builder: Any, parts: Sequence[Part], args: Any) -> Any:
    """Compute the address of each row's element, in order."""
    pointers, pitches, i = args[:3]
    for k, (dtype, rows) in enumerate(parts):
        offset = builder.mul(i, ir.Constant(i.type, dtype.itemsize))
        address = builder.add(builder.extract_value(pointers, k), offset)
        for _ in range(rows):
            yield address, dtype
            address = builder.add(address, builder.extract_value(pitches, k))


def _point(context: Any, builder: Any, address: Any, dtype: np.dtype[Any], width: int) -> Any:
    number = context.get_value_type(from_dtype(dtype))
    vector = number if width == 1 else ir.VectorType(number, width)
    return builder.inttoptr(address, ir.PointerType(vector, _GLOBAL))


def _alignment(dtype: np.dtype[Any], width: int) -> int:
    return min(width * dtype.itemsize, WIDEST)


def _split(builder: Any, vector: Any, width: int) -> list[Any]:
    if width == 1:
        return [vector]
    index = ir.IntType(32)
    return [builder.extract_element(vector, ir.Constant(index, lane)) for lane in range(width)]


def _join(builder: Any, numbers: list[Any]) -> Any:
    if len(numbers) == 1:
        return numbers[0]
    vector = ir.Constant(ir.VectorType(numbers[0].type, len(numbers)), ir.Undefined)
    for lane, number in enumerate(numbers):
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), lane))
    return vector


def _gather(context: Any, builder: Any, kinds: list[Any], numbers: list[Any]) -> Any:
    """Make an element of the numbers in its rows, a tuple for each part."""
    remaining = iter(numbers)
    each = [
        context.make_tuple(builder, kind, [next(remaining) for _ in range(kind.count)])
        for kind in kinds
    ]
    return context.make_tuple(builder, types.Tuple(kinds), each)


def _make_simulated_load(parts: Sequence[Part], width: int) -> Callable[..., Any]:
    def load(pointers: Any, pitches: Any, i: int) -> Any:
        return tuple(
            tuple(
                tuple(
                    _show(pointers[k] + row * pitches[k], i, dtype, width)[lane]
                    for row in range(rows)
                )
                for k, (dtype, rows) in enumerate(parts)
            )
            for lane in range(width)
        )

    return load


def _make_simulated_store(parts: Sequence[Part], width: int) -> Callable[..., None]:
    def store(pointers: Any, pitches: Any, i: int, elements: Any) -> None:
        for k, (dtype, rows) in enumerate(parts):
            for row in range(rows):
                memory = _show(pointers[k] + row * pitches[k], i, dtype, width)
                memory[:] = [element[k][row] for element in elements]

    return store


def _show(address: int, i: int, dtype: np.dtype[Any], width: int) -> np.ndarray:
    """Show elements in memory as an array; they have to be aligned as on a GPU."""
    start = int(address) + int(i) * dtype.itemsize
    assert start % _alignment(dtype, width) == 0
    memory: Any = (ctypes.c_byte * (width * dtype.itemsize)).from_address(start)
    return np.ndarray((width,), dtype, memory)
