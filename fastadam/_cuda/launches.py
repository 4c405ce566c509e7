"""How the arrays of an optimiser on a GPU are launched: one by one, or many at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np

from .._rules.spec import Floats
from .._uninterrupted import Call
from .arrays import DeviceParamArray, Gradient
from .driver import Arguments, Gpu, describe_vector
from .forms import FACTOR, is_narrow, load_kernel, needs_more
from .kernels import GRADIENT, count_blocks
from .list_kernels import AVERAGE, PARAMS, PITCH, SIZE, STATE, WIDTH, WORD
from .lists import ArrayList
from .nonfinite import load_nonfinite_kernel

#: Gives the scalars of a step, of a group.
FindScalars = Callable[[int], Floats]


class Launch(Protocol):
    """What one launch updates: arrays, by their places among the optimiser's."""

    places: list[int]

    def make_calls(
        self, gradients: Sequence[Gradient | None], find: FindScalars, stream: int
    ) -> list[Call]:
        """Make the calls of a step on a stream, none if no array has a gradient."""

    def make_nonfinite_calls(
        self, gradients: Sequence[Gradient | None], flags: int, stream: int
    ) -> tuple[list[Call], Any]:
        """Make the calls that set flags, one for each array; and what has to be kept until then."""


class Single:
    """One array, whose arguments go with the launch."""

    def __init__(self, gpu: Gpu, place: int, param: DeviceParamArray, factor: int) -> None:
        self._gpu, self._place, self._group = gpu, place, param.spec.group
        self.places, self._size, self._dtype = [place], param.size, param.dtype
        self._kernel = load_kernel(gpu, param.spec.rule, param.dtype, param.spec.form)
        self._arguments = param.arguments
        if needs_more(param.dtype, param.spec.form):
            self._arguments.words[FACTOR] = factor
        self._stream, self._call = -1, ()

    def make_calls(
        self, gradients: Sequence[Gradient | None], find: FindScalars, stream: int
    ) -> list[Call]:
        """Make the calls of a step on a stream."""
        gradient = gradients[self._place]
        if gradient is None:
            return []
        arguments = self._arguments
        arguments.words[GRADIENT] = gradient.pointer
        arguments.scalars[:] = find(self._group)
        if stream != self._stream:
            kernel, elements, threads = self._kernel
            blocks = -(-self._size // elements)
            self._call = self._gpu.make_launch_call(kernel, blocks, stream, arguments, threads)
            self._stream = stream
        return [self._call]

    def make_nonfinite_calls(
        self, gradients: Sequence[Gradient | None], flags: int, stream: int
    ) -> tuple[list[Call], Any]:
        """Make the call that sets the array's flag."""
        gradient = gradients[self._place]
        if gradient is None:
            return [], None
        return make_nonfinite_calls(
            self._gpu, gradient.pointer, self._size, self._dtype, flags, stream
        )


def make_nonfinite_calls(
    gpu: Gpu, pointer: int, size: int, dtype: np.dtype[Any], flag: int, stream: int
) -> tuple[list[Call], Any]:
    """Make the call that sets the flag of one array; and what has to be kept until then."""
    kernel = load_nonfinite_kernel(gpu, dtype)
    arguments = Arguments([pointer, size, *describe_vector(flag, 1, 8)])
    blocks = count_blocks(size, dtype, gpu.threads)
    return [gpu.make_launch_call(kernel, blocks, stream, arguments)], arguments


class Several:
    """Arrays of one rule, dtype and form."""

    def __init__(
        self, gpu: Gpu, places: list[int], params: list[DeviceParamArray], factor: int
    ) -> None:
        self.places = places
        self.groups = sorted({param.spec.group for param in params})
        self._chosen = [self.groups.index(param.spec.group) for param in params]
        first = params[0]
        table = np.zeros((len(params), WIDTH), WORD)
        for row, param in zip(table, params, strict=True):
            words = param.arguments.words
            row[[PARAMS, STATE, AVERAGE, PITCH, SIZE]] = words[0], *words[2:6]
        kind = first.spec.rule, first.dtype, first.spec.form
        self.list = ArrayList(gpu, *kind, table, len(self.groups), factor)
        self.dtype = first.dtype

    def make_calls(
        self, gradients: Sequence[Gradient | None], find: FindScalars, stream: int
    ) -> list[Call]:
        """Make the calls of a step on a stream."""
        pointers = self._find_pointers(gradients)
        if not any(pointers):
            return []
        for k in {self._chosen[j] for j, pointer in enumerate(pointers) if pointer}:
            self.list.scalars[k] = find(self.groups[k])
        return self.list.make_calls(stream, pointers, self._chosen, len(self.groups))

    def make_nonfinite_calls(
        self, gradients: Sequence[Gradient | None], flags: int, stream: int
    ) -> tuple[list[Call], Any]:
        """Make the calls that set the arrays' flags."""
        pointers = self._find_pointers(gradients)
        if not any(pointers):
            return [], None
        return self.list.make_nonfinite_calls(stream, pointers, self._chosen, flags)

    def send(self, gradients: Sequence[Gradient | None]) -> None:
        """Send all but the scalars to the GPU."""
        self.list.send_all(self._find_pointers(gradients), self._chosen)

    def find_target(self, group: int) -> int:
        """Find where the GPU has the scalars of a group."""
        k = self.groups.index(group)
        return self.list.scalars_pointer + k * self.list.scalars.strides[0]

    def _find_pointers(self, gradients: Sequence[Gradient | None]) -> list[int]:
        found = [gradients[place] for place in self.places]
        return [0 if gradient is None else gradient.pointer for gradient in found]


def sort_by_kind(params: Sequence[DeviceParamArray]) -> Iterator[list[int]]:
    """Give the places of the arrays of each rule, dtype and form, without those that are empty."""
    kinds: dict[object, list[int]] = {}
    for place, param in enumerate(params):
        if param.size:
            kind = param.spec.rule, param.dtype, param.spec.form
            kinds.setdefault(kind, []).append(place)
    yield from kinds.values()


def make_launches(gpu: Gpu, params: Sequence[DeviceParamArray], factor: int) -> list[Launch]:
    """Make the launches of a step; ``factor`` is the address of that of all gradients, or 0."""
    launches: list[Launch] = []
    for places in sort_by_kind(params):
        first = params[places[0]]
        if len(places) == 1 or is_narrow(first.dtype, first.spec.form):
            launches += [Single(gpu, place, params[place], factor) for place in places]
        else:
            launches.append(Several(gpu, places, [params[place] for place in places], factor))
    return launches
