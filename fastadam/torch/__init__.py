"""The optimisers for models in PyTorch: ``torch.optim``'s classes with fastadam's kernels.

Each takes the arguments of its namesake, is a ``torch.optim.Optimizer``, and works with what works
with those: schedulers, hooks, closures, state dictionaries (of either, in either). Parameters,
gradients and state are used where they are: dense float32 and float64 tensors, on the CPU or on
NVIDIA GPUs.

It needs PyTorch: ``pip install "fastadam[torch]"``. Nothing else in fastadam does. Tensors on a GPU
need numba-cuda as well: ``pip install "fastadam[torch,cuda12]"``, or ``cuda13``.
"""

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as _error:
    raise ImportError(
        'fastadam.torch needs PyTorch, which is not installed: pip install "fastadam[torch]"'
    ) from _error

from ._adam import Adam, Adamax, AdamW, NAdam, RAdam
from ._sgd import SGD, RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop"]


def __dir__() -> list[str]:
    return sorted(__all__)
