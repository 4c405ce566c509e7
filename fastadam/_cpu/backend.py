"""The arrays of one optimiser in the host's memory, and their kernels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from itertools import chain, repeat
from typing import Any

import numpy as np

from .._backend import ParamSpec
from .._rules.spec import Floats
from .._uninterrupted import Call, call_each, exhaust
from .._validate import DTYPES, conversion, describe, disjoint
from .arrays import ParamArray, find_owner
from .kernels import Kernel, make_finite_kernel, make_step_kernel
from .threads import KernelChoices


class CpuBackend:
    """A `Backend` of NumPy arrays."""

    def __init__(self, specs: Sequence[ParamSpec], threads: int | None) -> None:
        self._choices = KernelChoices(threads)
        self._is_threaded = False
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
        self._kernels: list[Kernel] = []  # they are compiled or loaded at the first step
        # What a step has of each array, and what most steps need not look at.
        self._flats = [param.flat for param in self.params]
        self._states = [param.state for param in self.params]
        self._groups = [param.spec.group for param in params]
        self._copied = [param for param in self.params if not param.is_view]

    def take_gradients(self, gradients: Sequence[Any]) -> list[np.ndarray]:
        """Check the gradients of a step; return them as contiguous vectors."""
        return list(map(ParamArray.take_gradient, self.params, gradients, repeat(self._owners)))

    def find_nonfinite(self, gradients: Sequence[np.ndarray]) -> tuple[ParamArray, Any] | None:
        """Find the first array whose gradient is not finite, and the element."""
        for param, gradient in zip(self.params, gradients, strict=True):
            if not make_finite_kernel(param.dtype)(gradient):
                return param, gradient[np.argmin(np.isfinite(gradient))]
        return None

    def run_step(
        self,
        gradients: Sequence[np.ndarray],
        hypers: Sequence[Floats],
        steps: Sequence[int],
        then: list[Call],
        absent: Sequence[int] = (),
    ) -> None:
        """Take a step: the kernels take parameters, gradient, state, hyper-parameters, step."""
        if not self._kernels:
            self._load_kernels()
        if self._copied:
            left_alone = [self.params[place] for place in absent]
            copied = [param for param in self._copied if param not in left_alone]
            for param in copied:
                param.gather()
            then = [*[param.make_scatter_call() for param in copied], *then]
        calls: Iterable[Call]
        if len(gradients) == 1:  # what a packed model is: it takes 0.3 us less in this way
            kernel, flat, state = self._kernels[0], self._flats[0], self._states[0]
            calls = [(kernel, flat, gradients[0], state, hypers[0], steps[0]), *then]
        else:
            one = len(hypers) == 1
            each = repeat(hypers[0]) if one else [hypers[group] for group in self._groups]
            counts = repeat(steps[0]) if one else [steps[group] for group in self._groups]
            columns = self._kernels, self._flats, gradients, self._states, each, counts
            calls = chain(zip(*columns, strict=False), then)
        if absent:
            # Each has its place in the calls. That of one that is left alone does nothing.
            calls = list(calls)
            for place in absent:
                kernel, _, _, _, *others = calls[place]
                calls[place] = (kernel, *self.params[place].nothing, *others)
        # All that is written is written here, and at once.
        if self._is_threaded:
            self._choices.run(calls)
        else:
            exhaust(call_each(calls))

    def _load_kernels(self) -> None:
        for place, param in enumerate(self.params):
            self._is_threaded |= self._choices.add(place, param.spec.rule, param.dtype, param.size)
        self._kernels = [
            make_step_kernel(param.spec.rule, param.dtype, False) for param in self.params
        ]

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
            if array.dtype.kind not in "fiub":
                raise TypeError(f"{name} must hold real numbers, got {describe(array)}")
        common = np.result_type(*arrays) if dtype is None else dtype
        if common not in DTYPES:
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
