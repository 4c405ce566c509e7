"""The rules on NVIDIA GPUs, through the numba-cuda package; imported only when it is needed."""

from ._numba.gpu import is_available

__all__ = ["is_available"]


def __dir__() -> list[str]:
    return sorted(__all__)
