"""How the arrays of an optimiser on a GPU are launched: one by one, or many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from .._rules.spec import Floats, Rule
from .._uninterrupted import Call
from .arrays import DeviceParamArray, Gradient
from .driver import Arguments, Gpu, describe_vector
from .forms import FACTOR, STEP, is_narrow, load_kernel, needs_more
from .kernels import GRADIENT, count_blocks
from .list_kernels import AVERAGE, PARAMS, PITCH, SIZE, STATE, WIDTH, WORD
from .lists import ArrayList
from .nonfinite import load_nonfinite_kernel

#: Those of all arrays, by place. What is found out about them is kept with the list itself.
Gradients: TypeAlias = Sequence[Gradient | None]


class Step(NamedTuple):
    """What a step takes, by group, and beside that (the limit of elements and the weight)."""

    hypers: Sequence[Floats]
    steps: Sequence[int]
    beside: Floats

    def find_scalars(self, rule: Rule, group: int) -> Floats:
        """Find the scalars of the kernels."""
        return (*rule.coefficients(self.hypers[group], float(self.steps[group])), *self.beside)


class Launch(Protocol):
    """What one launch updates: arrays, by their places among the optimiser's."""

    places: list[int]

    def make_calls(self, gradients: Gradients, step: Step, stream: int) -> list[Call]:
        """Make the calls of a step on a stream, none if no array has a gradient."""

    def make_nonfinite_calls(
        self, gradients: Gradients, flags: int, stream: int
    ) -> tuple[list[Call], Any]:
        """Make the calls that set flags, one for each array; and what has to be kept until then."""


class Single:
    """One array, whose arguments go with the launch."""

    def __init__(self, gpu: Gpu, place: int, param: DeviceParamArray, factor: int) -> None:
        self._gpu, self._place = gpu, place
        self._rule, self._group = param.spec.rule, param.spec.group
        self.places, self._size, self._dtype = [place], param.size, param.dtype
        self._kernel = load_kernel(gpu, param.spec.rule, param.dtype, param.spec.form)
        self._arguments = param.arguments
        self._needs_more = needs_more(param.dtype, param.spec.form)
        if self._needs_more:
            self._arguments.words[FACTOR] = factor
        self._stream, self._call = -1, ()

    def make_calls(self, gradients: Gradients, step: Step, stream: int) -> list[Call]:
        """Make the calls of a step on a stream."""
        gradient = gradients[self._place]
        if gradient is None:
            return []
        arguments = self._arguments
        arguments.words[GRADIENT] = gradient.pointer
        arguments.scalars[:] = step.find_scalars(self._rule, self._group)
        if self._needs_more:
            arguments.words[STEP] = step.steps[self._group]
        if stream != self._stream:
            kernel, elements, threads = self._kernel
            blocks = -(-self._size // elements)
            self._call = self._gpu.make_launch_call(kernel, blocks, stream, arguments, threads)
            self._stream = stream
        return [self._call]

    def make_nonfinite_calls(
        self, gradients: Gradients, flags: int, stream: int
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
        self._rule = first.spec.rule
        self._seen: Gradients | None = None  # whose these are, which stay as they are
        self._pointers: list[int] = []
        self._busy: list[int] = []
        table = np.zeros((len(params), WIDTH), WORD)
        for row, param in zip(table, params, strict=True):
            words = param.arguments.words
            row[[PARAMS, STATE, AVERAGE, PITCH, SIZE]] = words[0], *words[2:6]
        kind = first.spec.rule, first.dtype, first.spec.form
        self.list = ArrayList(gpu, *kind, table, len(self.groups), factor)
        self.dtype = first.dtype

    def make_calls(self, gradients: Gradients, step: Step, stream: int) -> list[Call]:
        """Make the calls of a step on a stream."""
        pointers, busy = self._find_pointers(gradients)
        for k in busy:
            self.list.set_scalars(k, step.find_scalars(self._rule, self.groups[k]))
        if not busy:
            return []
        return self.list.make_calls(stream, pointers, self._chosen, len(self.groups))

    def make_nonfinite_calls(
        self, gradients: Gradients, flags: int, stream: int
    ) -> tuple[list[Call], Any]:
        """Make the calls that set the arrays' flags."""
        pointers, busy = self._find_pointers(gradients)
        if not busy:
            return [], None
        return self.list.make_nonfinite_calls(stream, pointers, self._chosen, flags)

    def send(self, gradients: Gradients) -> None:
        """Send all but the scalars to the GPU."""
        self.list.send_all(self._find_pointers(gradients)[0], self._chosen)

    def find_target(self, group: int) -> int:
        """Find where the GPU has the scalars of a group."""
        return self.list.scalars_pointer + self.groups.index(group) * self.list.set_size

    def _find_pointers(self, gradients: Gradients) -> tuple[list[int], list[int]]:
        """Find where gradients are, and the sets of scalars of those that are there."""
        if gradients is not self._seen:
            found = [gradients[place] for place in self.places]
            self._pointers = [0 if each is None else each.pointer for each in found]
            pairs = zip(self._chosen, self._pointers, strict=True)
            self._busy = sorted({k for k, pointer in pairs if pointer})
            self._seen = gradients
        return self._pointers, self._busy


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
