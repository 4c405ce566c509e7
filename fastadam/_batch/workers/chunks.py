"""A batch in chunks of rows, which may be solved somewhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any
from uuid import uuid4

import numpy as np

from ...typing import Matrix, Vector
from ..problems import Batch
from .messages import Failure, Parcel

Solve = Callable[[Batch], None]

# Those of a batch's fields that have a row for each problem, or one for all of them.
_BY_ROW = ("starts", "lowers", "uppers", "rates")


@dataclass(frozen=True)
class Chunk:
    """Some rows of a batch: every so-many-th, so that all chunks share a stretch of slow ones."""

    index: int
    parcel: Parcel


@dataclass(frozen=True)
class Solved:
    """What was found of a chunk: x, fun, jac and counts; or nothing, if time was up before."""

    index: int
    found: tuple[Matrix, Vector, Matrix, np.ndarray[Any, Any]] | None


def chunks_of(batch: Batch, number: int) -> list[Chunk]:
    """Return the rows of a batch in so many chunks, as views."""
    size = len(batch.starts)

    def chunk(index: int) -> Chunk:
        def part(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
            return array[index::number] if len(array) == size else array

        rows = tuple(map(part, batch.rows))
        own = {name: part(getattr(batch, name)) for name in _BY_ROW}
        names = {f"batch_args[{i}]": array for i, array in enumerate(rows)}
        return Chunk(index, Parcel(names, (rows, own)))

    return [chunk(index) for index in range(number)]


class Task:
    """What is done with each chunk, wherever that is.

    Parameters
    ----------
    batch : Batch
        All problems, of which only what they have in common is kept.
    solve : callable
        Solves a batch.
    """

    def __init__(self, batch: Batch, solve: Solve) -> None:
        functions, options = batch.functions, batch.options
        names = [field.name for field in fields(batch)]
        common = {name: getattr(batch, name) for name in names if name not in ("rows", *_BY_ROW)}
        given = {"fun": functions.fun, "jac": functions.jac, "lr": options.lr}
        given.update({f"args[{i}]": value for i, value in enumerate(functions.args)})
        self.__name__ = "minimize_batch"  # for a pool that shows what it does
        # Dask names a call by what it is of. Another one of the same problems would have the name
        # of this one, and be cancelled when this one's futures are.
        self.id = uuid4().hex
        self.parcel = Parcel(given, (common, solve))
        self.seconds = options.max_seconds
        # By the one clock that several machines have in common.
        self._end = time.time() + self.seconds

    def __call__(self, chunk: Chunk) -> Solved | Failure:
        """Solve a chunk in what is left of the time."""
        return self.run(chunk, min(self.seconds, self._end - time.time()))

    def run(self, chunk: Chunk, seconds: float) -> Solved | Failure:
        """Solve a chunk in some seconds."""
        if seconds <= 0.0:
            return Solved(chunk.index, None)
        if not self.parcel.is_sent:  # a plain map, or threads
            return self._solve(chunk, seconds)
        try:
            return self._solve(chunk, seconds)
        except Exception as error:
            return Failure(error)

    def _solve(self, chunk: Chunk, seconds: float) -> Solved:
        common, solve = self.parcel.open()
        rows, own = chunk.parcel.open()
        options = replace(common["options"], max_seconds=seconds, disp=False)
        rows = tuple(map(np.ascontiguousarray, rows))
        own = {name: np.ascontiguousarray(array) for name, array in own.items()}
        batch = Batch(**{**common, **own, "rows": rows, "options": options})
        solve(batch)
        return Solved(chunk.index, (batch.x, batch.fun, batch.jac, batch.counts))
