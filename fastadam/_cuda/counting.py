"""Steps that are counted on the GPU, as a CUDA graph takes them again and again.

A replay passes the host by. So a captured step begins with a kernel of one thread for each group,
which counts the step and computes the coefficients where the list kernels find them; the rules'
functions are the same, but the GPU's powers, exponentials and logarithms may differ from the host's
in the last bit.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
from numba import types
from numba.extending import register_jitable

from .._numba.gpu import with_cuda
from .._numba.gpu_memory import make_load, make_store
from .._rules.spec import Carried, Floats, Rule
from .._uninterrupted import Call
from .driver import Arguments, Gpu, Kernel

cuda: Any = None  # see `with_cuda`

WIDE, NARROW = np.dtype(np.float64), np.dtype(np.float32)


def make_count_function(rule: Rule) -> tuple[Callable[..., None], Any]:
    """Make ``kernel(record, total, narrow, wide, beside)``, not yet compiled, and its signature.

    ``record`` is the address of the steps that the group has taken and the scalars of its
    hyper-parameters, ``total`` that of the optimiser's steps, 0 if another kernel counts them. The
    coefficients go to ``narrow`` in float32 and to ``wide`` in float64, if these are not 0, and the
    two numbers ``beside`` them, the limit of elements and the weight of the average.
    """
    length, count = len(rule.hyper), rule.coefficient_count + 2
    own = length - len(rule.carried)
    load, store = make_load(((WIDE, 1 + length),), 1), make_store(((WIDE, 1 + length),), 1)
    load_total, store_total = make_load(((WIDE, 1),), 1), make_store(((WIDE, 1),), 1)
    store_narrow, store_wide = (make_store(((kind, count),), 1) for kind in (NARROW, WIDE))
    coefficients, carry = rule.coefficients, _make_carry(rule.carried)
    to_narrow = _make_cast(count)

    @with_cuda
    def kernel(record, total, narrow, wide, beside):
        ((known,),) = load((record,), (8,), 0)
        t, h = known[0] + 1.0, known[1:]
        found = coefficients(h, t) + beside
        store((record,), (8,), 0, (((t,) + h[:own] + carry(h, t),),))  # noqa: RUF005
        if total != 0:
            ((steps,),) = load_total((total,), (0,), 0)
            store_total((total,), (0,), 0, (((steps[0] + 1.0,),),))
        if narrow != 0:
            store_narrow((narrow,), (4,), 0, ((to_narrow(found),),))
        if wide != 0:
            store_wide((wide,), (8,), 0, ((found,),))

    kernel.__name__ = kernel.__qualname__ = f"count_{rule.name}"
    return kernel, types.void(*[types.int64] * 4, types.UniTuple(types.float64, 2))


def _make_carry(carried: Sequence[Carried]) -> Any:
    """Make ``carry(h, t)``, all that a step hands on."""
    if not carried:
        return register_jitable(lambda h, t: ())
    before, last = _make_carry(carried[:-1]), carried[-1].carry

    @register_jitable
    def carry(h, t):
        return before(h, t) + (last(h, t),)  # noqa: RUF005

    return carry


def _make_cast(count: int) -> Any:
    """Make what casts so many numbers to float32."""
    if count == 0:
        return register_jitable(lambda values: ())
    before, last = _make_cast(count - 1), count - 1

    @register_jitable
    def cast(values):
        return before(values) + (np.float32(values[last]),)  # noqa: RUF005

    return cast


@cache
def load_count_kernel(gpu: Gpu, rule: Rule) -> Kernel:
    """Compile the kernel that counts a group's steps, once for each GPU."""
    return gpu.compile(*make_count_function(rule))


class Counts:
    """The steps of an optimiser and its groups, in the memory of the GPU, once one was captured."""

    def __init__(self, gpu: Gpu) -> None:
        self._gpu = gpu
        self._total = gpu.empty((1,), WIDE)
        self._records: dict[int, tuple[Rule, Any]] = {}  # of each group

    def add(
        self, rules: Mapping[int, Rule], total: int, groups: Sequence[tuple[int, Floats]]
    ) -> None:
        """Make room for the groups that are not there yet, and send what is said of them."""
        added = {i: rule for i, rule in rules.items() if i not in self._records}
        known = self._records
        self._records = {i: self._make_record(rule) for i, rule in added.items()}
        first, *writes = self.make_writes(total, groups)
        for pointer, array in writes if known else [first, *writes]:
            self._gpu.send_apart(pointer, array)
        self._records = {**known, **self._records}

    def _make_record(self, rule: Rule) -> tuple[Rule, Any]:
        return rule, self._gpu.empty((1 + len(rule.hyper),), WIDE)

    def make_writes(
        self, total: int, groups: Sequence[tuple[int, Floats]]
    ) -> list[tuple[int, np.ndarray]]:
        """Make what is to be written, and where: the steps of all groups, and their scalars."""
        writes = [(self._gpu.pointer(self._total), np.array([total], WIDE))]
        for i, (_, memory) in self._records.items():
            taken, hyper = groups[i]
            writes.append((self._gpu.pointer(memory), np.array([taken, *hyper], WIDE)))
        return writes

    def make_launch_call(
        self, group: int, counts_all: bool, targets: tuple[int, int], beside: Floats, stream: int
    ) -> tuple[Call, Any]:
        """Make the call that counts a step of a group; and what has to be kept until then.

        ``targets`` are where its coefficients go, in float32 and in float64.
        """
        rule, memory = self._records[group]
        pointer = self._gpu.pointer
        total = pointer(self._total) if counts_all else 0
        words = [pointer(memory), total, *targets]
        arguments = Arguments(words, (ctypes.c_double * 2)(*beside))
        kernel = load_count_kernel(self._gpu, rule)
        return self._gpu.make_launch_call(kernel, 1, stream, arguments, threads=1), arguments

    def read(self) -> tuple[int, dict[int, tuple[int, Floats]]]:
        """Read the optimiser's steps, and those of each group with its scalars."""
        read = self._gpu.read
        (total,) = read(self._gpu.pointer(self._total), (1,), WIDE).tolist()
        groups = {}
        for i, (rule, memory) in self._records.items():
            taken, *hyper = read(self._gpu.pointer(memory), (1 + len(rule.hyper),), WIDE).tolist()
            groups[i] = int(taken), tuple(hyper)
        return int(total), groups
