"""The step on a GPU: kernels compiled from a rule, and one launch for each array.

The kernels are those of `fastadam.loops` with another loop around them. Products and sums are not
contracted, and the coefficients come from the host, in float64 and cast there: what a step gives
has the same bits as on the CPU.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import from_dtype, types

from .._numba.cuda import with_cuda
from .._rules.rules import Rule, Scalars
from .._rules.state import accessors, state_floors
from .._uninterrupted import Call
from .driver import Arguments, Device
from .interface import stream_of

if TYPE_CHECKING:
    from .arrays import DeviceSlot, Gradient

cuda: Any = None  # see `target.with_cuda`

#: What `first_nonfinite_function` leaves where all is finite: every byte 255.
ALL_FINITE = 2**64 - 1


def step_function(rule: Rule, dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Return the kernel of a rule over arrays of a dtype, not yet compiled, and its signature.

    ``kernel(p, g, state, c)``: the arrays are those of `fastadam.loops.step_kernel`, ``c`` are the
    rule's coefficients in their dtype.
    """
    update = rule.update
    load, store = accessors(rule)
    floors = state_floors(rule, dtype)

    @with_cuda
    def kernel(p, g, state, c):  # type: ignore[no-untyped-def]
        i, stride = cuda.grid(1), cuda.gridsize(1)  # of 64 bits
        while i < p.size:
            p[i], new_state = update(p[i], g[i], load(state, i, floors), c)
            store(state, i, new_state, floors)
            i += stride

    kernel.__name__ = kernel.__qualname__ = f"{rule.name}_{dtype.name}"
    real = from_dtype(dtype)
    vector = types.Array(real, 1, "C")
    signature = types.void(
        vector, vector, types.Array(real, 2, "C"), types.UniTuple(real, rule.coefficient_count)
    )
    return kernel, signature


def first_nonfinite_function(dtype: np.dtype[Any]) -> tuple[Callable[..., None], Any]:
    """Return ``kernel(x, first)``, not yet compiled, and its signature.

    It lowers ``first[0]`` to the index of the first element that is NaN or infinite.
    """
    largest = np.finfo(dtype).max

    @with_cuda
    def kernel(x, first):  # type: ignore[no-untyped-def]
        i, stride = cuda.grid(1), cuda.gridsize(1)
        while i < x.size and abs(x[i]) <= largest:
            i += stride
        if i < x.size:
            cuda.atomic.min(first, 0, np.uint64(i))

    kernel.__name__ = kernel.__qualname__ = f"first_nonfinite_{dtype.name}"
    vector = types.Array(from_dtype(dtype), 1, "C")
    return kernel, types.void(vector, types.Array(types.uint64, 1, "C"))


@cache
def _step_kernel(device: Device, rule: Rule, dtype: np.dtype[Any]) -> Any:
    return device.compile(*step_function(rule, dtype))


@cache
def _first_nonfinite_kernel(device: Device, dtype: np.dtype[Any]) -> Any:
    return device.compile(*first_nonfinite_function(dtype))


def step_arguments(
    rule: Rule, dtype: np.dtype[Any], size: int, parameters: int, state: int
) -> Arguments:
    """Return a step kernel's arguments, from the addresses of parameters and state.

    The gradient's address and the coefficients are still missing.
    """
    real = ctypes.c_float if dtype == np.float32 else ctypes.c_double
    vector, matrix = (size,), (len(rule.state), size)
    arrays = [(parameters, vector), (0, vector), (state, matrix)]
    return Arguments(
        [(pointer, shape, dtype.itemsize) for pointer, shape in arrays],
        (real * rule.coefficient_count)(),
    )


