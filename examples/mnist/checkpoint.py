"""Keep a training run in one ``.npz`` file without pickle, and take it up again from there."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .device import to_host
from .files import replacing
from .model import MLP
from .settings import Settings

FORMAT = "fastadam examples.mnist 1"
SETTINGS, WEIGHTS, AVERAGE, STATE = "settings/", "weights/", "average/", "optimizer/"


class CheckpointError(ValueError):
    """A file is no usable checkpoint; the message names the file and what is wrong."""


@dataclass(frozen=True)
class Checkpoint:
    """A training run after a number of complete epochs.

    The order of the batches needs no more than ``settings.seed`` and `epoch`: see
    ``training.train``.

    Attributes
    ----------
    settings : Settings
        What the run was started with.
    epoch : int
        Number of epochs done.
    weights : mapping of str to ndarray
        The model's parameters, from which training goes on.
    average : mapping of str to ndarray
        The parameters to predict with.
    state : mapping of str to array or scalar
        The optimiser's ``state_dict()``.
    """

    settings: Settings
    epoch: int
    weights: Mapping[str, NDArray[Any]]
    average: Mapping[str, NDArray[Any]]
    state: Mapping[str, Any]

    @classmethod
    def of(cls, settings: Settings, epoch: int, model: MLP, optimizer: Any) -> Checkpoint:
        """Describe a run as it stands."""
        weights, average = (
            {name: to_host(array) for name, array in part.items()}
            for part in (model.params, model.average)
        )
        return cls(settings, epoch, weights, average, optimizer.state_dict())


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path`, replacing the file there only once all is written."""
    parts = {
        SETTINGS: dataclasses.asdict(checkpoint.settings),
        WEIGHTS: checkpoint.weights,
        AVERAGE: checkpoint.average,
        STATE: checkpoint.state,
    }
    arrays: dict[str, Any] = {"format": FORMAT, "epoch": checkpoint.epoch}
    for prefix, part in parts.items():
        arrays |= {prefix + name: value for name, value in part.items()}
    with replacing(path) as file:
        np.savez(file, **arrays)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read the checkpoint at `path`.

    Raises
    ------
    CheckpointError
        If the file is damaged or something else.
    OSError
        If the file cannot be read.
    """
    with open(path, "rb") as file:
        try:
            archive = np.load(file, allow_pickle=False)
            arrays = dict(archive) if isinstance(archive, np.lib.npyio.NpzFile) else {}
        except (
            OSError,
            EOFError,
            ValueError,
            KeyError,
            RuntimeError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            raise CheckpointError(f"{path}: damaged, or not a checkpoint ({error})") from error
    if str(arrays.get("format")) != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of this program")
    try:
        settings = {name: value.item() for name, value in _strip(arrays, SETTINGS).items()}
        return Checkpoint(
            Settings(**settings),
            int(arrays["epoch"]),
            _strip(arrays, WEIGHTS),
            _strip(arrays, AVERAGE),
            _strip(arrays, STATE),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a complete checkpoint ({error})") from error


def restore(path: Path, checkpoint: Checkpoint, model: MLP, optimizer: Any) -> None:
    """Put the weights and the optimiser's state of `checkpoint` (read from `path`) in place."""
    shapes = {name: array.shape for name, array in model.params.items()}
    for part in (checkpoint.weights, checkpoint.average):
        found = {name: array.shape for name, array in part.items()}
        if found != shapes:
            raise CheckpointError(
                f"{path}: its weights have the shapes {found}, needed are {shapes}"
            )
    try:
        optimizer.load_state_dict(checkpoint.state)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: unusable optimiser state ({error})") from error
    for name, array in checkpoint.weights.items():
        model.params[name][...] = model.xp.asarray(array)
    for name, array in checkpoint.average.items():
        model.average[name][...] = model.xp.asarray(array)


def _strip(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
