"""Adam for NumPy and SciPy, compiled by Numba."""

from . import schedules
from .adam import Adam, Adamax, AdamW, NAdam, RAdam
from .optimizer import Optimizer
from .packing import pack
from .sgd import SGD, RMSprop

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
