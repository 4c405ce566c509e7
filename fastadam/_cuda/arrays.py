"""One parameter array on a GPU as the kernels see it: its arguments, with its state beside it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._rules.rules import Rule
from .._uninterrupted import Call
from .._validate import describe, is_device_array
from .driver import device_of
from .interface import is_torch, read
from .kernels import DeviceLoops, step_arguments


class Gradient(NamedTuple):
    """Where a gradient is, and the stream that wrote it, if the step's own may be another."""

    pointer: int
    stream: int | None


class DeviceSlot:
    """What `fastadam.slots.Slot` is, for an array on a GPU.

    Arrays have to be contiguous here: nothing is copied.

    Parameters
    ----------
    name, label, key : str
        What error messages and state dictionaries call it.
    array : object with `__cuda_array_interface__`
        The parameters.
    rule : Rule
        The rule that will update them.
    group : int
        The index of its parameter group.
    """

    on_device = True
    is_view = True

    def __init__(self, name: str, label: str, key: str, array: Any, rule: Rule, group: int) -> None:
        self.name, self.label, self.key, self.array = name, label, key, array
        self.rule, self.group = rule, group
        self.pointer, self.shape, self.dtype, self.stream = read(name, array, writes=True)
        self.size = math.prod(self.shape)
        self.nbytes = self.size * self.dtype.itemsize
        self.device = device_of(self.pointer)
        self.device.require_current()
        self.state = self.device.empty((len(rule.state), self.size), self.dtype)
        start = self.device.pointer(self.state)
        self._state_rows = [start + i * self.nbytes for i in range(len(rule.state))]
        if start:
            self.device.fill(start, 0, len(rule.state) * self.nbytes, 0)
            self.device.synchronize()
        self.flat = step_arguments(rule, self.dtype, self.size, self.pointer, start)
        self._is_torch = is_torch(array)
        self._typestr = self.dtype.str
        self._known_pointer = -1  # of the last gradient: what was checked once

    def flat_gradient(self, gradient: Any, memory: Memory) -> Gradient:
        """Return where a gradient is.

        Parameters
        ----------
        gradient : object with `__cuda_array_interface__`
            What the user passed.
        memory : Memory
            Where all parameters are.
        """
        try:
            description = gradient.__cuda_array_interface__
        except (AttributeError, RuntimeError):
            return self._checked(gradient, memory)
        stream = description.get("stream")
        if not (
            description["shape"] == self.shape
            and description["typestr"] == self._typestr
            and description.get("strides") is None
            and description.get("mask") is None
            and (stream is None or (stream.__class__ is int and stream > 0))
            and (self._is_torch or not is_torch(gradient))
        ):
            return self._checked(gradient, memory)
        pointer = description["data"][0] or 0
        if pointer != self._known_pointer:
            self._check_place(pointer, memory)
        return Gradient(pointer, stream)

    def _checked(self, gradient: Any, memory: Memory) -> Gradient:
        """Return where a gradient is that does not look as expected, or raise an error."""
        name, own = f"grads{self.label}", self.name
        if not is_device_array(gradient):
            raise TypeError(f"{name} must be on the GPU like {own}, got {describe(gradient)}")
        pointer, shape, dtype, stream = read(name, gradient)
        if dtype != self.dtype:
            raise TypeError(f"{name} must be {self.dtype} like {own}, got {dtype}")
        if shape != self.shape:
            raise ValueError(f"{name} must have the shape {self.shape} of {own}, got {shape}")
        self._check_place(pointer, memory)
        is_in_order = self._is_torch and is_torch(gradient)  # both in that of torch's stream
        return Gradient(pointer, None if is_in_order else stream)

    def _check_place(self, pointer: int, memory: Memory) -> None:
        name = f"grads{self.label}"
        if self.size:
            if not self.device.holds(pointer):
                raise ValueError(
                    f"{name} must be on GPU {self.device.ordinal} like {self.name}, and is not"
                )
            if pointer != self.pointer:
                shared = memory.overlapped(pointer, pointer + self.nbytes)
                if shared is not None:
                    raise ValueError(f"{name} shares memory with {shared}; pass a copy")
        self._known_pointer = pointer

    def state_copies(self) -> dict[str, np.ndarray]:
        """Return copies of the state arrays on the host by name."""
        return {
            name: self.device.read(pointer, self.shape, self.dtype)
            for name, pointer in zip(self.rule.state, self._state_rows, strict=True)
        }

    def load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Return the calls that set the state, from C-ordered arrays of its shape and dtype."""
        rows = zip(self.rule.state, self._state_rows, strict=True)
        return [
            call
            for name, pointer in rows
            for call in self.device.write_calls(pointer, arrays[name])
        ]


class Memory:
    """Where all parameter arrays of an optimiser are: on one GPU, none twice, in one order.

    Parameters
    ----------
    slots : sequence of DeviceSlot
        The arrays.
    """

    def __init__(self, slots: Sequence[DeviceSlot]) -> None:
        first = slots[0]
        for slot in slots:
            if slot.device is not first.device:
                raise ValueError(
                    f"{slot.name} is on GPU {slot.device.ordinal} and {first.name} on GPU "
                    f"{first.device.ordinal}; make an optimiser for each"
                )
            if slot.stream != first.stream:
                raise ValueError(
                    f"{slot.name} names the stream {slot.stream} and {first.name} the stream "
                    f"{first.stream}; make an optimiser for each"
                )
        occupied = sorted((slot for slot in slots if slot.size), key=lambda slot: slot.pointer)
        self._starts = [slot.pointer for slot in occupied]
        self._ends = [slot.pointer + slot.nbytes for slot in occupied]
        self._names = [slot.name for slot in occupied]
        for i, end in enumerate(self._ends[:-1]):
            if end > self._starts[i + 1]:
                one, other = sorted(self._names[i : i + 2])
                raise ValueError(f"{one} and {other} share memory; give each element once")

    def overlapped(self, start: int, end: int) -> str | None:
        """Return the name of a parameter array in a stretch of memory, or None."""
        last = bisect_left(self._starts, end) - 1
        return self._names[last] if last >= 0 and self._ends[last] > start else None


def make_loops(slots: Sequence[DeviceSlot], threads: int | None) -> DeviceLoops:
    """Return the loops of an optimiser over these arrays."""
    if threads is not None:
        raise ValueError(f"threads has no meaning for arrays on a GPU, got {threads}")
    return DeviceLoops(slots[0].device, slots[0].array)


def copy_to_host(name: str, array: Any) -> np.ndarray:
    """Return an array on a GPU as a NumPy array."""
    pointer, shape, dtype, _ = read(name, array)
    return device_of(pointer).read(pointer, shape, dtype)
