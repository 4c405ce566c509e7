"""Learning-rate schedules: callables from the step, which counts from 1, to the learning rate.

Any callable will do as an optimiser's ``lr``; these are the usual ones. The first step has the
first value: a schedule over ``steps`` steps runs from step 1 to step ``steps``.
"""

from .cycles import Cosine, CosineRestarts, OneCycle, Warmup
from .decays import (
    Exponential,
    InverseSquareRoot,
    Linear,
    MultiStep,
    Piecewise,
    Polynomial,
    Step,
)
from .plateau import ReduceOnPlateau

__all__ = [
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseSquareRoot",
    "Linear",
    "MultiStep",
    "OneCycle",
    "Piecewise",
    "Polynomial",
    "ReduceOnPlateau",
    "Step",
    "Warmup",
]


def __dir__() -> list[str]:
    return sorted(__all__)
