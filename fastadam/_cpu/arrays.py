"""One parameter array as the kernels see it: flat, with its state beside it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from .._backend import PLAIN, Param, ParamSpec
from .._forms.narrow import STORED, count_blocks
from .._rules.spec import Floats
from .._uninterrupted import Call
from .._validate import describe, floating, is_bfloat16, parameter, unmasked
from .kernels import Kernel, make_step_kernel
from .narrow_kernels import make_narrow_kernel
from .row_gradients import RowGradient, is_sparse, take_row_gradient


def find_owner(array: np.ndarray) -> Any:
    """Find the object whose memory an array shows."""
    return array if array.base is None else array.base


class ParamArray(Param):
    """A parameter array, its state, and the flat views that kernels take.

    Kernels need contiguous memory. An array that has it in some order of its axes (C, Fortran, a
    transpose) is seen through a view; any other goes through a working copy, which `gather`
    fills before a step and `make_scatter_call` writes back in it.
    """

    # fmt: off
    __slots__ = (
        "_axes", "_buffer", "_is_c_ordered", "array", "average", "bits", "flat", "is_narrow",
        "is_view", "no_elements", "no_state", "scales", "state",
    )
    # fmt: on

    def __init__(self, spec: ParamSpec) -> None:
        self.array = array = parameter(spec.name, spec.array)
        super().__init__(spec, array.shape, array.dtype)
        form, is_bfloat16_array = spec.form, is_bfloat16(array.dtype)
        self.is_narrow = is_bfloat16_array or form.state != ""
        #: What kernels take the elements for.
        self.bits = np.dtype(np.uint16) if is_bfloat16_array else array.dtype
        self.check_form(is_bfloat16_array)
        # The axes by falling stride: the order in which a transposed array is contiguous.
        by_stride = tuple(np.argsort([-stride for stride in array.strides], kind="stable"))
        flags = array.transpose(by_stride).flags
        self.is_view = flags.c_contiguous and flags.aligned
        if form.state == "uint8":  # blocks follow the C order, in which states are saved
            self.is_view &= array.flags.c_contiguous
        self._is_c_ordered = not self.is_view or array.flags.c_contiguous
        self._axes = tuple(range(array.ndim)) if self._is_c_ordered else by_stride
        if self.is_view:
            self.flat = np.asarray(array.transpose(self._axes)).reshape(-1).view(self.bits)
        else:
            self.flat = np.empty(array.size, self.bits)
        rows, kept = len(spec.rule.state), array.dtype
        if self.is_narrow:
            kept = STORED[form.state]
            self.scales = np.zeros((rows, count_blocks(array.size)), np.float32)
        self.state = np.zeros((rows, array.size), kept)
        # What kernels take, to do nothing, instead of parameters and gradient, and of the state.
        self.no_elements, self.no_state = np.empty(0, self.bits), np.empty((rows, 0), kept)
        real = np.float32 if self.is_narrow else array.dtype
        self.average = np.empty(array.size if form.is_averaged else 0, real)
        if form.is_averaged:
            self._show(self.average)[...] = array
        self._buffer: np.ndarray | None = None  # for gradients that have to be copied

    def load_kernel(self, parallel: bool) -> Kernel:
        """Load the kernel that takes a step."""
        rule, form = self.spec.rule, self.spec.form
        if self.is_narrow:
            return make_narrow_kernel(rule, self.bits, form, parallel)
        return make_step_kernel(rule, self.dtype, form, parallel=parallel)

    @property
    def is_plain(self) -> bool:
        """Whether that is one of the kernels that take nothing more."""
        return not self.is_narrow and self.spec.form == PLAIN

    def make_step_call(
        self, kernel: Kernel, gradient: np.ndarray, hyper: Floats, step: int, extras: np.ndarray
    ) -> Call:
        """Make the call of a kernel of any form: with no gradient, one that does nothing.

        So each array has its place among the calls.
        """
        first, then = (kernel, self.flat, gradient, self.state), (hyper, step)
        if gradient is self.no_elements:
            first = (kernel, gradient, gradient, self.no_state)
        if self.is_plain:
            return *first, *then
        more = self.average, extras
        return (*first, self.scales, *then, *more) if self.is_narrow else (*first, *then, *more)

    def take_gradient(self, gradient: Any, owners: frozenset[int]) -> np.ndarray | RowGradient:
        """Check a gradient; return it as a contiguous vector in the order of ``flat``.

        Of None it is an empty one. ``owners`` are the ids of the owners of all parameters' memory.
        A gradient in that memory (``x`` is the gradient of ``x @ y`` by ``y``) is copied before
        anything is written.
        """
        if gradient is None:
            return self.no_elements
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
                flat = gradient if len(self.shape) == 1 else gradient.reshape(-1)
                return flat if self.bits is self.dtype else flat.view(self.bits)
        elif is_sparse(gradient):
            return take_row_gradient(self, gradient, owners)
        else:
            self._check(gradient)
        ordered = np.asarray(gradient).transpose(self._axes)
        flags = ordered.flags
        if flags.c_contiguous and flags.aligned and id(find_owner(ordered)) not in owners:
            return ordered.reshape(-1).view(self.bits)
        if self._buffer is None:
            self._buffer = np.empty_like(self.flat)
        np.copyto(self._buffer.view(self.dtype).reshape(ordered.shape), ordered)
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
        np.copyto(self.flat.view(self.dtype).reshape(self.shape), self.array)

    def make_scatter_call(self) -> Call:
        """Make the call that writes the working copy back."""
        # np.copyto has a part in Python, where a signal would be handled; so may a subclass.
        flat = self.flat.view(self.dtype)
        return operator.setitem, np.asarray(self.array), ..., flat.reshape(self.shape)

    def describe_state(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Give the dtype and the shape of each array of the state, by name."""
        return {name: (view.dtype, view.shape) for name, view in self._state_views().items()}

    def copy_state(self) -> dict[str, np.ndarray]:
        """Copy the state out."""
        return {name: view.copy() for name, view in self._state_views().items()}

    def make_load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Make the calls that copy a state in."""
        views = self._state_views()
        return [(operator.setitem, view, ..., arrays[name]) for name, view in views.items()]

    def copy_values(self) -> np.ndarray:
        """Copy the parameters out."""
        return np.array(self.array)

    def make_store_calls(self, values: np.ndarray) -> list[Call]:
        """Make the calls that write the parameters."""
        if not self.array.flags.writeable:  # by now
            parameter(self.spec.name, self.array)
        return [(operator.setitem, np.asarray(self.array), ..., values)]

    def make_exchange_calls(self) -> list[Call]:
        """Make the calls that exchange the parameters and their average."""
        array, average = np.asarray(self.array), self._show(self.average)
        return [
            (operator.setitem, array, ..., average.copy()),
            (operator.setitem, average, ..., array.copy()),
        ]

    def make_restart_calls(self) -> list[Call]:
        """Make the calls that begin the average anew, with the parameters as they are."""
        return [(operator.setitem, self._show(self.average), ..., np.asarray(self.array))]

    def _state_views(self) -> dict[str, np.ndarray]:
        names = self.spec.rule.state
        views = {name: self._show(row) for name, row in zip(names, self.state, strict=True)}
        if self.spec.form.state == "uint8":
            scales = zip(names, self.scales, strict=True)
            views |= {f"{name}_scale": row for name, row in scales}
        if self.spec.form.is_averaged:
            views["average"] = self._show(self.average)
        return views

    def _show(self, row: np.ndarray) -> np.ndarray:
        """Show what is kept for each parameter in the shape of the parameters."""
        shape = [self.shape[axis] for axis in self._axes]
        return row.reshape(shape).transpose(np.argsort(self._axes))
