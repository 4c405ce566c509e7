"""Where arrays are: in the host's memory (NumPy) or on a GPU (CuPy)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

DEVICES = ("cpu", "cuda")


class DeviceError(RuntimeError):
    """A device cannot be used here; the message says what is missing."""


def array_module(device: str) -> Any:
    """Return the module whose functions make and take arrays on a device."""
    if device == "cpu":
        return np
    try:
        cupy = import_module("cupy")
    except ImportError as error:
        raise DeviceError(
            f"--device cuda needs CuPy ({error}): pip install cupy-cuda12x, or cupy-cuda13x"
        ) from error
    from fastadam._numba.gpu import load_cuda

    try:
        load_cuda()
    except (ImportError, RuntimeError) as error:
        raise DeviceError(f"--device cuda: {error}") from error
    return cupy