class DeviceLoops:
    """The loops of one optimiser on a GPU, and the stream that they run on.

    That is the stream which the first parameter array names at the time: the current one of
    CuPy and torch, an array's own or the default one of Numba.

    Parameters
    ----------
    device : Device
        The GPU.
    array : object with `__cuda_array_interface__`
        The first parameter array.
    """

    def __init__(self, device: Device, array: Any) -> None:
        self.device = device
        self.stream = 0
        self._array = array
        self._flags: Any = None
        self._coefficients: tuple[Any, int, Scalars] = (None, 0, ())

    def load(self, slots: Sequence[DeviceSlot]) -> list[StepLoop]:
        """Return the loop of each array."""
        self.device.require_current()
        return [
            StepLoop(self, _step_kernel(self.device, slot.rule, slot.dtype), slot.rule, slot.size)
            for slot in slots
        ]

    def run(self, calls: Iterable[Call]) -> None:
        """Make the calls of a step, in one go: whatever raises does so before or after them.

        Parameters
        ----------
        calls : iterable of Call
            The `StepLoop` of each array with its arguments, and what else is to be done.
        """
        self.plan()
        launches: list[Call] = []
        for function, *arguments in calls:
            if isinstance(function, StepLoop):
                launches += function.calls(*arguments)
            else:
                launches.append((function, *arguments))
        self.run_all(launches)

    def run_all(self, calls: Iterable[Call]) -> None:
        """Make other calls in one go."""
        self.device.run_all(calls)

    def plan(self) -> None:
        """Prepare for a step: find the stream that it runs on."""
        self.device.require_current()
        self.stream = stream_of("params", self._array) or 0

    def coefficients(self, rule: Rule, hyper: Scalars, step: int) -> Scalars:
        """Return the coefficients of a step; a group's arrays ask for the same ones in a row."""
        known, known_step, coefficients = self._coefficients
        if known is not hyper or known_step != step:
            coefficients = rule.coefficients(hyper, float(step))
            self._coefficients = (hyper, step, coefficients)
        return coefficients

    def launch_calls(
        self, kernel: Any, size: int, gradient: Gradient, arguments: Arguments
    ) -> list[Call]:
        """Return the calls that start a kernel which reads a gradient.

        It runs in the order of the gradient's stream as well.
        """
        other, own = gradient.stream, self.stream
        launch = self.device.launch_call(kernel, size, own, arguments)
        if other is None or other == own:
            return [launch]
        # The gradient's memory may be written again after this.
        return [*self.device.order_calls(other, own), launch, *self.device.order_calls(own, other)]

    def find_nonfinite(
        self, slots: Sequence[DeviceSlot], gradients: Sequence[Gradient]
    ) -> tuple[DeviceSlot, Any] | None:
        """Return the first slot whose gradient is not finite, and the element, or None.

        The host waits for the answer.
        """
        device = self.device
        self.plan()
        kernels = [_first_nonfinite_kernel(device, slot.dtype) for slot in slots]
        if self._flags is None:
            self._flags = device.empty((len(slots),), np.uint64)
        flags = device.pointer(self._flags)
        device.fill(flags, 0xFF, 8 * len(slots), self.stream)
        for i, (slot, gradient) in enumerate(zip(slots, gradients, strict=True)):
            if slot.size:
                vector = (gradient.pointer, (slot.size,), slot.dtype.itemsize)
                arguments = Arguments([vector, (flags + 8 * i, (1,), 8)])
                device.run_all(self.launch_calls(kernels[i], slot.size, gradient, arguments))
        firsts = device.read(flags, (len(slots),), np.uint64, self.stream)
        for slot, gradient, first in zip(slots, gradients, firsts.tolist(), strict=True):
            if first != ALL_FINITE:
                address = gradient.pointer + first * slot.dtype.itemsize
                return slot, device.read(address, (1,), slot.dtype, self.stream)[0]
        return None


class StepLoop:
    """One rule's loop over an array on a GPU."""

    def __init__(self, loops: DeviceLoops, kernel: Any, rule: Rule, size: int) -> None:
        self._loops, self._kernel, self._rule, self._size = loops, kernel, rule, size

    def calls(
        self, arguments: Arguments, gradient: Gradient, state: Any, hyper: Scalars, step: int
    ) -> list[Call]:
        """Return the calls that start it. Parameters and state are in the arguments already."""
        if not self._size:
            return []
        arguments.words[arguments.pointers[1]] = gradient.pointer
        arguments.scalars[:] = self._loops.coefficients(self._rule, hyper, step)
        return self._loops.launch_calls(self._kernel, self._size, gradient, arguments)
