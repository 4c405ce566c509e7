"""What `minimize_batch` returns."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.optimize import OptimizeResult

from .._minimize.results import summarize
from .._search.outcomes import OUTCOMES, TIMEOUT
from .._search.rows import NFEV, NIT, NJEV, OUTCOME, Solutions


def make_batch_result(
    solutions: Solutions, unfinished: tuple[int, str] = OUTCOMES[TIMEOUT]
) -> OptimizeResult:
    """Make what `minimize_batch` returns; rows that were left get a status and message."""
    counts = solutions.counts
    codes = counts[:, OUTCOME]
    status, outcomes = np.zeros(len(codes), dtype=np.int64), Counter[str]()
    for outcome, (code, message) in {**OUTCOMES, TIMEOUT: unfinished}.items():
        rows = codes == outcome
        status[rows] = code
        outcomes[message] += int(np.count_nonzero(rows))
    result = OptimizeResult(x=solutions.x, fun=solutions.fun, jac=solutions.jac)
    for name, column in (("nit", NIT), ("nfev", NFEV), ("njev", NJEV)):
        result[name] = counts[:, column].copy()
    words = (f"{n} of {len(codes)}: {message}" for message, n in outcomes.most_common() if n)
    result.update(status=status, success=status == 0, message=" ".join(words))
    return result


def summarize_batch(result: OptimizeResult) -> str:
    """Make the lines that `minimize` prints, of many problems."""
    known = result.fun[~np.isnan(result.fun)]
    lowest = f"{known.min():f}" if known.size else "none"
    return summarize(result, f"Lowest function value: {lowest}")
