"""The arrays of one optimiser on a GPU, their kernels, and the stream that they run on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import repeat
from operator import is_
from typing import Any, TypeAlias, cast

import numpy as np

from .._backend import ParamSpec, StepExtras
from .._forms.narrow import STORED, choose_reader
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import DTYPES, describe, is_device_array
from .arrays import DeviceParamArray, Gradient, Regions
from .captures import CudaCaptures, find_pointers
from .clipping import Factor, Norms
from .driver import find_gpu
from .gradients import SameGradients, TensorLayouts
from .interface import read_array
from .launches import Launch, Step, make_launches, make_nonfinite_calls
from .nonfinite import ALL_FINITE
from .row_gradients import RowGradient
from .row_steps import DeviceRowClock, RowSteps

#: What a step takes of an array.
DeviceGradient: TypeAlias = Gradient | RowGradient

#: What arrays of a state can be of.
KEPT: tuple[np.dtype[Any], ...] = (*DTYPES, *STORED.values())


class CudaBackend(CudaCaptures):
    """A `Backend` of arrays on a GPU.

    A step runs on the stream that the first array names at the time: the current one of CuPy and
    torch, an array's own or the default one of Numba.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self._clocks: dict[int, DeviceRowClock] = {}
        self._stream = 0
        self._set_params([DeviceParamArray(spec) for spec in specs])
        self._factor = Factor(self._gpu) if specs[0].form.needs_norm else None
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
        self._rows = RowSteps(params, self._clocks)
        self._clocks = self._rows.clocks
        self._norms: Norms | None = None
        self._gpu = params[0].gpu
        self._taken: list[DeviceGradient | None] = []  # the last gradients
        self._ordered: Any = None  # those whose streams are these
        self._streams: list[int] = []
        arrays = [param.spec.array for param in params]
        are_tensors = all(param.is_torch for param in params)
        self._same = SameGradients(self._gpu.array_kind)
        self._layouts = TensorLayouts(arrays) if are_tensors else None
        self._launches: list[Launch] = []
        self._flags: Any = None

    def take_gradients(self, gradients: Sequence[Any]) -> list[DeviceGradient | None]:
        """Check the gradients of a step; return where they are."""
        if self._same.are(gradients, self._stream):
            return self._taken
        params, regions = self.params, repeat(self._regions)
        addresses = self._layouts.find_addresses(gradients) if self._layouts else None
        if addresses is None:
            taken: list[DeviceGradient | None] = list(
                map(DeviceParamArray.take_gradient, params, gradients, regions)
            )
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
        self, gradients: Sequence[DeviceGradient | None]
    ) -> tuple[DeviceParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element.

        The host waits for the answer.
        """
        gpu, params, stream = self._gpu, self.params, self._stream
        if self._flags is None:
            self._flags = gpu.empty((2 * len(params),), np.uint64)  # of dense ones, and of rows
        flags, dense = gpu.pointer(self._flags), _only_dense(gradients)
        calls: list[Call] = []
        places: list[int] = []  # whose flags they are
        kept = []
        for launch in self._launches or self._make_launches():
            more, arguments = launch.make_nonfinite_calls(dense, flags + 8 * len(places), stream)
            calls += more
            kept.append(arguments)
            places += launch.places
        for place, gradient in enumerate(gradients):
            if isinstance(gradient, RowGradient) and gradient.size:
                more, arguments = make_nonfinite_calls(
                    gpu,
                    gradient.pointer,
                    gradient.size,
                    params[place].dtype,
                    flags + 8 * len(places),
                    stream,
                )
                calls += more
                kept.append(arguments)
                places.append(place)
        if not calls:
            return None
        gpu.fill(flags, 0xFF, 8 * len(places), stream)
        gpu.run_all(self._in_order(calls, gradients))
        firsts = gpu.read(flags, (len(places),), np.uint64, stream).tolist()
        for place, first in sorted(zip(places, firsts, strict=True)):
            gradient, param = gradients[place], params[place]
            if gradient and first != ALL_FINITE:
                address = gradient.pointer + first * param.dtype.itemsize
                value = gpu.read(address, (1,), param.dtype, stream)[0]
                return param, choose_reader(param.dtype)(value)
        return None

    def run_step(
        self,
        gradients: Sequence[DeviceGradient | None],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        then: list[Call],
        extras: StepExtras,
        absent: Sequence[int] = (),
    ) -> None:
        """Take a step: a launch for each kind of array, and the other calls right after them."""
        step = Step(hypers, steps, (extras.clip_value, extras.average_weight))
        calls: list[Call] = []
        launches, dense = self._launches or self._make_launches(), _only_dense(gradients)
        if self._norms and extras.clip_norm is not None:
            calls = self._norms.make_calls(find_pointers(gradients), extras.clip_norm, self._stream)
        for launch in launches:
            calls += launch.make_calls(dense, step, self._stream)
        if self._clocks or dense is not gradients:
            calls = self._rows.add_calls(calls, gradients, hypers, steps, self._stream)
        self._gpu.run_all([*self._in_order(calls, gradients), *then])

    def _make_launches(self) -> list[Launch]:
        factor = self._factor.pointer if self._factor else 0
        self._launches = make_launches(self._gpu, self.params, factor)
        self._norms = self._make_norms()
        return self._launches

    @property
    def gradient_norm(self) -> float:
        """The norm of all gradients of the last step, where it was needed; the host waits."""
        self._require_none_now()
        return math.nan if self._factor is None else self._factor.read_norm(self._stream)

    def _in_order(
        self, calls: list[Call], gradients: Sequence[DeviceGradient | None]
    ) -> list[Call]:
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
        """Make the calls that take the steps which rows of an exact optimiser have missed."""
        self._require_none_now()
        return self._rows.make_catch_up_calls(rows, self._stream)

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make the calls that say that no row has missed a step."""
        return self._rows.make_reset_calls(step, self._stream)

    def run(self, calls: Iterable[Call]) -> None:
        """Make other calls in one go."""
        self._gpu.run_all(calls)

    @staticmethod
    def to_host(name: str, array: Any) -> np.ndarray:
        """Copy an array to the host."""
        pointer, shape, dtype, _ = read_array(name, array, kinds=KEPT, or_bfloat16=True)
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


def _only_dense(gradients: Sequence[DeviceGradient | None]) -> Sequence[Gradient | None]:
    """Leave out the gradients of rows, if there are any."""
    if RowGradient not in map(type, gradients):
        return cast(Sequence[Gradient | None], gradients)
    return [each if isinstance(each, Gradient) else None for each in gradients]
