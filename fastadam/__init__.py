"""Adam for NumPy and SciPy, compiled by Numba."""

from . import schedules
from .optimizer import Optimizer
from .optimizers import SGD, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop
from .packing import pack

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
    "pack",
    "schedules",
]
