"""What a published test function is, and the decorator that makes one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np

from fastadam.problems import Problem

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Published:
    """A function of a vector on a box, as the literature gives it."""

    name: str
    #: Compiled by Numba: takes a vector, returns a float; works on a list's worth of NumPy too.
    fun: Callable[[Array], float]
    #: The box that random starts are drawn from; not a constraint.
    lower: Array
    upper: Array
    #: "smooth", "nonsmooth" (kinks) or "discontinuous".
    kind: str
    source: str

    @property
    def held_out(self) -> bool:
        """Whether the function is in the third that nothing was tuned on.

        By a digest of the name, so that nobody chose.
        """
        return hashlib.sha256(self.name.encode()).digest()[0] % 3 == 0


def published(
    name: str, box: Sequence[tuple[float, float]], kind: str, source: str
) -> Callable[[Callable[..., Any]], Published]:
    """Make a `Published` of the plain function that is decorated."""

    def make(function: Callable[..., Any]) -> Published:
        return _make(name, numba.njit(function, error_model="numpy"), box, kind, source)

    return make


def take(
    name: str,
    problem: Problem,
    kind: str,
    source: str,
    box: Sequence[tuple[float, float]] | None = None,
) -> Published:
    """Make a `Published` of a problem of `fastadam.problems`, in its own box or another."""
    return _make(name, problem.fun, problem.bounds if box is None else box, kind, source)


def _make(
    name: str,
    fun: Callable[[Array], float],
    box: Sequence[tuple[float, float]] | Array,
    kind: str,
    source: str,
) -> Published:
    if kind not in ("smooth", "nonsmooth", "discontinuous"):
        raise ValueError(f"kind must be smooth, nonsmooth or discontinuous, got {kind!r}")
    lower, upper = np.array(box, dtype=np.float64).T
    return Published(name, fun, lower, upper, kind, source)
