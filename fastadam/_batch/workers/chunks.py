"""A batch in chunks of rows, which may be solved somewhere else."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

import numpy as np

from ..._numba.gpu import select_gpu
from ..._search.deadline import Deadline
from ..._search.rows import Solutions, Starts
from ..problems import Problems
from .messages import Pickled, RemoteError

#: ``solve(problems, solutions, deadline)``, and `Marks` where there are some.
Solve = Callable[..., None]


@dataclass(frozen=True)
class Chunk:
    """Some rows of a batch: every so-many-th, so that all chunks share a stretch of slow ones."""

    index: int
    rows: Pickled


@dataclass(frozen=True)
class SolvedChunk:
    """What was found of a chunk; or nothing, if time was up before."""

    index: int
    found: Solutions | None


def split_chunks(problems: Problems, number: int, first: int) -> list[Chunk]:
    """Split the rows of a batch into so many chunks, as views; ``first`` is the first's index."""
    chunks = []
    for k in range(number):
        part = problems.select(slice(k, None, number))
        names = {f"batch_args[{i}]": array for i, array in enumerate(part.row_args)}
        rows = Pickled(names, (part.row_args, part.starts, part.known))
        chunks.append(Chunk(first + k, rows))
    return chunks


class ChunkSolver:
    """What is done with each chunk, wherever that is, and what all problems have in common."""

    def __init__(self, problems: Problems, solve: Solve, device: str = "cpu") -> None:
        objective, options = problems.objective, problems.options
        given = {"fun": objective.fun, "jac": objective.jac, "lr": options.lr}
        given.update({f"args[{i}]": value for i, value in enumerate(objective.args)})
        starts = Starts(*[np.empty((0, 0))] * 4)
        common = replace(problems, options=replace(options, disp=False), row_args=(), starts=starts)
        self.__name__ = "minimize_batch"  # for a pool that shows what it does
        # Dask names a call by what it is of. Another one of the same problems would have the name
        # of this one, and be cancelled when this one's futures are.
        self.id = uuid4().hex
        self.common = Pickled(given, (common, solve))
        #: Which of our own processes it is in: each has a GPU.
        self.number: int | None = None
        self._device = device
        self.seconds = options.max_seconds
        # By the one clock that several machines have in common.
        self._end = time.time() + self.seconds

    def __call__(self, chunk: Chunk) -> SolvedChunk | RemoteError:
        """Solve a chunk in what is left of the time."""
        return self.run(chunk, min(self.seconds, self._end - time.time()))

    def run(self, chunk: Chunk, seconds: float) -> SolvedChunk | RemoteError:
        """Solve a chunk in some seconds."""
        if seconds <= 0.0:
            return SolvedChunk(chunk.index, None)
        try:
            if self.number is not None and self._device == "cuda":
                select_gpu(self.number)
            common, solve = self.common.open()
            row_args, starts, known = chunk.rows.open()
            problems = replace(common, row_args=row_args, starts=starts, known=known)
            problems = problems.change(np.ascontiguousarray)
            solutions = Solutions.unknown(problems.starts.points.copy())  # it may be run again
            solve(problems, solutions, Deadline(seconds))
        except Exception as error:
            if not self.common.is_sent:  # a plain map, or threads
                raise
            return RemoteError(error)
        return SolvedChunk(chunk.index, solutions)
