"""Gradients whose norm is clipped: the norms of an optimiser's, and the factor they lead to.

Both stay on the GPU, where the step's kernels find the factor: the host waits for neither.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from .._forms.norms import count_blocks
from .._uninterrupted import Call
from .driver import Arguments, Gpu, describe_vector
from .list_kernels import PLACE, WORD
from .lists import lay_out
from .norms import (
    CLIP_THREADS,
    FIRST,
    NORM,
    NORM_THREADS,
    SIZE,
    TARGET,
    WARPS,
    WIDTH,
    load_clip_kernel,
    load_norm_kernel,
)


class Factor:
    """Where the factor of all gradients is, and behind it their norm: NaN, before a step."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._memory = gpu.empty((2,), np.float64)
        self.pointer = gpu.pointer(self._memory)
        gpu.fill(self.pointer, 0xFF, 16, 0)
        gpu.synchronize()

    def read_norm(self, stream: int) -> float:
        """Read the norm, as soon as a stream is done."""
        return float(self._gpu.read(self.pointer + 8 * NORM, (1,), np.float64, stream)[0])


class Norms:
    """The norms of arrays' gradients, a launch for each dtype, and one that puts them together."""

    def __init__(
        self, gpu: Gpu, params: Sequence[tuple[int, np.dtype[Any]]], factor: Factor
    ) -> None:
        """Take the size and the dtype of each array; that of bfloat16 is uint16."""
        self._gpu = gpu
        counts = [count_blocks(size) for size, _ in params]
        self._memory = gpu.empty((sum(counts),), np.float64)
        start = gpu.pointer(self._memory)
        targets = start + 8 * np.cumsum([0, *counts[:-1]])
        kinds: dict[np.dtype[Any], list[int]] = {}
        for place, (size, dtype) in enumerate(params):
            if size:
                kinds.setdefault(dtype, []).append(place)
        self._lists = [
            NormList(gpu, dtype, places, [params[place][0] for place in places], targets[places])
            for dtype, places in kinds.items()
        ]
        vectors = describe_vector(start, sum(counts), 8), describe_vector(factor.pointer, 2, 8)
        self._last = Arguments([*vectors[0], *vectors[1]], (ctypes.c_double * 1)())
        self._kernel = load_clip_kernel(gpu)

    def make_calls(self, pointers: Sequence[int], clip_norm: float, stream: int) -> list[Call]:
        """Make the calls that lead to the factor; without a gradient an address is 0."""
        sends = [call for each in self._lists for call in each.make_send_calls(pointers, stream)]
        return [*sends, *self.make_launch_calls(clip_norm, stream)]

    def send(self, pointers: Sequence[int]) -> None:
        """Send what `make_calls` does, apart from all streams; wait for it."""
        for each in self._lists:
            each.send(pointers)

    def make_launch_calls(self, clip_norm: float, stream: int) -> list[Call]:
        """Make the calls that launch the kernels, for what is there by then."""
        self._last.scalars[0] = clip_norm
        last = self._gpu.make_launch_call(self._kernel, 1, stream, self._last, CLIP_THREADS)
        return [*[each.make_launch_call(stream) for each in self._lists], last]


class NormList:
    """Arrays of one dtype, none of them empty, whose norms one launch computes."""

    def __init__(
        self,
        gpu: Gpu,
        dtype: np.dtype[Any],
        places: list[int],
        sizes: list[int],
        targets: np.ndarray,
    ) -> None:
        self._gpu, self._chosen = gpu, places
        self._kernel = load_norm_kernel(gpu, dtype)
        blocks = [-(-count_blocks(size) // WARPS) for size in sizes]
        table = np.zeros((len(sizes), WIDTH), WORD)
        table[:, SIZE], table[:, TARGET] = sizes, targets
        table[:, FIRST] = np.cumsum([0, *blocks[:-1]])
        rows = np.repeat(np.arange(len(sizes), dtype=PLACE), blocks)
        self._host, starts = lay_out([np.zeros(len(sizes), WORD), table, rows])
        self._news = self._host[: 8 * len(sizes)].view(WORD)
        self._blocks = len(rows)
        self._memory = gpu.empty(self._host.shape, np.uint8)
        self._base = gpu.pointer(self._memory)
        self._arguments = Arguments([self._base + start for start in starts])
        self._sent: list[int] | None = None  # the addresses that are there

    def make_send_calls(self, pointers: Sequence[int], stream: int) -> list[Call]:
        """Make the calls that send the addresses, if they are others."""
        news = [pointers[place] for place in self._chosen]
        if news == self._sent:
            return []
        size = len(self._host) if self._sent is None else self._news.nbytes
        self._sent, self._news[:] = None, news  # until they are sent
        send = self._gpu.make_send_call(self._base, self._host.ctypes.data, size, stream)
        return [send, (setattr, self, "_sent", news)]

    def send(self, pointers: Sequence[int]) -> None:
        """Send all, apart from all streams; wait for it."""
        self._news[:] = [pointers[place] for place in self._chosen]
        self._gpu.send_apart(self._base, self._host)

    def make_launch_call(self, stream: int) -> Call:
        """Make the call that launches the kernel, for what is there by then."""
        blocks, arguments = self._blocks, self._arguments
        return self._gpu.make_launch_call(self._kernel, blocks, stream, arguments, NORM_THREADS)
