"""What is found of many problems, and what `minimize_batch` returns of it."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.optimize import OptimizeResult

from .._search.outcomes import OUTCOMES, TIMEOUT
from .._search.rows import NFEV, NIT, NJEV, OUTCOME, Solutions
from ..typing import Matrix


class Results:
    """What is found of each problem.

    Parameters
    ----------
    starts : ndarray, shape (B, n)
        The points of problems that are not begun.

    Attributes
    ----------
    x, fun, jac : ndarray
        The best points, and the values and gradients there.
    counts : ndarray of int64, shape (B, 4)
        Iterations, evaluations of the function and of the gradient, and how it ended.
    """

    def __init__(self, starts: Matrix) -> None:
        self.arrays = Solutions.unknown(starts)
        self.x, self.fun, self.jac, self.counts = self.arrays

    def keep_part(self, rows: slice, part: Results) -> None:
        """Write what was found of some rows."""
        for own, found in zip(self.arrays, part.arrays, strict=True):
            own[rows] = found

    def report(self, unfinished: tuple[int, str] = OUTCOMES[TIMEOUT]) -> OptimizeResult:
        """Make what `minimize_batch` returns; rows that were left get a status and message."""
        ends = self.counts[:, OUTCOME]
        status, outcomes = np.zeros(len(ends), dtype=np.int64), Counter[str]()
        for end, (code, message) in {**OUTCOMES, TIMEOUT: unfinished}.items():
            rows = ends == end
            status[rows] = code
            outcomes[message] += int(np.count_nonzero(rows))
        return OptimizeResult(
            x=self.x,
            fun=self.fun,
            jac=self.jac,
            nit=self.counts[:, NIT].copy(),
            nfev=self.counts[:, NFEV].copy(),
            njev=self.counts[:, NJEV].copy(),
            status=status,
            success=status == 0,
            message=" ".join(
                f"{number} of {len(ends)}: {message}"
                for message, number in outcomes.most_common()
                if number
            ),
        )


def summarize(result: OptimizeResult) -> str:
    """Make the lines that `minimize` prints, of many problems."""
    known = result.fun[~np.isnan(result.fun)]
    lowest = f"{known.min():f}" if known.size else "none"
    return (
        f"{result.message}\n"
        f"         Lowest function value: {lowest}\n"
        f"         Iterations: {result.nit.sum()}\n"
        f"         Function evaluations: {result.nfev.sum()}\n"
        f"         Gradient evaluations: {result.njev.sum()}"
    )
