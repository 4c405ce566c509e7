"""Tuples of numbers: what Numba can do but has no words for."""

from __future__ import annotations

from typing import Any

import numba
from numba import types
from numba.extending import intrinsic


@intrinsic
def cast_like(typing_context, values, number):  # type: ignore[no-untyped-def]
    """Make a tuple of the numbers in another, all of the type of ``number``."""

    def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
        numbers = zip(numba.core.cgutils.unpack_tuple(builder, args[0]), values, strict=True)
        cast = [context.cast(builder, each, own, number) for each, own in numbers]
        return context.make_tuple(builder, result, cast)

    result = types.UniTuple(number, len(values))
    return result(values, number), lower


def make_exchange(k: int) -> Any:
    """Make ``exchange(values, others)``: a tuple with its k-th item from another of its type."""

    @intrinsic
    def exchange(typing_context, values, others):  # type: ignore[no-untyped-def]
        def lower(context: Any, builder: Any, _: Any, args: Any) -> Any:
            item = builder.extract_value(args[1], k)
            return builder.insert_value(args[0], item, k)

        return values(values, others), lower

    return exchange
