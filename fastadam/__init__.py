"""Adam for NumPy and SciPy, compiled by Numba."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from . import schedules
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .optimizer import Optimizer
from .packing import pack
from .sgd import SGD, RMSprop

if TYPE_CHECKING:
    from . import cuda, problems
    from .batches.minimize_batch import minimize_batch
    from .batches.multistart import multistart
    from .minimizer.minimize import minimize
    from .minimizer.scipy_method import scipy_method

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "AdamW",
    "Adamax",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "cuda",
    "minimize",
    "minimize_batch",
    "multistart",
    "pack",
    "problems",
    "schedules",
    "scipy_method",
]


def __getattr__(name: str) -> Any:
    """Import what is not always needed: the minimiser takes 0.2 s, for scipy.optimize."""
    if name in ("minimize", "scipy_method"):
        value = getattr(import_module(".minimizer", __name__), name)
    elif name in ("minimize_batch", "multistart"):
        value = getattr(import_module(".batches", __name__), name)
    elif name in ("cuda", "problems"):
        value = import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
