"""The parameters of a group that have a gradient, as the list kernel takes them."""

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

_shape, _dtype, _layout, _is_cpu = map(attrgetter, ("shape", "dtype", "layout", "is_cpu"))
_address, _stride = torch.Tensor.data_ptr, torch.Tensor.stride


class Batch(NamedTuple):
    """What one call of a kernel updates."""

    rule: Rule
    dtype: np.dtype[Any]
    table: np.ndarray
    hyper: Floats
    params: list[Any]


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
        self._shown = list(_values(states))
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
            and all(map(_is_cpu, grads))
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
        """Make a batch for each dtype."""
        for dtype in dict.fromkeys(self._dtypes):
            rows = [k for k, own in enumerate(self._dtypes) if own is dtype]
            if len(rows) == len(self._params):
                yield Batch(self._rule, DTYPES[dtype], self._table, hyper, self._params)
            else:
                params = [self._params[k] for k in rows]
                yield Batch(self._rule, DTYPES[dtype], self._table[rows], hyper, params)


def _values(states: list[dict[str, Any]]) -> Iterator[Any]:
    """Go through all that PyTorch's states hold."""
    return chain.from_iterable(map(dict.values, states))
