"""What must hold for a batch: each row is what `fastadam.minimize` finds alone, bit for bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fastadam import minimize

from ..harness.adam import Array

#: What a row has.
FIELDS = ("x", "fun", "jac", "nit", "nfev", "njev", "status")


def find_differing_rows(ours: Any, theirs: Any) -> Array:
    """Return which rows of two results of as many rows differ in a bit; NaN is NaN's equal.

    Parameters
    ----------
    ours, theirs : OptimizeResult
        With arrays of a row, or a number, for each problem.
    """
    different = np.zeros(len(ours.fun), dtype=bool)
    for name in FIELDS:
        a, b = (np.asarray(result[name]).reshape(different.size, -1) for result in (ours, theirs))
        if a.dtype == b.dtype == np.float64:
            a, b = (np.where(np.isnan(v), np.nan, v).view(np.uint64) for v in (a, b))
        different |= (a != b).any(axis=1)
    return different


def alone(
    fun: Callable[..., Any],
    starts: Array,
    rows: Sequence[int] | Array,
    *,
    args: tuple[Any, ...] = (),
    batch_args: tuple[Array, ...] = (),
    **keywords: Any,
) -> dict[str, Array]:
    """Solve some rows of a batch by `minimize`, one by one; return the results as a batch's."""
    found = [
        minimize(fun, starts[k], (*args, *(data[k] for data in batch_args)), **keywords)
        for k in rows
    ]
    return _Fields({name: np.array([row[name] for row in found]) for name in FIELDS})


class _Fields(dict[str, Array]):
    __getattr__ = dict.__getitem__


def some(result: Any, rows: Sequence[int] | Array) -> dict[str, Array]:
    """Return some rows of a batch's result."""
    return _Fields({name: np.asarray(result[name])[rows] for name in FIELDS})


def find_difference(ours: Any, theirs: Any, than: str) -> str:
    """Say how many rows differ, if any."""
    count = int(find_differing_rows(ours, theirs).sum())
    return f"{count} of {len(ours.fun)} rows differ from {than}" if count else ""
