"""What a training run is started with, and the model and optimiser that follow from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastadam
from workloads.mnist.data import Dataset
from workloads.mnist.model import MLP

from .._shared.command import MOST_WHOLE

OPTIMIZERS: dict[str, Any] = {
    "adam": fastadam.Adam,
    "adamw": fastadam.AdamW,
    "nadam": fastadam.NAdam,
    "radam": fastadam.RAdam,
    "adamax": fastadam.Adamax,
    "rmsprop": fastadam.RMSprop,
    "sgd": fastadam.SGD,
}

# fastadam's defaults, but for RMSprop, whose 0.01 is too large for this network, and SGD, whose
# 0.001 is far too small.
DEFAULT_RATES = {
    "adam": 0.001,
    "adamw": 0.001,
    "nadam": 0.002,
    "radam": 0.001,
    "adamax": 0.002,
    "rmsprop": 0.001,
    "sgd": 0.1,
}

#: A hidden layer of this width has 300 MB of weights.
MOST_HIDDEN = 100_000
#: Years, however small the network.
MOST_EPOCHS = 10**9


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on besides the data and its length.

    Attributes
    ----------
    optimizer : str
        A key of ``OPTIMIZERS``.
    lr : float
        Learning rate; 0 stands for the optimiser's entry in ``DEFAULT_RATES``.
    batch_size : int
        Examples a step.
    hidden : int
        Width of the hidden layer, at most ``MOST_HIDDEN``.
    seed : int
        Seed of the initial weights and of the batch order, 0 or more.
    momentum : float
        SGD's, in [0, 1); the others have none to choose.
    """

    optimizer: str = "adam"
    lr: float = 0.0
    batch_size: int = 64
    hidden: int = 128
    seed: int = 0
    momentum: float = 0.0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"unknown optimizer {self.optimizer!r}")
        if self.lr == 0:
            object.__setattr__(self, "lr", DEFAULT_RATES[self.optimizer])
        if type(self.lr) not in (int, float) or not 0 < self.lr < math.inf:
            raise ValueError(f"lr {self.lr} out of range")
        if type(self.momentum) not in (int, float) or not 0 <= self.momentum < 1:
            raise ValueError(f"momentum {self.momentum} out of range")
        if self.momentum and self.optimizer != "sgd":
            raise ValueError(f"{self.optimizer} takes no momentum: {self.momentum}")
        for name, least, most in (
            ("batch_size", 1, MOST_WHOLE),
            ("hidden", 1, MOST_HIDDEN),
            ("seed", 0, MOST_WHOLE),
        ):
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= most:
                raise ValueError(f"{name} {value!r} is no integer from {least} to {most}")

    def make_model(self, data: Dataset, xp: Any = np) -> MLP:
        """Return an untrained model for `data`, of the arrays of a module."""
        return MLP(data.x_train.shape[1], self.hidden, data.n_classes, seed=self.seed, xp=xp)

    def make_optimizer(self, model: MLP) -> Any:
        """Return the optimiser of ``model.flat_params``."""
        options = {"momentum": self.momentum} if self.momentum else {}
        return OPTIMIZERS[self.optimizer](model.flat_params, lr=self.lr, **options)

    @property
    def label(self) -> str:
        """The optimiser and what it was given."""
        momentum = f", momentum {self.momentum:g}" if self.momentum else ""
        return f"{OPTIMIZERS[self.optimizer].__name__}, lr {self.lr:g}{momentum}"

    def __str__(self) -> str:
        """Name the settings that people compare."""
        return f"{self.label}, batches of {self.batch_size}, seed {self.seed}"
