"""Steps of arrays on a GPU whose gradients are of some rows, and the clocks of the other rows."""

from __future__ import annotations

import ctypes
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._forms.clocks import MOST_MISSED, RowClock, catch_up_all, check_exact, reset_all
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import rows_of_one
from .arrays import DeviceParamArray
from .driver import Arguments, describe_vector
from .kernels import find_pitch
from .row_gradients import RowGradient, read_rows
from .rows import load_catch_up_kernel, load_rows_kernel


class Indices:
    """Room on a GPU for vectors of indices, one behind the other; it grows."""

    def __init__(self, gpu: Any) -> None:
        self._gpu, self._room, self._memory = gpu, 0, None
        self.count = 0  # of the first vector

    def make_send_calls(self, vectors: Sequence[NDArray[np.int64]], stream: int) -> list[Call]:
        """Make the calls that send vectors."""
        whole = np.concatenate(vectors)
        if whole.size > self._room:
            self._room = max(2 * self._room, whole.size)
            self._memory = self._gpu.empty((self._room,), np.int64)
        self.count = vectors[0].size
        if not whole.size:
            return []
        pointer = self._gpu.pointer(self._memory)
        send = self._gpu.make_send_call(pointer, whole.ctypes.data, whole.nbytes, stream)
        return [send, (id, whole)]

    def of(self, start: int, size: int) -> tuple[int, int]:
        """Give the address and the size of a vector that begins after so many numbers."""
        return (self._gpu.pointer(self._memory) + 8 * start if size else 0), size


