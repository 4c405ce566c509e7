"""What `curve_fit` returns for many curves, and for one with parameters by name."""

from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.optimize import OptimizeResult

from .._names.parameters import Names
from .outcomes import OUTCOMES
from .rows import NFEV, NIT, OUTCOME, POINTS, Fits


def make_result(fits: Fits, lead: tuple[int, ...], names: Names | None) -> OptimizeResult:
    """Make the result of curves that have leading axes; of a curve without, numbers are scalars."""
    codes = fits.counts[:, OUTCOME]
    status, outcomes = np.zeros(len(codes), dtype=np.int64), Counter[str]()
    for outcome, (code, message) in OUTCOMES.items():
        rows = codes == outcome
        status[rows] = code
        outcomes[message] += int(np.count_nonzero(rows))
    words = (
        f"{n} of {len(codes)}: {message}" if lead else message
        for message, n in outcomes.most_common()
        if n
    )
    result = OptimizeResult()
    for name in ("x", "stderr", "covariance", "chi2", "reduced_chi2", "at_bound"):
        array = getattr(fits, name)
        result[name] = array.reshape(lead + array.shape[1:])[()]
    columns = {"points": POINTS, "nit": NIT, "nfev": NFEV}
    for name, column in columns.items():
        result[name] = fits.counts[:, column].reshape(lead)[()]
    status = status.reshape(lead)[()]
    result.update(status=status, success=status == 0, message=" ".join(words))
    if names is not None:
        result.params, result.errors = names.split(result.x), names.split(result.stderr)
        result.fixed = names.fixed
    return result
