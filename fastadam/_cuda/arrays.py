"""Parameter arrays on a GPU as the kernels see them, and where in its memory they are."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .._backend import Param, ParamSpec, Rows
from .._forms.narrow import count_blocks as count_scales
from .._uninterrupted import Call
from .._validate import describe, is_device_array
from .driver import find_gpu
from .forms import (
    SCALES,
    find_real,
    find_stored,
    make_form_arguments,
    needs_more,
)
from .interface import BFLOAT16, BFLOAT16_TYPESTR, is_torch, read_array
from .kernels import AVERAGE, PARAMS, STATE, find_pitch
from .row_gradients import RowGradient, take_row_gradient


class Gradient(NamedTuple):
    """Where a gradient is, and the stream that wrote it, if the step's own may be another."""

    pointer: int
    stream: int | None


class Kept(NamedTuple):
    """Where an array of a state is, and what it is."""

    pointer: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


class DeviceParamArray(Param):
    """A contiguous parameter array on a GPU, its state, and its kernel's arguments."""

    def __init__(self, spec: ParamSpec) -> None:
        self.pointer, shape, dtype, self.stream = read_array(
            spec.name, spec.array, writes=True, or_bfloat16=True
        )
        super().__init__(spec, shape, dtype)
        self.check_form(dtype == BFLOAT16)
        self.nbytes = self.size * dtype.itemsize
        self.gpu = find_gpu(self.pointer)
        self.gpu.require_current()
        self._kept: dict[str, Kept] = {}  # by name
        self._memory: list[Any] = []
        stored, names = find_stored(dtype, spec.form), spec.rule.state
        self.state = self._make_rows(names, stored, self.shape, find_pitch(self.size, stored))
        scales = 0
        if spec.form.state == "uint8":
            blocks = count_scales(self.size)
            names = tuple(f"{name}_scale" for name in names)
            scales = self._make_rows(names, find_real(dtype), (blocks,), blocks)
        self.average = 0
        if spec.form.is_averaged:
            self.average = self._make_rows(("average",), dtype, self.shape, self.size)
            self.gpu.copy(self.average, self.pointer, self.nbytes)
        self.arguments = make_form_arguments(spec.rule, dtype, spec.form, self.size)
        words = self.arguments.words
        words[PARAMS], words[STATE], words[AVERAGE] = self.pointer, self.state, self.average
        if needs_more(dtype, spec.form):
            words[SCALES] = scales
        self.is_torch = is_torch(spec.array)
        self._typestr = BFLOAT16_TYPESTR if dtype == BFLOAT16 else dtype.str
        self._known = Gradient(-1, None)  # the last one: it was checked
        self._known_kind: type | None = None  # and what it was of, if that was no tensor of torch's

    def _make_rows(
        self, names: Sequence[str], dtype: np.dtype[Any], shape: tuple[int, ...], pitch: int
    ) -> int:
        """Make zeros for each name, so many elements apart; return where they are."""
        memory = self.gpu.empty((len(names), pitch), dtype)
        self._memory.append(memory)
        start, step = self.gpu.pointer(memory), pitch * dtype.itemsize
        for row, name in enumerate(names):
            self._kept[name] = Kept(start + row * step, shape, dtype)
        if names and step:
            self.gpu.fill(start, 0, len(names) * step, 0)
            self.gpu.synchronize()
        return start

    def check_gradient(self, own: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        """Require the shape and the dtype of the parameters."""
        if dtype != self.dtype and BFLOAT16 in (dtype, self.dtype):
            given, mine = ("bfloat16" if each == BFLOAT16 else each for each in (dtype, self.dtype))
            raise TypeError(f"grads{self.spec.label} must be {mine} like {own}, got {given}")
        super().check_gradient(own, shape, dtype)

    def take_gradient(self, gradient: Any, regions: Regions) -> Gradient | RowGradient | None:
        """Check a gradient; return where it is. ``regions`` are those of all parameters."""
        if gradient is None:
            return None
        try:
            description = gradient.__cuda_array_interface__
        except (AttributeError, RuntimeError):
            return self._take_other(gradient, regions)
        stream, kind = description.get("stream"), type(gradient)
        if not (
            description["shape"] == self.shape
            and description["typestr"] == self._typestr
            and description.get("strides") is None
            and description.get("mask") is None
            and (stream is None or (stream.__class__ is int and stream > 0))
            and (kind is self._known_kind or self.is_torch or not is_torch(gradient))
        ):
            return self._take_other(gradient, regions)
        self._known_kind = kind
        return self._take_address(description["data"][0] or 0, stream, regions)

    def _take_address(self, pointer: int, stream: int | None, regions: Regions) -> Gradient:
        """Check where a gradient is; return what was returned for the last one if it is there."""
        known = self._known
        if pointer != known.pointer:
            self._check_place(pointer, self.nbytes, regions)
        elif stream == known.stream:
            return known
        self._known = Gradient(pointer, stream)
        return self._known

    def take_tensor(self, pointer: int | None, regions: Regions) -> Gradient | None:
        """Take the gradient of a tensor, of which `TensorLayouts` has looked at all else."""
        return None if pointer is None else self._take_address(pointer, None, regions)

    def _take_other(self, gradient: Any, regions: Regions) -> Gradient | RowGradient:
        """Check a gradient that does not look as expected; return where it is."""
        name = f"grads{self.spec.label}"
        if isinstance(gradient, Rows):
            rows = take_row_gradient(self, gradient, self.gpu)
            self._check_place(rows.pointer, rows.size * self.dtype.itemsize, regions)
            return rows
        if not is_device_array(gradient):
            raise TypeError(
                f"{name} must be on the GPU like {self.spec.name}, got {describe(gradient)}"
            )
        pointer, shape, dtype, stream = read_array(name, gradient, or_bfloat16=True)
        self.check_gradient(self.spec.name, shape, dtype)
        is_in_order = self.is_torch and is_torch(gradient)  # both in that of torch's stream
        return self._take_address(pointer, None if is_in_order else stream, regions)

    def _check_place(self, pointer: int, nbytes: int, regions: Regions) -> None:
        name, own, gpu = f"grads{self.spec.label}", self.spec.name, self.gpu
        if nbytes:
            if not gpu.holds(pointer):
                raise ValueError(f"{name} must be on GPU {gpu.ordinal} like {own}, and is not")
            if (pointer, nbytes) != (self.pointer, self.nbytes):
                shared = regions.find_overlap(pointer, pointer + nbytes)
                if shared is not None:
                    raise ValueError(f"{name} shares memory with {shared}; pass a copy")

    def describe_state(self) -> dict[str, tuple[np.dtype[Any], tuple[int, ...]]]:
        """Give the dtype and the shape of each array of the state, by name."""
        return {name: (kept.dtype, kept.shape) for name, kept in self._kept.items()}

    def copy_state(self) -> dict[str, np.ndarray]:
        """Copy the state out."""
        return {name: self.gpu.read(*kept) for name, kept in self._kept.items()}

    def make_load_calls(self, arrays: Mapping[str, np.ndarray]) -> list[Call]:
        """Make the calls that copy a state in."""
        return [
            call
            for name, kept in self._kept.items()
            for call in self.gpu.make_write_calls(kept.pointer, arrays[name])
        ]

    def copy_values(self) -> np.ndarray:
        """Copy the parameters out."""
        return self.gpu.read(self.pointer, self.shape, self.dtype)

    def make_store_calls(self, values: np.ndarray) -> list[Call]:
        """Make the calls that write the parameters."""
        return self.gpu.make_write_calls(self.pointer, values)

    def make_exchange_calls(self) -> list[Call]:
        """Make the calls that exchange the parameters and their average."""
        other = self.gpu.empty((self.size,), self.dtype)
        own, average, between = self.pointer, self.average, self.gpu.pointer(other)
        pairs = [(between, own), (own, average), (average, between)]
        return [*self.gpu.make_copy_calls(pairs, self.nbytes), (id, other)]  # which keeps it

    def make_restart_calls(self) -> list[Call]:
        """Make the calls that begin the average anew, with the parameters as they are."""
        return self.gpu.make_copy_calls([(self.average, self.pointer)], self.nbytes)


class Regions:
    """Where all parameter arrays of an optimiser are: on one GPU, none twice, in one order."""

    def __init__(self, params: Sequence[DeviceParamArray]) -> None:
        first = params[0]
        for param in params:
            name, other = param.spec.name, first.spec.name
            if param.gpu is not first.gpu:
                raise ValueError(
                    f"{name} is on GPU {param.gpu.ordinal} and {other} on GPU "
                    f"{first.gpu.ordinal}; make an optimiser for each"
                )
            if param.stream != first.stream:
                raise ValueError(
                    f"{name} names the stream {param.stream} and {other} the stream "
                    f"{first.stream}; make an optimiser for each"
                )
        occupied = sorted((param for param in params if param.size), key=lambda each: each.pointer)
        self._starts = [param.pointer for param in occupied]
        self._ends = [param.pointer + param.nbytes for param in occupied]
        self._names = [param.spec.name for param in occupied]
        for i, end in enumerate(self._ends[:-1]):
            if end > self._starts[i + 1]:
                one, other = sorted(self._names[i : i + 2])
                raise ValueError(f"{one} and {other} share memory; give each element once")

    def find_overlap(self, start: int, end: int) -> str | None:
        """Find the parameter array that reaches into a stretch of memory, if one does."""
        last = bisect_left(self._starts, end) - 1
        return self._names[last] if last >= 0 and self._ends[last] > start else None
