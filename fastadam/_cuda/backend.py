"""The arrays of one optimiser on a GPU, their kernels, and the stream that they run on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from .._backend import ParamSpec
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import describe, is_device_array
from .arrays import DeviceParamArray, Gradient, Memory
from .driver import Arguments, find_device
from .interface import find_stream, read_array
from .kernels import ALL_FINITE, load_nonfinite_kernel, load_step_kernel


class CudaBackend:
    """A `Backend` of arrays on a GPU.

    A step runs on the stream that the first array names at the time: the current one of CuPy and
    torch, an array's own or the default one of Numba.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self.params = [DeviceParamArray(spec) for spec in specs]
        self._memory = Memory(self.params)
        if threads is not None:
            raise ValueError(f"threads has no meaning for arrays on a GPU, got {threads}")
        self._device = self.params[0].device
        self._stream = 0
        self._kernels: list[Any] = []
        self._flags: Any = None

    def take_gradients(self, gradients: Sequence[Any]) -> list[Gradient]:
        """Check the gradients of a step; return where they are."""
        each = map(DeviceParamArray.take_gradient, self.params, gradients, repeat(self._memory))
        return list(each)

    def find_nonfinite(self, gradients: Sequence[Gradient]) -> tuple[DeviceParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element.

        The host waits for the answer.
        """
        device, params = self._device, self.params
        self._prepare()
        kernels = [load_nonfinite_kernel(device, param.dtype) for param in params]
        if self._flags is None:
            self._flags = device.empty((len(params),), np.uint64)
        flags = device.pointer(self._flags)
        device.fill(flags, 0xFF, 8 * len(params), self._stream)
        for i, (param, gradient) in enumerate(zip(params, gradients, strict=True)):
            if param.size:
                vector = (gradient.pointer, (param.size,), param.dtype.itemsize)
                arguments = Arguments([vector, (flags + 8 * i, (1,), 8)])
                device.run_all(self._make_launch_calls(kernels[i], param, gradient, arguments))
        firsts = device.read(flags, (len(params),), np.uint64, self._stream)
        for param, gradient, first in zip(params, gradients, firsts.tolist(), strict=True):
            if first != ALL_FINITE:
                address = gradient.pointer + first * param.dtype.itemsize
                return param, device.read(address, (1,), param.dtype, self._stream)[0]
        return None

    def run_step(
        self, gradients: Sequence[Gradient], hypers: Sequence[Floats], step: int, then: list[Call]
    ) -> None:
        """Take a step: a launch for each array, and the other calls right after them."""
        self._prepare()
        if not self._kernels:
            self._kernels = [
                load_step_kernel(self._device, param.spec.rule, param.dtype)
                for param in self.params
            ]
        coefficients: dict[int, Floats] = {}  # of each group
        calls: list[Call] = []
        for param, kernel, gradient in zip(self.params, self._kernels, gradients, strict=True):
            if not param.size:
                continue
            rule, group = param.spec.rule, param.spec.group
            if group not in coefficients:
                coefficients[group] = rule.coefficients(hypers[group], float(step))
            param.arguments.words[param.arguments.pointers[1]] = gradient.pointer
            param.arguments.scalars[:] = coefficients[group]
            calls += self._make_launch_calls(kernel, param, gradient, param.arguments)
        self._device.run_all([*calls, *then])

    def _prepare(self) -> None:
        """Find the stream that a step runs on."""
        self._device.require_current()
        self._stream = find_stream("params", self.params[0].spec.array) or 0

    def _make_launch_calls(
        self, kernel: Any, param: DeviceParamArray, gradient: Gradient, arguments: Arguments
    ) -> list[Call]:
        """Make the calls that start a kernel which reads a gradient, in its stream's order too."""
        device, other, own = self._device, gradient.stream, self._stream
        launch = device.make_launch_call(kernel, param.size, own, arguments)
        if other is None or other == own:
            return [launch]
        # The gradient's memory may be written again after this.
        return [*device.make_order_calls(other, own), launch, *device.make_order_calls(own, other)]

    def run(self, calls: Iterable[Call]) -> None:
        """Make other calls in one go."""
        self._device.run_all(calls)

    @staticmethod
    def to_host(name: str, array: Any) -> np.ndarray:
        """Return a copy on the host."""
        pointer, shape, dtype, _ = read_array(name, array)
        return find_device(pointer).read(pointer, shape, dtype)

    @staticmethod
    def pack(
        names: Sequence[str], arrays: Sequence[Any], dtype: np.dtype[Any] | None
    ) -> tuple[Any, list[Any]]:
        """Copy arrays on a GPU, of one dtype, into one there; return it and views into it."""
        for name, array in zip(names, arrays, strict=True):
            if not is_device_array(array):
                raise TypeError(f"{name} must be on the GPU like {names[0]}, got {describe(array)}")
        sources = [read_array(name, array) for name, array in zip(names, arrays, strict=True)]
        common = sources[0].dtype if dtype is None else dtype
        devices = [find_device(source.pointer) for source in sources]
        for name, source, device in zip(names, sources, devices, strict=True):
            if source.dtype != common:
                raise TypeError(
                    f"{name} must be {common}, got {source.dtype}: arrays on a GPU are not "
                    "converted"
                )
            if device is not devices[0]:
                raise ValueError(
                    f"{name} is on GPU {device.ordinal} and {names[0]} on GPU {devices[0].ordinal}"
                )
        device = devices[0]
        device.require_current()
        sizes = [math.prod(source.shape) for source in sources]
        flat = device.empty((sum(sizes),), common)
        views = []
        start = 0
        for source, size in zip(sources, sizes, strict=True):
            view = device.view(flat, start * common.itemsize, source.shape, common)
            device.copy(device.pointer(view), source.pointer, size * common.itemsize)
            views.append(view)
            start += size
        return flat, views
