"""One parameter array as the kernels see it: flat, with its state beside it."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .._rules.rules import Rule
from .._uninterrupted import Call
from .._validate import describe, disjoint, floating, is_device_array, parameter, unmasked
from .kernels import finite_kernel

if TYPE_CHECKING:
    from .._cuda.arrays import DeviceSlot


def memory_owner(array: np.ndarray) -> Any:
    """Return the object whose memory an array shows."""
    return array if array.base is None else array.base


class Slot:
    """A parameter array, its state, and the flat views that kernels take.

    Kernels need contiguous memory. An array that has it in some order of its axes (C, Fortran, a
    transpose) is seen through a view; any other goes through a working copy, which `gather`
    fills before a step and `scatter_call` writes back in it.

    Parameters
    ----------
    label, key : str
        What error messages and state dictionaries call it.
    array : ndarray
        The parameters, checked.
    rule : Rule
        The rule that will update them.
    group : int
        The index of its parameter group.
    """

    __slots__ = (
        "_axes",
        "_buffer",
        "_is_c_ordered",
        "array",
        "dtype",
        "flat",
        "group",
        "is_view",
        "key",
        "label",
        "rule",
        "shape",
        "size",
        "state",
    )

    on_device: ClassVar[bool] = False

    def __init__(self, label: str, key: str, array: np.ndarray, rule: Rule, group: int) -> None:
        self.label, self.key, self.array, self.rule, self.group = label, key, array, rule, group
        self.shape, self.size, self.dtype = array.shape, array.size, array.dtype
        # The axes by falling stride: the order in which a transposed array is contiguous.
        self._axes = tuple(np.argsort([-stride for stride in array.strides], kind="stable"))
        ordered = array.transpose(self._axes)
        self.is_view = ordered.flags.c_contiguous and ordered.flags.aligned
        if not self.is_view or array.flags.c_contiguous:
            self._axes = tuple(range(array.ndim))
        self._is_c_ordered = self._axes == tuple(range(array.ndim))
        if self.is_view:
            self.flat = np.asarray(array.transpose(self._axes)).reshape(-1)
        else:
            self.flat = np.empty(array.size, array.dtype)
        self.state = np.zeros((len(rule.state), array.size), array.dtype)
        self._buffer: np.ndarray | None = None  # for gradients that have to be copied

    def flat_gradient(self, gradient: Any, owners: frozenset[int]) -> np.ndarray:
        """Return a gradient as a contiguous vector, in the order of ``self.flat``.

        Parameters
        ----------
        gradient : ndarray
            What the user passed.
        owners : frozenset of int
            The ids of the owners of all parameters' memory. A gradient in that memory (``x`` is
            the gradient of ``x @ y`` by ``y``) is copied before anything is written.
        """
        if not self.array.flags.writeable:  # by now; and `flat` would let itself be written
            parameter(f"params{self.label}", self.array)
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
        if flags.c_contiguous and flags.aligned and id(memory_owner(ordered)) not in owners:
            return ordered.reshape(-1)
        if self._buffer is None:
            self._buffer = np.empty_like(self.flat)
        np.copyto(self._buffer.reshape(ordered.shape), ordered)
        return self._buffer

    def _check(self, gradient: Any) -> None:
        name = f"grads{self.label}"
        if not isinstance(gradient, np.ndarray):
            raise TypeError(f"{name} must be a NumPy array, got {describe(gradient)}")
        unmasked(name, gradient)
        floating(name, gradient)
        if gradient.dtype != self.dtype:
            raise TypeError(
                f"{name} must be {self.dtype} like params{self.label}, got {gradient.dtype}"
            )
        if gradient.shape != self.shape:
            raise ValueError(
                f"{name} must have the shape {self.shape} of params{self.label}, "
                f"got {gradient.shape}"
            )

    def gather(self) -> None:
        """Fill the working copy."""
        np.copyto(self.flat.reshape(self.shape), self.array)

    def scatter_call(self) -> Call:
        """Return the call that writes the working copy back."""
        # np.copyto has a part in Python, where a signal would be handled; so may a subclass.
        return operator.setitem, np.asarray(self.array), ..., self.flat.reshape(self.shape)

    def state_copies(self) -> dict[str, np.ndarray]:
        """Return copies of the state arrays by name, in the shape of the parameters."""
        return {name: view.copy() for name, view in self._state_views().items()}

    def load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Return the calls that set the state, from arrays of the right shape and dtype."""
        return [
            (operator.setitem, view, ..., arrays[name])
            for name, view in self._state_views().items()
        ]

    def _state_views(self) -> dict[str, np.ndarray]:
        ordered_shape = tuple(self.shape[axis] for axis in self._axes)
        return {
            name: row.reshape(ordered_shape).transpose(np.argsort(self._axes))
            for name, row in zip(self.rule.state, self.state, strict=True)
        }


def find_nonfinite(
    slots: Sequence[Slot], gradients: Sequence[np.ndarray]
) -> tuple[Slot, Any] | None:
    """Return the first slot whose gradient is not finite, and the element, or None."""
    for slot, gradient in zip(slots, gradients, strict=True):
        if not finite_kernel(slot.dtype)(gradient):
            return slot, gradient[np.argmin(np.isfinite(gradient))]
    return None


def make_slot(
    name: str, label: str, key: str, leaf: Any, rule: Rule, group: int
) -> Slot | DeviceSlot:
    """Check a parameter array and return its slot, on the host or on a GPU."""
    if is_device_array(leaf):
        from .._cuda.arrays import DeviceSlot  # which needs numba-cuda

        return DeviceSlot(name, label, key, leaf, rule, group)
    return Slot(label, key, parameter(name, leaf), rule, group)


def common_memory(names: list[str], slots: list[Any]) -> Any:
    """Check arrays together; return what tells whether a gradient is in their memory."""
    first = slots[0]
    for name, slot in zip(names, slots, strict=True):
        if slot.on_device is not first.on_device:
            sides = [(name, names[0]), (names[0], name)][first.on_device]
            raise ValueError(
                f"{sides[0]} is on a GPU and {sides[1]} is not; make an optimiser for each"
            )
    if first.on_device:
        from .._cuda.arrays import Memory

        return Memory(slots)
    arrays = [slot.array for slot in slots]
    disjoint(names, arrays)
    return frozenset(id(memory_owner(array)) for array in arrays)
