"""The step of tensors on a GPU: a launch for each, on PyTorch's current stream there."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from .._backend import PLAIN
from .._cpu.lists import GRADIENT, PARAMS, SIZE, STATE
from .._cuda import kernels
from .._cuda.driver import Kernel, find_gpu
from .._rules.spec import Floats
from .._uninterrupted import Call
from ._plans import Batch


class Launches:
    """The step of batches that are all on one GPU, made ready; nothing is written before `run`."""

    def __init__(self, batches: list[Batch]) -> None:
        self._device = batches[0].device
        self._calls: list[Call] = []
        counts: list[Call] = []
        with torch.cuda.device(self._device):
            self._gpu = find_gpu(0)  # the current one
            self._stream = int(torch.cuda.current_stream(self._device).cuda_stream)
            for batch in batches:
                kernel = kernels.load_step_kernel(self._gpu, batch.rule, batch.dtype, PLAIN)
                self._calls += self._make_launch_calls(batch, kernel)
                counts += _make_count_calls(batch)
        self._calls += counts

    def run(self) -> None:
        """Start the kernels and count the steps, in one go; the host does not wait for the GPU."""
        with torch.cuda.device(self._device):
            self._gpu.require_current()
            self._gpu.run_all(self._calls)

    def _make_launch_calls(self, batch: Batch, kernel: Kernel) -> Iterator[Call]:
        coefficients: dict[Floats, Floats] = {}  # most tensors have taken as many steps
        for row, param in zip(batch.table.tolist(), batch.known, strict=True):
            if not row[SIZE]:
                continue
            before = step, carried = tuple(param.scalars.tolist())
            if before not in coefficients:
                hyper = _make_hyper(batch, carried)
                # Nothing is clipped, and there is no average.
                coefficients[before] = (*batch.rule.coefficients(hyper, step + 1.0), 0.0, 0.0)
            if param.arguments is None:
                param.arguments = kernels.make_step_arguments(batch.rule, batch.dtype, row[SIZE])
                param.arguments.words[kernels.STATE] = row[STATE]
            words = param.arguments.words
            words[kernels.PARAMS], words[kernels.GRADIENT] = row[PARAMS], row[GRADIENT]
            param.arguments.scalars[:] = coefficients[before]
            blocks = kernels.count_blocks(row[SIZE], batch.dtype, self._gpu.threads)
            yield self._gpu.make_launch_call(kernel, blocks, self._stream, param.arguments)


def _make_count_calls(batch: Batch) -> Iterator[Call]:
    """Make the calls that count each tensor's step, as the list kernel does it."""
    for param in batch.known:
        step, carried = param.scalars.tolist()
        for each in batch.rule.carried:  # one at most
            carried = each.carry(_make_hyper(batch, carried), step + 1.0)
        # The driver's functions return codes; this one returns None, like all that set an item.
        yield param.scalars.__setitem__, slice(None), (step + 1.0, carried)


def _make_hyper(batch: Batch, carried: float) -> Floats:
    """Put what a tensor carries in the place of the rule's first."""
    return (*batch.hyper[:-1], carried) if batch.rule.carried else batch.hyper
