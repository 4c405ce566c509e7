"""Keep a training run in one ``.npz`` file without pickle, and take it up again from there."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workloads.mnist.model import MLP, to_host
from workloads.mnist.training import EpochResult

from .._shared.files import replacing
from .settings import MOST_EPOCHS, Settings

FORMAT = "fastadam examples.mnist 1"
SETTINGS, WEIGHTS, AVERAGE, STATE = "settings/", "weights/", "average/", "optimizer/"

ZIP_MAGIC = b"PK\x03\x04"
#: Three times what a run with the widest layer keeps.
LARGEST = 2**32


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
    history : sequence of EpochResult
        What the epochs brought, for pictures; without those that are not known. Once it was
        in a file, it has no times.
    """

    settings: Settings
    epoch: int
    weights: Mapping[str, NDArray[Any]]
    average: Mapping[str, NDArray[Any]]
    state: Mapping[str, Any]
    history: Sequence[EpochResult] = ()

    @classmethod
    def of(
        cls,
        settings: Settings,
        epoch: int,
        model: MLP,
        optimizer: Any,
        history: Sequence[EpochResult] = (),
    ) -> Checkpoint:
        """Describe a run as it stands."""
        weights, average = (
            {name: to_host(array) for name, array in part.items()}
            for part in (model.params, model.average)
        )
        return cls(settings, epoch, weights, average, optimizer.state_dict(), tuple(history))


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` to `path`, replacing the file there only once all is written."""
    parts = {
        SETTINGS: dataclasses.asdict(checkpoint.settings),
        WEIGHTS: checkpoint.weights,
        AVERAGE: checkpoint.average,
        STATE: checkpoint.state,
    }
    arrays: dict[str, Any] = {"format": FORMAT, "epoch": checkpoint.epoch}
    if checkpoint.history:
        # Without the times: the same run leaves the same file.
        rows = [(result.epoch, result.loss, result.accuracy) for result in checkpoint.history]
        arrays["history"] = np.array(rows)
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
    arrays = _read_arrays(path)
    if str(arrays.get("format")) != FORMAT:
        raise CheckpointError(f"{path}: not a checkpoint of this program")
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise CheckpointError(f"{path}: {name} holds NaN or infinity")
    try:
        settings = {name: value.item() for name, value in _strip(arrays, SETTINGS).items()}
        return Checkpoint(
            Settings(**settings),
            _epoch(arrays["epoch"]),
            _strip(arrays, WEIGHTS),
            _strip(arrays, AVERAGE),
            _strip(arrays, STATE),
            _read_history(arrays),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a complete checkpoint ({error})") from error


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Read all arrays of an ``.npz`` file that is no larger than checkpoints are, unpacked."""
    if path.exists() and not path.is_file():  # a pipe would be waited for
        raise CheckpointError(f"{path}: not a file")
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size > LARGEST:
            raise CheckpointError(f"{path}: too large for a checkpoint")
        if file.read(4) != ZIP_MAGIC:
            raise CheckpointError(f"{path}: damaged, or not a checkpoint of this program")
        file.seek(0)
        try:
            with np.load(file, allow_pickle=False) as archive:
                if sum(member.file_size for member in archive.zip.infolist()) > LARGEST:
                    raise ValueError(f"unpacked it has more than {LARGEST:,} bytes")
                return dict(archive)
        except Exception as error:  # zipfile, zlib and NumPy have many ways to say it
            raise CheckpointError(f"{path}: damaged, or not a checkpoint ({error})") from error


def _epoch(array: NDArray[Any]) -> int:
    epoch = array.item()
    if type(epoch) is not int or not 0 <= epoch <= MOST_EPOCHS:
        raise ValueError(f"epoch {epoch!r} is no integer from 0 to {MOST_EPOCHS}")
    return epoch


def _read_history(arrays: Mapping[str, NDArray[Any]]) -> tuple[EpochResult, ...]:
    """Return the results of the epochs; files of before they were kept have none."""
    if "history" not in arrays:
        return ()
    rows = [(int(epoch), loss, accuracy) for epoch, loss, accuracy in arrays["history"].tolist()]
    if [row[0] for row in rows] != sorted({row[0] for row in rows}):
        raise ValueError("the epochs of its history are not in order")
    return tuple(EpochResult(*row, seconds=math.nan) for row in rows)


def restore(path: Path, checkpoint: Checkpoint, model: MLP, optimizer: Any) -> None:
    """Put the weights and the optimiser's state of `checkpoint` (read from `path`) in place."""
    needed = {name: _kind(array) for name, array in model.params.items()}
    for part in (checkpoint.weights, checkpoint.average):
        found = {name: _kind(array) for name, array in part.items()}
        if found != needed:
            raise CheckpointError(f"{path}: its weights are {found}, needed are {needed}")
    try:
        optimizer.load_state_dict(checkpoint.state)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: unusable optimiser state ({error})") from error
    for name, array in checkpoint.weights.items():
        model.params[name][...] = model.xp.asarray(array)
    for name, array in checkpoint.average.items():
        model.average[name][...] = model.xp.asarray(array)


def _kind(array: Any) -> str:
    return f"{array.dtype} {array.shape}"


def _strip(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
