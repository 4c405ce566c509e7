"""What `minimize` returns: from how a search ended to SciPy's status, message and summary."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy.optimize import OptimizeResult

from .._search.outcomes import OUTCOMES, describe_exception
from .._search.runs import Run
from ..typing import Vector


def make_result(run: Run, iterates: list[Vector] | None = None) -> OptimizeResult:
    """Make the result of a search that is over."""
    return _make_result(run, iterates, *OUTCOMES[run.search.scalars.status])


def make_partial_result(
    run: Run, error: BaseException, iterates: list[Vector] | None
) -> OptimizeResult:
    """Make the result of a search that an exception has ended: the best point before.

    The value and the gradient are NaN if there is none.
    """
    result = _make_result(run, iterates, *describe_exception(error))
    if run.search.scalars.best_f == np.inf:
        result.fun, result.jac = np.nan, np.full(result.x.size, np.nan)
    return result


def attach_result(error: BaseException, result: OptimizeResult) -> None:
    """Have an exception carry a result as ``result``, unless that means something else to it."""
    if isinstance(getattr(error, "result", None), (OptimizeResult, type(None))):
        with suppress(AttributeError, TypeError):  # it takes no attributes
            error.result = result  # type: ignore[attr-defined]


def _make_result(
    run: Run, iterates: list[Vector] | None, status: int, message: str
) -> OptimizeResult:
    x, fun, jac = run.search.solution
    result = OptimizeResult(x=x.copy(), fun=fun, jac=jac.copy())
    result.nit, result.nfev, result.njev = run.search.counts
    result.status, result.success, result.message = status, status == 0, message
    if iterates is not None:
        result.allvecs = iterates
    return result


def summarize(result: OptimizeResult, value: str | None = None) -> str:
    """Make the lines that SciPy's methods print; of a batch, with sums, and what its value is."""
    return (
        f"{result.message}\n"
        f"         {value or f'Current function value: {result.fun:f}'}\n"
        f"         Iterations: {np.sum(result.nit)}\n"
        f"         Function evaluations: {np.sum(result.nfev)}\n"
        f"         Gradient evaluations: {np.sum(result.njev)}"
    )
