"""Keep training runs in one ``.npz`` file without pickle, and take them up again from there."""

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

#: The second has any number of runs, and the accuracy of both weights.
FIRST_FORMAT, FORMAT = (f"fastadam examples.mnist {version}" for version in (1, 2))
SETTINGS, WEIGHTS, AVERAGE, STATE = "settings/", "weights/", "average/", "optimizer/"

ZIP_MAGIC = b"PK\x03\x04"
#: Half as much again as a comparison with the widest layer keeps.
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


def save_checkpoints(path: Path, checkpoints: Sequence[Checkpoint]) -> None:
    """Write checkpoints to `path`, replacing the file there only once all is written."""
    arrays: dict[str, Any] = {"format": FORMAT}
    for number, checkpoint in enumerate(checkpoints):
        arrays |= {f"{number}/{name}": array for name, array in _arrays_of(checkpoint).items()}
    with replacing(path) as file:
        np.savez(file, **arrays)


def _arrays_of(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return all that is kept of a run, by the names it gets behind the run's number."""
    parts = {
        SETTINGS: dataclasses.asdict(checkpoint.settings),
        WEIGHTS: checkpoint.weights,
        AVERAGE: checkpoint.average,
        STATE: checkpoint.state,
    }
    # Without the times: the same run leaves the same file.
    rows = [(r.epoch, r.loss, r.accuracy, r.averaged_accuracy) for r in checkpoint.history]
    arrays = {"epoch": checkpoint.epoch, "history": np.reshape(rows, (-1, 4))}
    for prefix, part in parts.items():
        arrays |= {prefix + name: value for name, value in part.items()}
    return arrays


def load_checkpoints(path: Path) -> tuple[Checkpoint, ...]:
    """Read the checkpoints at `path`: one, or those of a comparison.

    Raises
    ------
    CheckpointError
        If the file is damaged or something else.
    OSError
        If the file cannot be read.
    """
    arrays = _read_arrays(path)
    version = str(arrays.pop("format", ""))
    if version not in (FIRST_FORMAT, FORMAT):
        raise CheckpointError(f"{path}: not a checkpoint of this program")
    for name, array in arrays.items():
        of_history = name.rpartition("/")[2] == "history"
        if array.dtype.kind == "f" and not of_history and not np.isfinite(array).all():
            raise CheckpointError(f"{path}: {name} holds NaN or infinity")
    try:
        if version == FIRST_FORMAT:
            return (_read_checkpoint(_with_both_accuracies(arrays)),)
        runs = {name.partition("/")[0] for name in arrays}
        numbers = [str(number) for number in range(len(runs))]
        if not runs or runs != set(numbers):
            raise ValueError(f"its runs are {sorted(runs)}")
        return _checked([_read_checkpoint(_strip(arrays, f"{number}/")) for number in numbers])
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path}: not a complete checkpoint ({error})") from error


def _read_checkpoint(arrays: Mapping[str, NDArray[Any]]) -> Checkpoint:
    """Make a checkpoint of what `_arrays_of` returned."""
    settings = {name: value.item() for name, value in _strip(arrays, SETTINGS).items()}
    epoch = _epoch(arrays["epoch"])
    return Checkpoint(
        Settings(**settings),
        epoch,
        _strip(arrays, WEIGHTS),
        _strip(arrays, AVERAGE),
        _strip(arrays, STATE),
        _read_history(arrays["history"], epoch),
    )


def _checked(checkpoints: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Return the checkpoints, if they can be told apart and compared from the first epoch."""
    if len({each.settings.label for each in checkpoints}) < len(checkpoints):
        raise ValueError("two of its runs have one name")
    if len(checkpoints) > 1 and any(len(each.history) != each.epoch for each in checkpoints):
        raise ValueError("epochs of a comparison are missing")
    return tuple(checkpoints)


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


def _with_both_accuracies(arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return what a file of the first format holds as the second has it.

    Its accuracy is that of the average, and NaN stands for the other. Its first ones have no
    history.
    """
    rows = arrays.get("history", np.empty((0, 3)))
    return {**arrays, "history": np.insert(rows, 2, np.nan, axis=1)}


def _read_history(rows: NDArray[Any], epoch: int) -> tuple[EpochResult, ...]:
    """Return the results of the last epochs up to `epoch`."""
    if rows.dtype != np.float64 or rows.shape[1:] != (4,):
        raise ValueError(f"its history is {_kind(rows)}")
    known = rows[:, [0, 1, 3]]  # the accuracy of the last weights may be missing
    if not np.isfinite(known).all():
        raise ValueError("its history holds NaN or infinity")
    epochs = range(epoch + 1 - len(rows), epoch + 1)
    if len(rows) > epoch or rows[:, 0].tolist() != [*epochs]:
        raise ValueError("the epochs of its history are not in order")
    return tuple(
        EpochResult(int(number), loss, accuracy, averaged_accuracy, seconds=math.nan)
        for number, loss, accuracy, averaged_accuracy in rows.tolist()
    )


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
