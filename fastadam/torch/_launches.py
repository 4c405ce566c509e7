"""The step of tensors on a GPU: a launch for each rule and dtype, on PyTorch's current stream."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Any

import numpy as np
import torch

from .._backend import PLAIN
from .._cpu import lists as on_cpu
from .._cuda import list_kernels as on_gpu
from .._cuda.driver import Gpu, find_gpu
from .._cuda.kernels import find_pitch
from .._cuda.lists import ArrayList
from .._rules.spec import Floats
from .._uninterrupted import Call
from ._plans import Batch
from ._tensors import require_no_capture

#: What was made for the last step of a kind of tensors: their table, and the list of them.
Lists = dict[Any, tuple[bytes, ArrayList]]


class Launches:
    """The step of batches that are all on one GPU, made ready; nothing is written before `run`."""

    def __init__(self, batches: list[Batch], lists: Lists) -> None:
        self._device = batches[0].device
        self._calls: list[Call] = []
        counts: list[Call] = []
        with torch.cuda.device(self._device):
            self._gpu = find_gpu(0)  # the current one
            require_no_capture()
            stream = int(torch.cuda.current_stream(self._device).cuda_stream)
            for alike in _sort_by_kind(batches):
                known = list(chain.from_iterable(batch.known for batch in alike))
                chosen, sets = _choose_scalars(alike)
                counts += (
                    # The driver's functions return codes; this one returns None.
                    (param.scalars.__setitem__, slice(None), sets[k][1])
                    for param, k in zip(known, chosen, strict=True)
                )
                self._calls += _make_calls(self._gpu, stream, alike, chosen, sets, lists)
        self._calls += counts

    def run(self) -> None:
        """Start the kernels and count the steps, in one go; the host does not wait for the GPU."""
        with torch.cuda.device(self._device):
            self._gpu.require_current()
            self._gpu.run_all(self._calls)


def _sort_by_kind(batches: list[Batch]) -> Iterator[list[Batch]]:
    """Give the batches of each rule and dtype."""
    kinds: dict[Any, list[Batch]] = {}
    for batch in batches:
        kinds.setdefault((batch.rule, batch.dtype), []).append(batch)
    yield from kinds.values()


def _choose_scalars(batches: list[Batch]) -> tuple[list[int], list[tuple[Floats, Floats]]]:
    """Find the coefficients of each tensor's step, and the scalars after it: most have the same.

    Returned are the index of each tensor's, and what there is.
    """
    chosen: list[int] = []
    sets: list[tuple[Floats, Floats]] = []
    for batch in batches:
        rule, own = batch.rule, {}  # the index for the scalars before
        for param in batch.known:
            before = step, carried = tuple(param.scalars.tolist())
            if before not in own:
                hyper = (*batch.hyper[:-1], carried) if rule.carried else batch.hyper
                for each in rule.carried:  # one at most
                    carried = each.carry(hyper, step + 1.0)
                own[before] = len(sets)
                # Nothing is clipped, and there is no average.
                numbers = (*rule.coefficients(hyper, step + 1.0), 0.0, 0.0)
                sets.append((numbers, (step + 1.0, carried)))
            chosen.append(own[before])
    return chosen, sets


def _make_calls(
    gpu: Gpu,
    stream: int,
    batches: list[Batch],
    chosen: list[int],
    sets: list[tuple[Floats, Floats]],
    lists: Lists,
) -> list[Call]:
    """Make the calls of one launch."""
    first = batches[0]
    rows = np.concatenate([batch.table for batch in batches])
    here = np.flatnonzero(rows[:, on_cpu.SIZE])
    if not len(here):
        return []
    if len(here) < len(rows):
        rows, chosen = rows[here], [chosen[k] for k in here.tolist()]
    table = np.zeros((len(rows), on_gpu.WIDTH), on_gpu.WORD)
    sizes = table[:, on_gpu.SIZE] = rows[:, on_cpu.SIZE]
    table[:, on_gpu.PARAMS], table[:, on_gpu.STATE] = rows[:, on_cpu.PARAMS], rows[:, on_cpu.STATE]
    table[:, on_gpu.PITCH] = find_pitch(sizes, first.dtype) * first.dtype.itemsize
    key, shown = (first.device, first.rule, first.dtype), table.tobytes()
    before, made = lists.get(key, (b"", None))
    if made is None or before != shown:
        made = ArrayList(gpu, first.rule, first.dtype, PLAIN, table, len(rows))
        lists[key] = shown, made
    for k, (numbers, _) in enumerate(sets):
        made.set_scalars(k, numbers)
    gradients = rows[:, on_cpu.GRADIENT].tolist()
    return made.make_calls(stream, gradients, chosen, len(sets))
