"""The choice of a backend by looking at the arrays: nothing else here knows that there are two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._backend import Backend, ParamSpec
from .._cpu.backend import CpuBackend
from .._validate import is_device_array


def select_backend(array: Any) -> type[Backend[Any]]:
    """Select the backend of the place where an array lives; that of the host for what is none."""
    if is_device_array(array):
        from .._cuda.backend import CudaBackend  # imported only where it is needed

        return CudaBackend
    return CpuBackend


def make_backend(specs: Sequence[ParamSpec], threads: int | None) -> Backend[Any]:
    """Make the backend of an optimiser's arrays, which have to live in one place."""
    require_one_place(specs)
    return select_backend(specs[0].array)(specs, threads)


def require_one_place(specs: Sequence[ParamSpec]) -> None:
    """Require that all arrays are on the host or all on a GPU."""
    first = specs[0]
    for spec in specs:
        if is_device_array(spec.array) != is_device_array(first.array):
            there, here = (spec, first) if is_device_array(spec.array) else (first, spec)
            raise ValueError(
                f"{there.name} is on a GPU and {here.name} is not; make an optimiser for each"
            )
