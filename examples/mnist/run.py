"""One training run: its model, its optimiser, and what its epochs brought."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workloads.mnist.data import Dataset
from workloads.mnist.training import EpochResult, train

from .checkpoint import Checkpoint, restore
from .settings import Settings


class Run:
    """A run as it stands, from its start or from a checkpoint.

    Parameters
    ----------
    settings : Settings
        What it is started with.
    data : Dataset
        What it is trained on.
    xp : module
        What its arrays are of.

    Attributes
    ----------
    epoch : int
        Number of epochs done.
    history : list of EpochResult
        Their results; without those that a file does not have.
    """

    def __init__(self, settings: Settings, data: Dataset, xp: Any = np) -> None:
        self.settings = settings
        self.model = settings.make_model(data, xp)
        self.optimizer = settings.make_optimizer(self.model)
        self.epoch = 0
        self.history: list[EpochResult] = []
        self._data = data

    @classmethod
    def resumed(cls, path: Path, checkpoint: Checkpoint, data: Dataset, xp: Any = np) -> Run:
        """Return the run of a checkpoint that was read from `path`."""
        run = cls(checkpoint.settings, data, xp)
        restore(path, checkpoint, run.model, run.optimizer)
        run.epoch, run.history = checkpoint.epoch, list(checkpoint.history)
        return run

    def checkpoint(self) -> Checkpoint:
        """Describe the run as it stands; its arrays go on with it."""
        return Checkpoint.of(self.settings, self.epoch, self.model, self.optimizer, self.history)

    def train(
        self, last: int, progress: Callable[[range], Iterable[int]] | None = None
    ) -> Iterator[EpochResult]:
        """Train up to epoch `last`, and yield the result of each epoch as it ends."""
        for result in train(
            self.model,
            self.optimizer,
            self._data,
            epochs=last - self.epoch,
            batch_size=self.settings.batch_size,
            seed=self.settings.seed,
            first_epoch=self.epoch + 1,
            progress=progress,
        ):
            self.history.append(result)
            self.epoch = result.epoch
            yield result
