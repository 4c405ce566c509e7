"""Arrays on a GPU, in the words of three libraries; and how they are filled and looked at.

A billion parameters are a pattern that is repeated: the host draws and checks only the pattern, but
every element is compared with it. Its length is a prime, so that no wrong index of a kernel, which
would be off by a block or a power of two, meets the same number again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ..harness.adam import Array

PERIOD = 65_537

#: So many periods are copied to the host at once.
_PERIODS = 32


class Arrays(Protocol):
    """What is done with the arrays of a library: flat ones, and slices of them."""

    def send(self, array: Array) -> Any:
        """Return a copy on the GPU."""

    def empty(self, size: int, dtype: npt.DTypeLike = np.float32) -> Any:
        """Return a new array there."""

    def assign(self, to: Any, source: Any) -> None:
        """Copy from one to another there."""

    def fetch(self, array: Any) -> Array:
        """Return a copy on the host."""


class NumbaArrays:
    """Arrays of numba-cuda."""

    def __init__(self, cuda: Any) -> None:
        self._cuda = cuda

    def send(self, array: Array) -> Any:
        """Return a copy on the GPU."""
        return self._cuda.to_device(array)

    def empty(self, size: int, dtype: npt.DTypeLike = np.float32) -> Any:
        """Return a new array there."""
        return self._cuda.device_array(size, dtype)

    def assign(self, to: Any, source: Any) -> None:
        """Copy from one to another there."""
        to.copy_to_device(source)

    def fetch(self, array: Any) -> Array:
        """Return a copy on the host."""
        return array.copy_to_host()


class TorchArrays:
    """Tensors of torch."""

    def __init__(self, device: str = "cuda") -> None:
        import torch

        if device == "cuda" and not torch.cuda.is_available():
            raise ImportError(f"torch {torch.__version__} cannot use this GPU")
        self.torch, self._device = torch, device

    def send(self, array: Array) -> Any:
        """Return a copy on the GPU."""
        return self.torch.tensor(array, device=self._device)

    def empty(self, size: int, dtype: npt.DTypeLike = np.float32) -> Any:
        """Return a new array there."""
        kind = getattr(self.torch, np.dtype(dtype).name)
        return self.torch.empty(size, dtype=kind, device=self._device)

    def assign(self, to: Any, source: Any) -> None:
        """Copy from one to another there."""
        to.copy_(source)

    def fetch(self, array: Any) -> Array:
        """Return a copy on the host."""
        return array.detach().cpu().numpy()


class CupyArrays:
    """Arrays of CuPy."""

    def __init__(self) -> None:
        import cupy

        self._cupy = cupy

    def send(self, array: Array) -> Any:
        """Return a copy on the GPU."""
        return self._cupy.asarray(array)

    def empty(self, size: int, dtype: npt.DTypeLike = np.float32) -> Any:
        """Return a new array there."""
        return self._cupy.empty(size, dtype)

    def assign(self, to: Any, source: Any) -> None:
        """Copy from one to another there."""
        to[...] = source

    def fetch(self, array: Any) -> Array:
        """Return a copy on the host."""
        return self._cupy.asnumpy(array)


def fill(arrays: Arrays, to: Any, pattern: Array) -> None:
    """Fill an array with a pattern, again and again; twice as much with each copy."""
    size, done = len(to), min(len(to), len(pattern))
    arrays.assign(to[:done], arrays.send(np.ascontiguousarray(pattern[:done])))
    while done < size:
        more = min(done, size - done)
        arrays.assign(to[done : done + more], to[:more])
        done += more


def filled(arrays: Arrays, size: int, pattern: Array) -> Any:
    """Return a new array of repeated patterns."""
    array = arrays.empty(size, pattern.dtype)
    fill(arrays, array, pattern)
    return array


#: An element that is not within what is repeated, and where it is.
Found = tuple[int, Any] | None
#: Looks for one: of a library's arrays, an array, and what is repeated, from below and above.
Search = Callable[[Arrays, Any, Array, Array], Found]


def outside(arrays: Arrays, array: Any, lowest: Array, highest: Array) -> Found:
    """Find the first element that is not within what is repeated, on the host; NaN is not."""
    period = len(lowest)
    for start in range(0, len(array), _PERIODS * period):
        found = arrays.fetch(array[start : start + _PERIODS * period])
        whole = len(found) - len(found) % period
        for first, part in ((0, found[:whole].reshape(-1, period)), (whole, found[None, whole:])):
            width = part.shape[1]
            good = (part >= lowest[:width]) & (part <= highest[:width])
            if not good.all():
                place = int(np.argmin(good))
                return start + first + place, part.reshape(-1)[place]
    return None
