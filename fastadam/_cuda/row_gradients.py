"""Gradients of some rows of an array on a GPU, checked and sorted for the kernels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._backend import Param, Rows
from .._validate import describe, is_device_array, row_indices
from .driver import Gpu
from .interface import read_array, read_interface


class RowGradient(NamedTuple):
    """A gradient of some rows: where its values are, and the plan for the kernel.

    The values of ``rows[k]`` are at the places ``order[starts[k]:starts[k + 1]]``.
    """

    pointer: int
    stream: int | None  # that wrote it, if the step's own may be another
    size: int
    rows: NDArray[np.int64]
    starts: NDArray[np.int64]
    order: NDArray[np.int64]


def take_row_gradient(param: Param, gradient: Rows, gpu: Gpu) -> RowGradient:
    """Check a gradient of rows, but for where its values are. The rows are copied to the host."""
    name, own = f"grads{param.spec.label}", param.spec.name
    param.check_rows(own)
    if not param.shape:
        raise ValueError(f"{own} must have rows for a gradient of rows, got the shape ()")
    rows = read_rows(f"{name}.rows", gradient.rows, param.shape, gpu)
    values = gradient.grads
    if not is_device_array(values):
        raise TypeError(f"{name}.grads must be on the GPU like {own}, got {describe(values)}")
    pointer, shape, dtype, stream = read_array(f"{name}.grads", values, or_bfloat16=True)
    if dtype != param.dtype:
        raise TypeError(f"{name} must be {param.dtype} like {own}, got {describe(values)}")
    wanted = (rows.size, *param.shape[1:])
    if shape != wanted:
        raise ValueError(
            f"{name} must have the shape {wanted}, of {rows.size} rows of {own}, got {shape}"
        )
    order = np.argsort(rows, kind="stable")
    unique, starts = np.unique(rows[order], return_index=True)
    starts = np.append(starts, rows.size).astype(np.int64)
    return RowGradient(pointer, stream, int(np.prod(shape)), unique, starts, order)


def read_rows(name: str, value: Any, shape: tuple[int, ...], gpu: Gpu) -> NDArray[np.int64]:
    """Require the indices of rows in an array of a shape; copy those that are on the GPU."""
    if is_device_array(value):
        dtype = np.dtype(read_interface(value)["typestr"])
        if dtype.kind not in "iu":
            raise TypeError(f"{name} must be a vector of whole numbers, got {describe(value)}")
        there = read_array(name, value, kinds=(dtype,))
        if there.shape != (0,) and there.pointer and not gpu.holds(there.pointer):
            raise ValueError(f"{name} must be on GPU {gpu.ordinal} or the host, and is not")
        if there.stream is not None and gpu.is_capturing(there.stream):
            raise ValueError(f"{name} must be on the host while a CUDA graph is captured")
        value = gpu.read(there.pointer, there.shape, dtype, there.stream)
    return row_indices(name, value, shape)
