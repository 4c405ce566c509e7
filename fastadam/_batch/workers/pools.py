"""Who solves the chunks of a batch: processes of ours, or a map-like callable of the user's."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from numbers import Integral
from typing import Any

import numpy as np

from ..._search.deadline import Deadline
from ..._search.progress import progress
from ..._search.rows import Solutions
from ..._validate import describe
from ..problems import Marks, Problems
from ..rounds import Round
from .chunks import Chunk, ChunkSolver, Solve, SolvedChunk, split_chunks
from .messages import RemoteError
from .processes import solve_in_processes

Workers = int | Callable[..., Any]

#: Chunks for each of our processes: in the end, the others wait for one of them at most.
_CHUNKS_EACH = 16
#: Chunks for a map-like callable, which does not tell how many workers it has.
_CHUNKS = 256
#: The same of both on a GPU, where many rows are solved at once.
_GPU_CHUNKS_EACH, _GPU_CHUNKS = 2, 16


def check_workers(workers: object) -> Workers | None:
    """Require a number of processes, or a map-like callable."""
    if workers is None or callable(workers):
        return workers
    if isinstance(workers, (bool, np.bool_)) or not isinstance(workers, Integral):
        hint = " (the map of what you passed)" if hasattr(workers, "map") else ""
        raise TypeError(
            f"workers must be an int or a map-like callable{hint}, got {describe(workers)}"
        )
    if workers < 1 and workers != -1:
        raise ValueError(f"workers must be >= 1, or -1 for one for each core, got {workers}")
    return count_cores() if workers == -1 else int(workers)


def count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def solve_by_workers(
    problems: Problems,
    rounds: Iterator[Round],
    solve: Solve,
    workers: Workers | None,
    marks: Marks | None = None,
    device: str = "cpu",
) -> None:
    """Solve the rounds of a batch, by something that can be pickled: here, or somewhere else.

    With ``marks``, which are for here alone, what is done is left, and what will be is marked.
    On the ``device`` "cuda", each of our own processes takes a GPU of its own, as far as there are.
    """
    size, options = len(problems), problems.options
    if workers is None or workers == 1:  # as for SciPy
        left, start = options.max_seconds, 0
        for part, solutions in rounds:
            deadline, stop = Deadline(left), start + len(part)
            more = () if marks is None else (marks.select(slice(start, stop)),)
            solve(part, solutions, deadline, *more)
            left -= deadline.spent
            start = stop
        return
    each, most = (_GPU_CHUNKS_EACH, _GPU_CHUNKS) if device == "cuda" else (_CHUNKS_EACH, _CHUNKS)
    chunks = _Chunks(rounds, most if callable(workers) else each * workers)
    solver = ChunkSolver(problems, solve, device)
    if callable(workers):
        answers = _map_chunks(solver, iter(chunks), workers)
    else:
        answers = solve_in_processes(solver, iter(chunks), min(workers, size))
    with progress(size, "problem", options.disp) as update, closing(answers):
        for answer in answers:
            update(chunks.take(answer))


class _Chunks:
    """Chunks of one round after the other, each made when what is found of the last is there."""

    def __init__(self, rounds: Iterator[Round], most: int) -> None:
        self._rounds, self._most = rounds, most
        self._number = 0
        #: Where what is found of a chunk goes.
        self._missing: dict[int, Solutions] = {}

    def __iter__(self) -> Iterator[list[Chunk]]:
        first = 0
        for problems, solutions in self._rounds:
            number = self._number = min(len(problems), self._most)
            for k in range(number):
                self._missing[first + k] = solutions.select(slice(k, None, number))
            yield split_chunks(problems, number, first)
            if self._missing:
                raise ValueError(
                    f"workers must return a result for each of {number} chunks, "
                    f"got {number - len(self._missing)}"
                )
            first += number

    def take(self, answer: Any) -> int:
        """Write what is found of a chunk; tell how many rows it has."""
        if isinstance(answer, RemoteError):
            answer.reraise()
        if not isinstance(answer, SolvedChunk):
            raise TypeError(
                "workers must return the results of the function that it maps, or futures of them, "
                f"got {describe(answer)}"
            )
        if answer.index not in self._missing:
            raise ValueError(
                f"workers must return one result for each of {self._number} chunks, got more"
            )
        solutions = self._missing.pop(answer.index)
        if answer.found is not None:
            for array, found in zip(solutions, answer.found, strict=True):
                array[...] = found
        return len(solutions.fun)


def _map_chunks(
    solver: ChunkSolver, rounds: Iterator[Sequence[Chunk]], workers: Callable[..., Any]
) -> Generator[Any, None, None]:
    """Have the chunks of each round solved by a callable whose results may be futures."""
    for chunks in rounds:
        yield from _map_round(solver, chunks, workers)


def _map_round(
    solver: ChunkSolver, chunks: Sequence[Chunk], workers: Callable[..., Any]
) -> Generator[Any, None, None]:
    """Have chunks solved by a callable whose results may be futures."""
    results: Any = ()
    try:
        results = workers(solver, chunks)
        if not isinstance(results, Iterable):
            raise TypeError(
                f"workers must return an iterable, as map does, got {describe(results)}"
            )
        for result in results:
            yield result.result() if callable(getattr(result, "result", None)) else result
    except Exception as error:
        # What cannot be pickled, pools tell in words of their own.
        for message in (solver.common, *(chunk.rows for chunk in chunks)):
            if message.refusal is not None:
                raise message.refusal from error
        raise
    finally:  # if not all results were taken, nothing is begun that has not been
        if isinstance(results, Generator):  # an executor's map
            results.close()
        elif isinstance(results, (list, tuple)):
            for result in results:
                if callable(getattr(result, "cancel", None)):
                    result.cancel()
