"""A batch in rounds, each of which knows the minima that were found in those before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from .._search.rows import Solutions
from ..typing import Vector
from .minima import find_known
from .problems import Problems
from .results import make_batch_result

#: The rows of the first round, and how many times as many each has as the one before: a thread
#: without work waits for the end of each round.
FIRST, GROWTH = 8, 4


class Round(NamedTuple):
    """Some problems, and where their solutions go."""

    problems: Problems
    solutions: Solutions


def split_rounds(
    problems: Problems, solutions: Solutions, tolerance: Vector | None
) -> Iterator[Round]:
    """Split a batch into rounds, each made when the solutions of those before are there.

    What is known depends on the rows alone, not on who solves them. Without a ``tolerance`` by
    which minima are told apart, and where steps are the user's, it is one round.
    """
    size = len(problems)
    if tolerance is None or not problems.options.auto:
        yield Round(problems, solutions)
        return
    start, number = 0, FIRST
    while start < size:
        known = find_known(make_batch_result(solutions.select(slice(start))), tolerance)
        rows = slice(start, start + number)
        yield Round(replace(problems.select(rows), known=known), solutions.select(rows))
        start, number = start + number, GROWTH * number
