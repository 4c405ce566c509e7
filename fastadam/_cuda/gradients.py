"""Gradients that are looked at all at once, through functions in C.

To put together what `__cuda_array_interface__` says takes 1 to 5 us an array, as long as the update
of a hundred small ones.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import compress, repeat
from operator import attrgetter, is_, is_not
from typing import Any
from weakref import ref

_shape, _dtype, _layout, _device = map(attrgetter, ("shape", "dtype", "layout", "device"))


class SameGradients:
    """Gradients of the last step, to be known again: arrays whose place in memory is theirs.

    That holds of CuPy's, and of ``kind``, Numba's; a tensor of PyTorch's can change its. They are
    not kept alive.
    """

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._stream = 0
        self._last: list[ref[Any]] = []

    def keep(self, gradients: Sequence[Any], stream: int) -> None:
        """Remember the gradients of a step on a stream, if they are all of these kinds."""
        cupy = sys.modules.get("cupy")
        kinds = {self._kind, getattr(cupy, "ndarray", self._kind)}
        self._last = list(map(ref, gradients)) if kinds.issuperset(map(type, gradients)) else []
        self._stream = stream

    def forget(self) -> None:
        """Know none again."""
        self._last = []

    def are(self, gradients: Sequence[Any], stream: int) -> bool:
        """Tell whether these are the ones, on the same stream: CuPy's are on the current one."""
        if not self._last or stream != self._stream:
            return False
        last = [each() for each in self._last]
        return all(map(is_, gradients, last)) and not any(map(is_, last, repeat(None)))


class TensorLayouts:
    """What the gradients of some parameter tensors look like, if nothing is special."""

    def __init__(self, params: Sequence[Any]) -> None:
        torch = sys.modules["torch"]
        self._kinds = {torch.Tensor, torch.nn.Parameter}
        self._strided, self._address = torch.strided, torch.Tensor.data_ptr
        self._is_contiguous = torch.Tensor.is_contiguous
        self._expected = [[each(p) for p in params] for each in (_shape, _dtype, _device)]

    def find_addresses(self, gradients: Sequence[Any]) -> list[int | None] | None:
        """Find where gradients are; None if one of them has to be looked at more closely.

        For one that is None, None is among them.
        """
        (shapes, dtypes, devices), here = self._expected, gradients
        is_here: list[bool] = []
        if any(map(is_, gradients, repeat(None))):
            is_here = list(map(is_not, gradients, repeat(None)))
            here = list(compress(gradients, is_here))
            shapes, dtypes, devices = (list(compress(e, is_here)) for e in self._expected)
        if not (
            self._kinds.issuperset(map(type, here))
            and all(map(is_, map(_layout, here), repeat(self._strided)))
            and all(map(is_, map(_dtype, here), dtypes))
            and list(map(_device, here)) == devices
            and list(map(_shape, here)) == shapes
            and all(map(self._is_contiguous, here))
        ):
            return None
        found = map(self._address, here)
        if not is_here:
            return list(found)
        return [next(found) if there else None for there in is_here]
