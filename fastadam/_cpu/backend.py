"""The arrays of one optimiser in the host's memory, and their kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from functools import partial
from itertools import chain, repeat
from typing import Any

import numpy as np

from .._backend import ParamSpec, StepExtras
from .._forms.clocks import RowClock
from .._forms.norms import count_blocks
from .._rules.spec import Floats
from .._uninterrupted import Call, call_each, exhaust
from .._validate import DTYPES, conversion, describe, disjoint, is_bfloat16
from .arrays import ParamArray, find_owner
from .kernels import EXTRAS, LIMIT, NORM, SCALE, WEIGHT, Kernel, make_finite_kernel
from .norms import make_clip_kernel, make_norm_kernel
from .row_gradients import RowGradient
from .row_steps import RowSteps
from .threads import KernelChoices

CpuGradient = np.ndarray | RowGradient


class CpuBackend:
    """A `Backend` of NumPy arrays."""

    captures = None

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self._threads = threads
        # What kernels that are not plain have besides, see `kernels`.
        self._extras = np.full(EXTRAS, np.nan)
        self._clocks: dict[int, RowClock] = {}
        self._set_params([ParamArray(spec) for spec in specs])

    def make_add_call(self, specs: Sequence[ParamSpec]) -> Call:
        """Make the call that adds arrays; those that are there keep their states."""
        whole = copy(self)
        whole._set_params([*self.params, *map(ParamArray, specs)])
        return vars(self).update, vars(whole)

    def _set_params(self, params: list[ParamArray]) -> None:
        self.params = params
        arrays = [param.array for param in params]
        disjoint([param.spec.name for param in params], arrays)
        self._owners = frozenset(id(find_owner(array)) for array in arrays)
        self._rows = RowSteps(params, self._clocks)
        self._clocks = self._rows.clocks
        self._choices = KernelChoices(self._threads)
        self._is_threaded = False
        self._kernels: list[Kernel] = []  # they are compiled or loaded at the first step
        # What a step has of one array that needs nothing special: so it takes 0.3 us less.
        self._alone: tuple[Kernel, np.ndarray, np.ndarray] | None = None
        # What a step has of each array, and what most steps need not look at.
        self._flats = [param.flat for param in self.params]
        self._states = [param.state for param in self.params]
        self._groups = [param.spec.group for param in params]
        self._copied = [param for param in self.params if not param.is_view]
        self._are_plain = all(param.is_plain for param in self.params)
        # The norms of all blocks, and those of each array among them.
        ends = np.cumsum([count_blocks(param.size) for param in self.params])
        self._norms = np.zeros(ends[-1])
        self._block_norms = np.split(self._norms, ends[:-1])
        self._norm_kernels: list[Kernel] = []

    def take_gradients(self, gradients: Sequence[Any]) -> list[CpuGradient]:
        """Check the gradients of a step; return them as contiguous vectors, or as rows."""
        if len(gradients) == 1:  # what a packed model is: it takes 0.3 us less in this way
            return [self.params[0].take_gradient(gradients[0], self._owners)]
        return list(map(ParamArray.take_gradient, self.params, gradients, repeat(self._owners)))

    def find_nonfinite(self, gradients: Sequence[CpuGradient]) -> tuple[ParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element."""
        for param, gradient in zip(self.params, gradients, strict=True):
            values = gradient.values if isinstance(gradient, RowGradient) else gradient
            if not make_finite_kernel(param.bits)(values):
                values = values.view(param.dtype)
                return param, values[np.argmin(np.isfinite(values))]
        return None

    def run_step(
        self,
        gradients: Sequence[CpuGradient],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        then: list[Call],
        extras: StepExtras,
        absent: Sequence[int] = (),
    ) -> None:
        """Take a step: the kernels take parameters, gradient, state, hyper-parameters, step."""
        if self._alone and not absent and gradients[0].__class__ is np.ndarray:
            kernel, flat, state = self._alone
            exhaust(call_each(((kernel, flat, gradients[0], state, hypers[0], steps[0]), *then)))
            return
        if not self._kernels:
            self._load_kernels()
        if self._copied:
            left_alone = [self.params[place] for place in absent]
            copied = [param for param in self._copied if param not in left_alone]
            for param in copied:
                param.gather()
            then = [*[param.make_scatter_call() for param in copied], *then]
        calls: Iterable[Call]
        if (
            gradients[0].__class__ is RowGradient
            or self._clocks
            or (len(gradients) > 1 and RowGradient in map(type, gradients))
        ):
            calls = self._rows.make_calls(gradients, hypers, steps, absent)
            exhaust(call_each([*calls, *then]))
            return
        if absent or not self._are_plain:
            calls = [*self._make_calls_of_form(gradients, hypers, steps, extras), *then]
        else:
            one = len(hypers) == 1
            each = repeat(hypers[0]) if one else [hypers[group] for group in self._groups]
            counts = repeat(steps[0]) if one else [steps[group] for group in self._groups]
            columns = self._kernels, self._flats, gradients, self._states, each, counts
            calls = chain(zip(*columns, strict=False), then)
        # All that is written is written here, and at once.
        if self._is_threaded:
            self._choices.run(calls)
        else:
            exhaust(call_each(calls))

    def _make_calls_of_form(
        self,
        gradients: Sequence[Any],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        extras: StepExtras,
    ) -> list[Call]:
        """Make the calls of kernels of any form, and before them those for the norm."""
        numbers = self._extras
        numbers[SCALE], numbers[LIMIT] = 1.0, extras.clip_value
        numbers[WEIGHT] = extras.average_weight
        calls = [
            param.make_step_call(kernel, gradient, hypers[group], steps[group], numbers)
            for param, kernel, gradient, group in zip(
                self.params, self._kernels, gradients, self._groups, strict=True
            )
        ]
        if extras.clip_norm is None:
            return calls
        clip = (make_clip_kernel(), self._norms, extras.clip_norm, numbers)
        norms = zip(self._norm_kernels, gradients, self._block_norms, strict=True)
        return [*norms, clip, *calls]

    @property
    def gradient_norm(self) -> float:
        """The norm of all gradients of the last step, where it was needed."""
        return float(self._extras[NORM])

    def _load_kernels(self) -> None:
        needs_norm = self.params[0].spec.form.needs_norm
        before = len(self.params) + 1 if needs_norm else 0  # calls
        for place, param in enumerate(self.params):
            kind = param.spec.rule, param.bits, param.spec.form
            load = partial(param.load_kernel, True)
            self._is_threaded |= self._choices.add(place + before, load, param.size, *kind)
            if needs_norm:
                load = partial(make_norm_kernel, param.bits, True)
                self._choices.join(place, load, place + before)
                self._norm_kernels.append(make_norm_kernel(param.bits, False))
        self._kernels = [param.load_kernel(False) for param in self.params]
        (param, *others) = self.params
        if not (
            others or self._copied or self._is_threaded or param.spec.exact or not param.is_plain
        ):
            self._alone = self._kernels[0], param.flat, param.state

    def make_catch_up_calls(self, rows: Any = None) -> list[Call]:
        """Make the calls that take the steps which rows of an exact optimiser have missed."""
        return self._rows.make_catch_up_calls(rows)

    def make_reset_calls(self, step: int) -> list[Call]:
        """Make the calls that say that no row has missed a step."""
        return self._rows.make_reset_calls(step)

    @staticmethod
    def run(calls: Iterable[Call]) -> None:
        """Make other calls in one go."""
        exhaust(call_each(calls))

    @staticmethod
    def to_host(name: str, array: Any) -> Any:
        """Leave what is on the host as it is."""
        return array

    @staticmethod
    def pack(
        names: Sequence[str], arrays: Sequence[Any], dtype: np.dtype[Any] | None
    ) -> tuple[np.ndarray, list[np.ndarray]]:
        """Copy arrays of real numbers into one of float32 or float64; return it, and its views."""
        for name, array in zip(names, arrays, strict=True):
            if not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray):
                raise TypeError(
                    f"{name} must be a NumPy array, got {describe(array)}{conversion(array)}"
                )
            if array.dtype.kind not in "fiub" and not is_bfloat16(array.dtype):
                raise TypeError(f"{name} must hold real numbers, got {describe(array)}")
        common = np.result_type(*arrays) if dtype is None else dtype
        if common not in DTYPES and not is_bfloat16(common):
            whose = "the arrays' common one, " if dtype is None else ""
            raise TypeError(f"dtype must be float32 or float64, got {whose}{common}")
        flat = np.empty(sum(array.size for array in arrays), common)
        views, start = [], 0
        for array in arrays:
            view = flat[start : start + array.size].reshape(array.shape)
            view[...] = array
            views.append(view)
            start += array.size
        return flat, views
