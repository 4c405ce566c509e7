"""One parameter array as the kernels see it: flat, with its state beside it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._backend import Param, ParamSpec
from .._uninterrupted import Call
from .._validate import describe, floating, parameter, unmasked


def find_owner(array: np.ndarray) -> Any:
    """Find the object whose memory an array shows."""
    return array if array.base is None else array.base


class ParamArray(Param):
    """A parameter array, its state, and the flat views that kernels take.

    Kernels need contiguous memory. An array that has it in some order of its axes (C, Fortran, a
    transpose) is seen through a view; any other goes through a working copy, which `gather`
    fills before a step and `make_scatter_call` writes back in it.
    """

    __slots__ = ("_axes", "_buffer", "_is_c_ordered", "array", "flat", "is_view", "state")

    def __init__(self, spec: ParamSpec) -> None:
        self.array = array = parameter(spec.name, spec.array)
        super().__init__(spec, array.shape, array.dtype)
        # The axes by falling stride: the order in which a transposed array is contiguous.
        by_stride = tuple(np.argsort([-stride for stride in array.strides], kind="stable"))
        flags = array.transpose(by_stride).flags
        self.is_view = flags.c_contiguous and flags.aligned
        self._is_c_ordered = not self.is_view or array.flags.c_contiguous
        self._axes = tuple(range(array.ndim)) if self._is_c_ordered else by_stride
        if self.is_view:
            self.flat = np.asarray(array.transpose(self._axes)).reshape(-1)
        else:
            self.flat = np.empty(array.size, array.dtype)
        self.state = np.zeros((len(spec.rule.state), array.size), array.dtype)
        self._buffer: np.ndarray | None = None  # for gradients that have to be copied

    def take_gradient(self, gradient: Any, owners: frozenset[int]) -> np.ndarray:
        """Check a gradient; return it as a contiguous vector in the order of ``flat``.

        ``owners`` are the ids of the owners of all parameters' memory. A gradient in that memory
        (``x`` is the gradient of ``x @ y`` by ``y``) is copied before anything is written.
        """
        if not self.array.flags.writeable:  # by now; and `flat` would let itself be written
            parameter(f"params{self.spec.label}", self.array)
        if (
            gradient.__class__ is np.ndarray
            and gradient.shape == self.shape
            and (gradient.dtype is self.dtype or gradient.dtype == self.dtype)
        ):
            base = gradient.base
            if (
                self._is_c_ordered
                and gradient.flags.carray
                and id(gradient if base is None else base) not in owners
            ):
                return gradient if len(self.shape) == 1 else gradient.reshape(-1)
        else:
            self._check(gradient)
        ordered = np.asarray(gradient).transpose(self._axes)
        flags = ordered.flags
        if flags.c_contiguous and flags.aligned and id(find_owner(ordered)) not in owners:
            return ordered.reshape(-1)
        if self._buffer is None:
            self._buffer = np.empty_like(self.flat)
        np.copyto(self._buffer.reshape(ordered.shape), ordered)
        return self._buffer

    def _check(self, gradient: Any) -> None:
        name = f"grads{self.spec.label}"
        if not isinstance(gradient, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {describe(gradient)}")
        unmasked(name, gradient)
        floating(name, gradient)
        self.check_gradient(f"params{self.spec.label}", gradient.shape, gradient.dtype)

    def gather(self) -> None:
        """Fill the working copy."""
        np.copyto(self.flat.reshape(self.shape), self.array)

    def make_scatter_call(self) -> Call:
        """Make the call that writes the working copy back."""
        # np.copyto has a part in Python, where a signal would be handled; so may a subclass.
        return operator.setitem, np.asarray(self.array), ..., self.flat.reshape(self.shape)

    def copy_state(self) -> dict[str, np.ndarray]:
        """Copy the state out."""
        return {name: view.copy() for name, view in self._state_views().items()}

    def make_load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Make the calls that copy a state in."""
        views = self._state_views()
        return [(operator.setitem, view, ..., arrays[name]) for name, view in views.items()]

    def make_write_calls(self, values: np.ndarray) -> list[Call]:
        """Make the calls that overwrite the parameters."""
        parameter(self.spec.name, self.array)  # it may be read-only by now
        return [(operator.setitem, np.asarray(self.array), ..., values)]

    def _state_views(self) -> dict[str, np.ndarray]:
        shape, back = [self.shape[axis] for axis in self._axes], np.argsort(self._axes)
        return {
            name: row.reshape(shape).transpose(back)
            for name, row in zip(self.spec.rule.state, self.state, strict=True)
        }
