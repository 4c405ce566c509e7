"""The arrays of one optimiser on a GPU, their kernels, and the stream that they run on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from copy import copy
from itertools import repeat
from typing import Any, TypeAlias

import numpy as np

from .._backend import ParamSpec, StepExtras
from .._forms.narrow import STORED, choose_reader
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import DTYPES, describe, is_device_array
from .arrays import DeviceParamArray, Gradient, Regions
from .driver import Arguments, describe_vector, find_gpu
from .forms import CLIP, STEP, StepKernel, load_kernel, needs_more
from .interface import find_stream, read_array
from .kernels import ALL_FINITE, GRADIENT, load_nonfinite_kernel
from .norms import Norms
from .row_gradients import RowGradient
from .row_steps import DeviceRowClock, RowSteps

#: What arrays of a state can be of.
KEPT: tuple[np.dtype[Any], ...] = (*DTYPES, *STORED.values())


#: What a step takes.
DeviceGradient: TypeAlias = Gradient | RowGradient


class CudaBackend:
    """A `Backend` of arrays on a GPU.

    A step runs on the stream that the first array names at the time: the current one of CuPy and
    torch, an array's own or the default one of Numba.
    """

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self._clocks: dict[int, DeviceRowClock] = {}
        self._set_params([DeviceParamArray(spec) for spec in specs])
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
        self._gpu = params[0].gpu
        self._stream = 0
        self._kernels: list[StepKernel] = []
        self._norms: Norms | None = None
        self._flags: Any = None

    def take_gradients(self, gradients: Sequence[Any]) -> list[DeviceGradient | None]:
        """Check the gradients of a step; return where they are."""
        each = map(DeviceParamArray.take_gradient, self.params, gradients, repeat(self._regions))
        return list(each)

    def find_nonfinite(
        self, gradients: Sequence[DeviceGradient | None]
    ) -> tuple[DeviceParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element.

        The host waits for the answer.
        """
        gpu, params = self._gpu, self.params
        self._prepare()
        kernels = [load_nonfinite_kernel(gpu, param.dtype) for param in params]
        if self._flags is None:
            self._flags = gpu.empty((len(params),), np.uint64)
        flags = gpu.pointer(self._flags)
        gpu.fill(flags, 0xFF, 8 * len(params), self._stream)
        for i, (param, gradient) in enumerate(zip(params, gradients, strict=True)):
            size = gradient.size if isinstance(gradient, RowGradient) else param.size
            if size and gradient:
                vector = describe_vector(gradient.pointer, size, param.dtype.itemsize)
                arguments = Arguments([*vector, *describe_vector(flags + 8 * i, 1, 8)])
                blocks = min(-(-size // gpu.threads), gpu.most_blocks)
                launch = gpu.make_launch_call(kernels[i], blocks, self._stream, arguments)
                gpu.run_all(self._in_order([launch], gradient))
        firsts = gpu.read(flags, (len(params),), np.uint64, self._stream)
        for param, gradient, first in zip(params, gradients, firsts.tolist(), strict=True):
            if gradient and first != ALL_FINITE:
                address = gradient.pointer + first * param.dtype.itemsize
                value = gpu.read(address, (1,), param.dtype, self._stream)[0]
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
        """Take a step: a launch for each array, and the other calls right after them."""
        self._prepare()
        if not self._kernels:
            self._load_kernels()
        coefficients: dict[int, Floats] = {}  # of each group
        calls = self._make_norm_calls(gradients, extras.clip_norm)
        for place, (param, kernel, gradient) in enumerate(
            zip(self.params, self._kernels, gradients, strict=True)
        ):
            if not param.size or not gradient:
                continue
            rule, group = param.spec.rule, param.spec.group
            hyper, step = hypers[group], steps[group]
            if isinstance(gradient, RowGradient):
                own = self._rows.make_calls(place, gradient, hyper, step, self._stream)
                calls += self._in_order(own, gradient)
                continue
            if group not in coefficients:
                coefficients[group] = (
                    *rule.coefficients(hyper, float(step)),
                    extras.clip_value,
                    extras.average_weight,
                )
            param.arguments.words[GRADIENT] = gradient.pointer
            param.arguments.scalars[:] = coefficients[group]
            if needs_more(param.dtype, param.spec.form):
                param.arguments.words[STEP] = step
            blocks = -(-param.size // kernel.elements)
            launch = self._gpu.make_launch_call(
                kernel.kernel, blocks, self._stream, param.arguments, kernel.threads
            )
            own = self._in_order([launch], gradient)
            calls += self._rows.frame(place, own, hyper, step, self._stream)
        self._gpu.run_all([*calls, *then])

    def _load_kernels(self) -> None:
        gpu, params = self._gpu, self.params
        if params[0].spec.form.needs_norm:
            self._norms = norms = Norms(gpu, [(param.size, param.dtype) for param in params])
            for param in params:
                param.arguments.words[CLIP] = norms.clip
        self._kernels = [
            load_kernel(gpu, param.spec.rule, param.dtype, param.spec.form) for param in params
        ]

    def _make_norm_calls(
        self, gradients: Sequence[DeviceGradient | None], clip_norm: float | None
    ) -> list[Call]:
        """Make the calls that leave the factor of all gradients on the GPU, if there is one."""
        if self._norms is None or clip_norm is None:
            return []
        calls = self._norms.make_first_calls(self._stream) if None in gradients else []
        for place, gradient in enumerate(gradients):
            if self.params[place].size and gradient:
                launch = self._norms.make_call(place, gradient.pointer, self._stream)
                calls += self._in_order([launch], gradient)
        return [*calls, self._norms.make_last_call(clip_norm, self._stream)]

    @property
    def gradient_norm(self) -> float:
        """The norm of all gradients of the last step, where it was needed; the host waits."""
        if self._norms is None:
            return math.nan
        self._prepare()
        return self._norms.read(self._stream)

    def _prepare(self) -> None:
        """Find the stream that a step runs on."""
        self._gpu.require_current()
        self._stream = find_stream("params", self.params[0].spec.array) or 0

    def _in_order(self, calls: list[Call], gradient: DeviceGradient) -> list[Call]:
        """Put calls that read a gradient into the order of the gradient's stream, too."""
        gpu, other, own = self._gpu, gradient.stream, self._stream
        if other is None or other == own:
            return calls
        # The gradient's memory may be written again after this.
        return [*gpu.make_order_calls(other, own), *calls, *gpu.make_order_calls(own, other)]

    def make_catch_up_calls(self, rows: Any = None) -> list[Call]:
        """Make the calls that take the steps which rows of an exact optimiser have missed."""
        self._prepare()
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
