"""Gradients of some rows of an array, checked for the kernels."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._backend import Param, Rows
from .._validate import conversion, describe, floating, row_indices, unmasked


@dataclass(frozen=True, eq=False)
class RowGradient:
    """A gradient of some rows that was checked.

    ``order`` sorts ``rows``, which are in the array. ``values`` are their gradients, one after the
    other.
    """

    rows: NDArray[np.int64]
    order: NDArray[np.int64]
    values: np.ndarray


def is_sparse(gradient: Any) -> bool:
    """Tell whether a gradient is one of some rows, or of one of SciPy's sparse formats."""
    if isinstance(gradient, Rows):
        return True
    scipy_sparse = sys.modules.get("scipy.sparse")  # whoever has such a gradient has imported it
    return scipy_sparse is not None and bool(scipy_sparse.issparse(gradient))


def take_row_gradient(param: Param, gradient: Any, owners: frozenset[int]) -> RowGradient:
    """Check a gradient that `is_sparse`; copy what is in the memory of one of the ``owners``."""
    spec, name = param.spec, f"grads{param.spec.label}"
    own = f"params{spec.label}"
    param.check_rows(own)
    if not (param.shape and spec.array.flags.c_contiguous and spec.array.flags.aligned):
        raise ValueError(
            f"{own} must be contiguous (C order) for a gradient of rows, got an array of shape "
            f"{param.shape} and strides {spec.array.strides}"
        )
    if isinstance(gradient, Rows):
        rows = row_indices(f"{name}.rows", gradient.rows, param.shape)
        values = gradient.grads
        if not isinstance(values, np.ndarray):
            raise TypeError(
                f"{name}.grads must be a NumPy array, got {describe(values)}{conversion(values)}"
            )
        unmasked(f"{name}.grads", values)
        floating(f"{name}.grads", values)
    else:
        rows, values = _read_csr(name, gradient, param)
    if values.dtype != param.dtype:
        raise TypeError(f"{name} must be {param.dtype} like {own}, got {values.dtype}")
    wanted = (rows.size, *param.shape[1:])
    if values.shape != wanted:
        raise ValueError(
            f"{name} must have the shape {wanted}, of {rows.size} rows of {own}, got {values.shape}"
        )
    flat = np.ascontiguousarray(values).reshape(-1)
    base = flat if flat.base is None else flat.base
    if id(base) in owners or not flat.flags.aligned:
        flat = flat.copy()
    return RowGradient(rows, np.argsort(rows, kind="stable"), flat)


def _read_csr(name: str, gradient: Any, param: Param) -> tuple[NDArray[np.int64], np.ndarray]:
    """Take the rows with stored entries out of one of SciPy's sparse arrays or matrices."""
    if getattr(gradient, "format", None) != "csr" or gradient.ndim != 2:
        raise TypeError(
            f"{name} must be in SciPy's format CSR, got {describe(gradient)}; its .tocsr() is"
        )
    shape = param.shape if len(param.shape) > 1 else (*param.shape, 1)
    if gradient.shape != shape:
        raise ValueError(
            f"{name} must have the shape {shape} of params{param.spec.label}, got {gradient.shape}"
        )
    gradient.check_format(full_check=True)
    rows = np.flatnonzero(np.diff(gradient.indptr))
    values: np.ndarray = gradient[rows].toarray()
    return rows, values.reshape(-1, *param.shape[1:])