class DeviceRowClock(RowClock):
    """The clock of an array's rows: on the GPU, how many of the window's steps each has done.

    The coefficients of these steps are computed on the host, once, and again for the largest rate
    when that rises; what is new of them is sent before it is needed.
    """

    def __init__(self, param: DeviceParamArray, step: int, hyper: Floats) -> None:
        super().__init__(step, hyper)
        gpu, rule = param.gpu, param.spec.rule
        self._param, self._count = param, rule.coefficient_count
        self._rates = np.zeros(MOST_MISSED)
        self._tables = np.zeros((2, MOST_MISSED, self._count), param.dtype)
        self._there = gpu.empty(self._tables.shape, param.dtype)
        self._done = gpu.empty((param.shape[0],), np.int32)
        self._sent, self._top = 0, -1.0  # how many steps are there, and for which largest rate
        self.stream = 0
        gpu.run_all(self.fill(step))
        gpu.synchronize()

    def catch_up(self, rows: Indices | None = None) -> list[Call]:
        """Make the calls that bring rows to the last step."""
        first, last, hyper = self.window
        count, param = last + 1 - first, self._param
        if not count or not param.size:
            return []
        gpu, rule = param.gpu, param.spec.rule
        weight_decay = hyper[rule.hyper.index("weight_decay")]
        may_rest = rule.idle is not None and weight_decay == 0.0
        sends = self._make_send_calls(count, may_rest)
        table = gpu.pointer(self._there)
        pitch = find_pitch(param.size, param.dtype) * param.dtype.itemsize
        width = param.size // param.shape[0]
        pointers = param.pointer, table, param.state, self.done, table + self._tables[0].nbytes
        if rows and not rows.count:
            return []
        vector = describe_vector(*(rows.of(0, rows.count) if rows else (0, 0)), 8)
        arguments = Arguments([*pointers, pitch, width, count, int(may_rest), *vector])
        kernel = load_catch_up_kernel(gpu, rule, param.dtype)
        blocks = rows.count if rows else param.shape[0]
        threads = min(gpu.threads, -(-width // 32) * 32)
        launch = gpu.make_launch_call(kernel, blocks, self.stream, arguments, threads)
        return [*sends, launch, (id, arguments)]

    def _make_send_calls(self, count: int, may_rest: bool) -> list[Call]:
        """Make the calls that send what the GPU lacks of the coefficients of so many steps."""
        first, _, hyper = self.window
        rule, gpu = self._param.spec.rule, self._param.gpu
        top = float(self._rates[:count].max())
        begins = [self._sent, self._sent if top == self._top else 0]
        calls: list[Call] = []
        for k, table in enumerate(self._tables[: 2 if may_rest else 1]):
            for i in range(begins[k], count):
                rate = top if k else float(self._rates[i])
                table[i] = rule.coefficients((rate, *hyper[1:]), float(first + i))
            part = table[begins[k] : count]
            target = gpu.pointer(self._there) + part.ctypes.data - self._tables.ctypes.data
            if part.size:
                calls.append(gpu.make_send_call(target, part.ctypes.data, part.nbytes, self.stream))
        return [*calls, (setattr, self, "_sent", count), (setattr, self, "_top", top)]

    @property
    def done(self) -> int:
        """Where it is noted how many steps of the window each row has done."""
        return self._param.gpu.pointer(self._done)

    def fill(self, step: int) -> list[Call]:
        """Make the calls that say that all rows are at a step, with which a window begins."""
        size = 4 * self._param.shape[0]
        forget: Call = (setattr, self, "_sent", 0)
        if not size:
            return [forget]
        return [self._param.gpu.make_fill_call(self.done, 0, size, self.stream), forget]

    def mark(self, rows: Any, rate: float, step: int, first: int) -> list[Call]:
        """Make the call that records the rate; the step's kernel marks its rows itself."""
        return [(operator.setitem, self._rates, step - first, rate)]


class RowSteps:
    """The steps with gradients of rows, and the clocks of an exact optimiser's arrays."""

    def __init__(
        self, params: Sequence[DeviceParamArray], clocks: dict[int, DeviceRowClock]
    ) -> None:
        self._params = params
        check_exact(param.spec.rule for param in params if param.spec.exact)
        self.clocks = dict(clocks)  # by place; of arrays that had gradients of rows
        self._indices: dict[int, Indices] = {}

    def add_calls(
        self,
        calls: list[Call],
        gradients: Sequence[Any],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        stream: int,
    ) -> list[Call]:
        """Add to the calls of a step, of all rows of other arrays, those for gradients of rows.

        And what an exact optimiser needs before and after it, where arrays had such gradients.
        """
        for place, gradient in enumerate(gradients):
            group = self._params[place].spec.group
            hyper, step, clock = hypers[group], steps[group], self.clocks.get(place)
            if isinstance(gradient, RowGradient):
                calls = [*calls, *self._make_calls(place, gradient, hyper, step, stream)]
            elif clock and gradient:
                clock.stream = stream
                calls = clock.frame(calls, hyper, step, None)
        return calls

    def _make_calls(
        self, place: int, gradient: RowGradient, hyper: Floats, step: int, stream: int
    ) -> list[Call]:
        """Make the calls of the step of one array."""
        param, clock = self._params[place], self.clocks.get(place)
        indices = self._get_indices(place)
        vectors = gradient.rows, gradient.starts, gradient.order
        sends = indices.make_send_calls(vectors, stream)
        if clock is None and param.spec.exact:
            clock = self.clocks[place] = DeviceRowClock(param, step - 1, hyper)
        if clock is None:
            return [*sends, *self._make_launch_calls(place, gradient, hyper, step, stream)]
        clock.stream = stream
        done = clock.done, step - clock.find_first(hyper, step) + 1
        launch = self._make_launch_calls(place, gradient, hyper, step, stream, done)
        return [*sends, *clock.frame(launch, hyper, step, indices)]

    def _make_launch_calls(
        self,
        place: int,
        gradient: RowGradient,
        hyper: Floats,
        step: int,
        stream: int,
        done: tuple[int, int] = (0, 0),
    ) -> list[Call]:
        """Make the calls of the kernel; ``done`` are where it marks rows, and with what."""
        param, indices = self._params[place], self._indices[place]
        if not gradient.size:
            return []
        gpu, rule, count = param.gpu, param.spec.rule, gradient.rows.size
        width = gradient.size // gradient.order.size
        words = [param.pointer, gradient.pointer, param.state, done[0]]
        words += [find_pitch(param.size, param.dtype) * param.dtype.itemsize, width, done[1]]
        for start, size in ((0, count), (count, count + 1), (2 * count + 1, gradient.order.size)):
            words += describe_vector(*indices.of(start, size), 8)
        real = ctypes.c_float if param.dtype == np.float32 else ctypes.c_double
        numbers = rule.coefficients(hyper, float(step))
        arguments = Arguments(words, (real * len(numbers))(*numbers))
        kernel = load_rows_kernel(gpu, rule, param.dtype)
        blocks = -(-count * width // gpu.threads)
        return [gpu.make_launch_call(kernel, blocks, stream, arguments), (id, arguments)]

    def make_catch_up_calls(self, rows: Any, stream: int) -> list[Call]:
        """Make the calls that bring all rows up to date, or some of an optimiser's one array."""
        for clock in self.clocks.values():
            clock.stream = stream
        if rows is None:
            return catch_up_all(self.clocks)
        rows_of_one(rows, len(self._params))
        param = self._params[0]
        chosen = np.unique(read_rows("rows", rows, param.shape[:1], param.gpu))
        indices = self._get_indices(0)
        sends = indices.make_send_calls([chosen], stream)
        return [*sends, *(call for each in self.clocks.values() for call in each.catch_up(indices))]

    def make_reset_calls(self, step: int, stream: int) -> list[Call]:
        """Make the calls that say that all rows are at a step."""
        for clock in self.clocks.values():
            clock.stream = stream
        return reset_all(self.clocks, step)

    def _get_indices(self, place: int) -> Indices:
        if place not in self._indices:
            self._indices[place] = Indices(self._params[place].gpu)
        return self._indices[place]
