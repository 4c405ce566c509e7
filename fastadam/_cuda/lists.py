"""Arrays that one launch updates: their table in the memory of the GPU, and what changes in it."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from .._backend import Form
from .._rules.spec import Floats, Rule
from .._uninterrupted import Call
from .driver import Arguments, Gpu, describe_vector
from .kernels import count_blocks
from .list_kernels import FIRST, PLACE, SIZE, WORD, load_list_kernel
from .nonfinite import load_nonfinite_list_kernel


class ArrayList:
    """Arrays of one rule, dtype and form, none of them empty, as their list kernel takes them.

    ``table`` is the kernel's, but for the blocks; ``most`` how many sets of scalars there may be,
    ``factor`` the address of the factor of all gradients, if there is one.
    All of it is in one piece of memory, and the same on the host: first the news, then the
    scalars, then what stays.
    """

    def __init__(
        self,
        gpu: Gpu,
        rule: Rule,
        dtype: np.dtype[Any],
        form: Form,
        table: np.ndarray,
        most: int,
        factor: int = 0,
    ) -> None:
        self._gpu = gpu
        self._kernel = load_list_kernel(gpu, rule, dtype, form)
        blocks = [count_blocks(size, dtype, gpu.threads) for size in table[:, SIZE].tolist()]
        places = np.repeat(np.arange(len(table), dtype=PLACE), blocks)
        table[:, FIRST] = np.cumsum([0, *blocks[:-1]])
        self._blocks = len(places)
        news = np.zeros((len(table), 2), WORD)
        scalars = np.zeros((most, rule.coefficient_count + 2), dtype)
        self._host, starts = lay_out([news, scalars, table, places])
        self._news = self._host[: news.nbytes].view(WORD).reshape(news.shape)
        self._dtype, self._set = dtype, np.ctypeslib.as_ctypes_type(dtype) * scalars.shape[1]
        #: The bytes of a set.
        self.set_size = ctypes.sizeof(self._set)
        self._address, self._scalars_start = self._host.ctypes.data, starts[1]
        self._memory = gpu.empty(self._host.shape, np.uint8)
        self._base = gpu.pointer(self._memory)
        #: Where the GPU has them.
        self.scalars_pointer = self._base + starts[1]
        self._arguments = Arguments([self._base + starts[part] for part in (0, 2, 3, 1)] + [factor])
        self._sent: Any = None  # the news that are there

    def set_scalars(self, k: int, numbers: Floats) -> None:
        """Set the scalars of a set for a step; what is too large for the dtype is infinite."""
        start = self._scalars_start + k * self.set_size
        self._set.from_buffer(self._host, start)[:] = numbers

    def make_calls(
        self, stream: int, gradients: list[int], chosen: list[int], count: int
    ) -> list[Call]:
        """Make the calls of a step on a stream, which ``count`` sets of scalars are ready for.

        ``gradients`` are addresses, 0 for an array without one, and ``chosen`` each array's set.
        """
        end = self._scalars_start + count * self.set_size
        sends = self._make_send_calls(stream, gradients, chosen, self._scalars_start, end)
        return [*sends, self.make_launch_call(stream)]

    def make_nonfinite_calls(
        self, stream: int, gradients: list[int], chosen: list[int], flags: int
    ) -> tuple[list[Call], Any]:
        """Make the calls that set a flag for each array; and what has to be kept until then."""
        sends = self._make_send_calls(stream, gradients, chosen, 0, 0)
        kernel = load_nonfinite_list_kernel(self._gpu, self._dtype)
        vector = describe_vector(flags, len(gradients), 8)
        arguments = Arguments([*self._arguments.words[:3], *vector])
        launch = self._gpu.make_launch_call(kernel, self._blocks, stream, arguments)
        return [*sends, launch], arguments

    def _make_send_calls(
        self, stream: int, gradients: list[int], chosen: list[int], start: int, end: int
    ) -> list[Call]:
        """Make the calls that send a piece, and the news if they are others."""
        after: list[Call] = []
        if self._sent != (gradients, chosen):
            start, end = 0, max(end, self._scalars_start) if self._sent else len(self._host)
            self._sent = None  # until it is sent
            self._set_news(gradients, chosen)
            after = [(setattr, self, "_sent", (gradients, chosen))]
        if start == end:
            return after
        source = self._address + start
        return [self._gpu.make_send_call(self._base + start, source, end - start, stream), *after]

    def send_all(self, gradients: list[int], chosen: list[int]) -> None:
        """Send what `make_calls` does but the scalars, apart from all streams; wait for it."""
        self._set_news(gradients, chosen)
        self._gpu.send_apart(self._base, self._host)

    def make_launch_call(self, stream: int) -> Call:
        """Make the call that launches the kernel, for what is there by then."""
        return self._gpu.make_launch_call(self._kernel, self._blocks, stream, self._arguments)

    def _set_news(self, gradients: list[int], chosen: list[int]) -> None:
        self._news[:, 0], self._news[:, 1] = gradients, chosen


def lay_out(parts: list[np.ndarray]) -> tuple[np.ndarray, list[int]]:
    """Copy arrays into one piece of memory; return it, and where in it they start."""
    ends = np.cumsum([-(-part.nbytes // 16) * 16 for part in parts])
    whole, starts = np.zeros(ends[-1], np.uint8), [0, *ends[:-1].tolist()]
    for part, start in zip(parts, starts, strict=True):
        whole[start : start + part.nbytes] = part.reshape(-1).view(np.uint8)
    return whole, starts
