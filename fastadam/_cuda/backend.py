"""The arrays of one optimiser on a GPU, their kernels, and the stream that they run on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import repeat
from operator import is_
from typing import Any

import numpy as np

from .._backend import ParamSpec, StepExtras
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import describe, is_device_array
from .arrays import DeviceParamArray, Gradient, Regions
from .captures import CudaCaptures
from .driver import find_gpu
from .gradients import SameGradients, TensorLayouts
from .interface import read_array
from .launches import Launch, Step, make_launches
from .nonfinite import ALL_FINITE


class CudaBackend(CudaCaptures):
    """A `Backend` of arrays on a GPU.

    A step runs on the stream that the first array names at the time: the current one of CuPy and
    torch, an array's own or the default one of Numba.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self._stream = 0
        self._set_params([DeviceParamArray(spec) for spec in specs])
        name, form = specs[0].name, specs[0].form
        if form.state:
            raise ValueError(f"state_dtype={form.state!r} is not for {name}, which is on a GPU")
        if form.needs_norm:
            raise ValueError(f"clip_norm is not for {name}, which is on a GPU")
        if specs[0].exact:
            raise ValueError(f"sparse='exact' is not for {name}, which is on a GPU")
        if threads is not None:
            raise ValueError(f"threads has no meaning for arrays on a GPU, got {threads}")

    def make_add_call(self, specs: Sequence[ParamSpec]) -> Call:
        """Make the call that adds arrays; those that are there keep their states."""
        whole = copy(self)
        whole._set_params([*self.params, *map(DeviceParamArray, specs)])
        return vars(self).update, vars(whole)

    def _set_params(self, params: list[DeviceParamArray]) -> None:
        self.params = params
        self._regions = Regions(params)
        self._gpu = params[0].gpu
        self._taken: list[Gradient | None] = []  # the last gradients
        self._ordered: Any = None  # those whose streams are these
        self._streams: list[int] = []
        arrays = [param.spec.array for param in params]
        are_tensors = all(param.is_torch for param in params)
        self._same = SameGradients(self._gpu.array_kind)
        self._layouts = TensorLayouts(arrays) if are_tensors else None
        self._launches: list[Launch] = []
        self._flags: Any = None

    def take_gradients(self, gradients: Sequence[Any]) -> list[Gradient | None]:
        """Check the gradients of a step; return where they are."""
        if self._same.are(gradients, self._stream):
            return self._taken
        params, regions = self.params, repeat(self._regions)
        addresses = self._layouts.find_addresses(gradients) if self._layouts else None
        if addresses is None:
            taken = list(map(DeviceParamArray.take_gradient, params, gradients, regions))
        else:
            taken = list(map(DeviceParamArray.take_tensor, params, addresses, regions))
        # The same list says that nothing has changed.
        if len(taken) == len(self._taken) and all(map(is_, taken, self._taken)):
            self._same.keep(gradients, self._stream)
        else:
            self._taken = taken
            self._same.forget()
        return self._taken

    def find_nonfinite(
        self, gradients: Sequence[Gradient | None]
    ) -> tuple[DeviceParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element.

        The host waits for the answer.
        """
        gpu, params, stream = self._gpu, self.params, self._stream
        if self._flags is None:
            self._flags = gpu.empty((len(params),), np.uint64)
        flags = gpu.pointer(self._flags)
        calls: list[Call] = []
        places: list[int] = []  # whose flags they are
        kept = []
        for launch in self._launches or self._make_launches():
            more, arguments = launch.make_nonfinite_calls(
                gradients, flags + 8 * len(places), stream
            )
            calls += more
            kept.append(arguments)
            places += launch.places
        if not calls:
            return None
        gpu.fill(flags, 0xFF, 8 * len(places), stream)
        gpu.run_all(self._in_order(calls, gradients))
        firsts = gpu.read(flags, (len(places),), np.uint64, stream).tolist()
        for place, first in sorted(zip(places, firsts, strict=True)):
            gradient, param = gradients[place], params[place]
            if gradient and first != ALL_FINITE:
                address = gradient.pointer + first * param.dtype.itemsize
                return param, gpu.read(address, (1,), param.dtype, stream)[0]
        return None

    def run_step(
        self,
        gradients: Sequence[Gradient | None],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        then: list[Call],
        extras: StepExtras,
        absent: Sequence[int] = (),
    ) -> None:
        """Take a step: a launch for each kind of array, and the other calls right after them."""
        step = Step(hypers, steps, (extras.clip_value, extras.average_weight))
        calls: list[Call] = []
        for launch in self._launches or self._make_launches():
            calls += launch.make_calls(gradients, step, self._stream)
        self._gpu.run_all([*self._in_order(calls, gradients), *then])

    def _make_launches(self) -> list[Launch]:
        self._launches = make_launches(self._gpu, self.params)
        return self._launches

    gradient_norm = math.nan  # which is not computed here

    def _in_order(self, calls: list[Call], gradients: Sequence[Gradient | None]) -> list[Call]:
        """Put calls that read gradients into the order of the gradients' streams, too."""
        own = self._stream
        if gradients is not self._ordered:
            streams = {each.stream for each in gradients if each and each.stream is not None}
            self._streams, self._ordered = sorted(streams), gradients
        if not self._streams or self._streams == [own]:
            return calls
        before, after = [], []
        for other in self._streams:
            if other == own:
                continue
            before += self._gpu.make_order_calls(other, own)
            # The gradient's memory may be written again after this.
            after += self._gpu.make_order_calls(own, other)
        return [*before, *calls, *after]

    def make_catch_up_calls(self, rows: Any = None) -> list[Call]:
        """Make no calls: there are no gradients of rows here."""
        return []

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make no calls."""
        return []

    def run(self, calls: Iterable[Call]) -> None:
        """Make other calls in one go."""
        self._gpu.run_all(calls)

    @staticmethod
    def to_host(name: str, array: Any) -> np.ndarray:
        """Copy an array to the host."""
        pointer, shape, dtype, _ = read_array(name, array)
        return find_gpu(pointer).read(pointer, shape, dtype)

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
        gpus = [find_gpu(source.pointer) for source in sources]
        for name, source, gpu in zip(names, sources, gpus, strict=True):
            if source.dtype != common:
                raise TypeError(
                    f"{name} must be {common}, got {source.dtype}: arrays on a GPU are not "
                    "converted"
                )
            if gpu is not gpus[0]:
                raise ValueError(
                    f"{name} is on GPU {gpu.ordinal} and {names[0]} on GPU {gpus[0].ordinal}"
                )
        gpu = gpus[0]
        gpu.require_current()
        sizes = [math.prod(source.shape) for source in sources]
        flat = gpu.empty((sum(sizes),), common)
        views, start = [], 0
        for source, size in zip(sources, sizes, strict=True):
            view = gpu.view(flat, start, source.shape, common)
            gpu.copy(gpu.pointer(view), source.pointer, size * common.itemsize)
            views.append(view)
            start += size * common.itemsize
        return flat, views
