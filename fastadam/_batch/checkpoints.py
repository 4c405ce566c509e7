"""Batches that go on from a file: which rows are done, and what was found of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._minimize.checkpoints import Packed, Saver, describe_setup
from .._minimize.options import Options
from .._search.rows import Solutions
from ..typing import Vector
from .arguments import BatchOptions
from .problems import Marks, Problems
from .workers.pools import Workers

#: The arrays of a file, behind the indices of the rows.
_NAMES = Solutions._fields


def require_resumable(
    options: Options, own: BatchOptions, device: str, workers: Workers | None
) -> None:
    """Refuse a checkpoint where nobody tells which rows are done."""
    for name, used in (
        (f"device={device!r}", device != "cpu"),
        ("workers", workers not in (None, 1)),
        ("options['vectorized']", own.vectorized),
    ):
        if options.checkpoint is not None and used:
            raise ValueError(f"options['checkpoint'] and {name} do not go together")


def open_saver(problems: Problems, tolerance: Vector | None) -> Saver | None:
    """Make what keeps the file of a batch, if there is to be one."""
    if problems.options.checkpoint is None:
        return None
    asked = describe_setup(
        problems,
        x0=problems.starts.points,
        bounds=(problems.starts.lowers, problems.starts.uppers),
        batch_args=[(str(array.dtype), array.shape) for array in problems.row_args],
        tolerance=tolerance,
    )
    asked["options['on_error']"] = problems.on_error
    asked["options['lr']"] = asked["options['lr']"], problems.starts.rates
    return Saver("minimize_batch", problems.options, asked)


def take_up(saver: Saver, solutions: Solutions) -> Marks:
    """Read what was found of rows, if there is a file; mark these, and the others as they come."""
    done = np.zeros(len(solutions.fun), dtype=np.bool_)
    if (packed := saver.load()) is not None:
        try:
            _unpack(packed[0], solutions, done)
        except (KeyError, ValueError) as error:
            raise saver.is_damaged(error) from error

    def pack() -> Packed:
        # Threads are writing other rows, which are marked when they are done.
        rows = np.flatnonzero(done)
        found = {name: getattr(solutions, name)[rows] for name in _NAMES}
        return {"rows": rows, **found}, {}

    return Marks(done, lambda ends: saver.look(ends, pack))


def _unpack(arrays: dict[str, NDArray[Any]], solutions: Solutions, done: NDArray[np.bool_]) -> None:
    rows = arrays["rows"]
    if rows.dtype.kind != "i" or np.any((rows < 0) | (rows >= done.size)):
        raise ValueError("it has rows that there are not")
    for name in _NAMES:
        found, whole = arrays[name], getattr(solutions, name)
        if (found.dtype, found.shape) != (whole.dtype, (rows.size, *whole.shape[1:])):
            raise ValueError(f"its {name} has shape {found.shape}")
    for name in _NAMES:
        getattr(solutions, name)[rows] = arrays[name]
    done[rows] = True
