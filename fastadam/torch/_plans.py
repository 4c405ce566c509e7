"""The parameters of a group that have a gradient, as the kernels take them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, repeat
from operator import attrgetter, is_
from typing import Any, NamedTuple

import numpy as np
import torch

from .._cpu.lists import GRADIENT
from .._rules.spec import Floats, Rule
from ._tensors import DTYPES, TensorParam

_shape, _dtype, _layout, _device = map(attrgetter, ("shape", "dtype", "layout", "device"))
_address, _stride = torch.Tensor.data_ptr, torch.Tensor.stride


class Batch(NamedTuple):
    """What one call of a list kernel updates; a launch on a GPU may update several."""

    rule: Rule
    device: Any
    dtype: np.dtype[Any]
    table: np.ndarray
    hyper: Floats
    params: list[Any]
    known: list[TensorParam]


class Plan:
    """The table of a group's step, kept for the next.

    From one step to the next nothing changes but the gradients and where they are. To see that all
    else is the same takes 0.7 us a tensor, through functions in C; a new plan takes 3.
    """

    def __init__(
        self,
        rule: Rule,
        params: list[Any],
        known: list[TensorParam],
        states: list[dict[str, Any]],
        grads: list[Any],
    ) -> None:
        self._rule, self._params = rule, params
        self._known, self._grads = known, grads  # their memory is in the table
        self._addresses = list(map(_address, params))
        self._shapes = [each.shape for each in known]
        self._strides = [each.stride for each in known]
        self._dtypes = [each.dtype for each in known]
        self._devices = [each.device for each in known]
        self._shown = list(_values(states))
        self._rows: dict[tuple[Any, Any], list[int]] = {}  # of each device and dtype
        for k, kind in enumerate(zip(self._devices, self._dtypes, strict=True)):
            self._rows.setdefault(kind, []).append(k)
        rows = [
            (each.size, address, 0, *each.addresses)
            for each, address in zip(known, self._addresses, strict=True)
        ]
        self._table = np.array(rows, np.int64)
        self._table[:, GRADIENT] = list(map(_address, grads))

    def renew(
        self, rule: Rule, params: list[Any], states: list[dict[str, Any]], grads: list[Any]
    ) -> bool:
        """Take other gradients, and tell whether nothing else has changed."""
        shown = list(_values(states))
        is_same = (
            rule is self._rule
            and len(params) == len(self._params)
            and all(map(is_, params, self._params))
            and list(map(_address, params)) == self._addresses
            and len(shown) == len(self._shown)
            and all(map(is_, shown, self._shown))
            and all(map(is_, map(_layout, grads), repeat(torch.strided)))
            and list(map(_device, grads)) == self._devices
            and all(map(is_, map(_dtype, grads), self._dtypes))
            # A parameter that was turned in place has gradients that are turned, too.
            and list(map(_shape, grads)) == self._shapes
            and list(map(_stride, grads)) == self._strides
        )
        if is_same:
            self._grads = grads
            self._table[:, GRADIENT] = list(map(_address, grads))
        return is_same

    def make_batches(self, hyper: Floats) -> Iterator[Batch]:
        """Make a batch for each device and dtype."""
        for (device, dtype), rows in self._rows.items():
            table, params, known = self._table, self._params, self._known
            if len(rows) < len(params):
                table, params = table[rows], [params[k] for k in rows]
                known = [known[k] for k in rows]
            yield Batch(self._rule, device, DTYPES[dtype], table, hyper, params, known)


def _values(states: list[dict[str, Any]]) -> Iterator[Any]:
    """Go through all that PyTorch's states hold."""
    return chain.from_iterable(map(dict.values, states))
