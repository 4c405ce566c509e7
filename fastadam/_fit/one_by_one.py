"""Curves that are fitted by SciPy one after the other: for models in Python.

SciPy takes no bounds that are equal: what such bounds hold is taken out of its problem.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..typing import Vector
from .linear import DEPENDENT
from .outcomes import CONVERGED, FEW, LIMIT, NONFINITE, SINGULAR, STUCK
from .rows import NFEV, NIT, OUTCOME, POINTS, Curves, Fits
from .single import Fit, Model, Residuals, fit_single, invert_normal, scale_covariance

#: As `linear.DEPENDENT`, of SciPy's differences. A linear model has errors that are right to 1 % at
#: 8e-8; but a * exp(c - r * t), where a and c cannot be told apart, has 1e-7.
_DIFFERENCES_DEPENDENT = 2.0**-22


def fit_one_by_one(model: Model, curves: Curves) -> Fits:
    """Fit the rows of some curves."""
    fits = Fits.unknown(len(curves.y), curves.start.shape[1])
    for k in range(len(curves.y)):
        row = Curves(
            *(np.asarray(each[k if len(each) > 1 else 0], dtype=np.float64) for each in curves)
        )
        fits.counts[k, OUTCOME] = _fit_row(model, row, fits, k)
    return fits


def _fit_row(model: Model, row: Curves, fits: Fits, k: int) -> int:
    free, counts = row.lower < row.upper, fits.counts[k]
    if not free.all():
        model = _take_out(model, row.start, free)
    residuals = Residuals(model, row.y, row.sigma)
    counts[POINTS] = residuals.points
    if residuals.points < max(1, int(np.count_nonzero(free))):
        return FEW
    fits.x[k], fits.at_bound[k] = row.start, ~free
    p0 = row.start[free]
    function = residuals.function(p0)
    if not np.all(np.isfinite(first := function(p0))):
        fits.x[k], fits.at_bound[k] = np.nan, False
        return NONFINITE
    if not free.any():
        fits.chi2[k], fits.reduced_chi2[k] = first @ first, first @ first / residuals.points
        return CONVERGED
    fit = fit_single(model, residuals, function, p0, row.lower[free], row.upper[free])
    counts[NIT], counts[NFEV] = fit.nit, fit.info["nfev"]
    fits.x[k, free], fits.chi2[k], fits.at_bound[k, free] = fit.x, fit.chi2, fit.at_bound
    if not fit.converged:
        return LIMIT if fit.code in (0, 5) else STUCK
    free = ~fits.at_bound[k]
    freedom = residuals.points - int(np.count_nonzero(free))
    if freedom > 0:
        fits.reduced_chi2[k] = fit.chi2 / freedom
    covariance = _hold(model, fit, freedom)
    if covariance is None:
        return SINGULAR
    fits.covariance[k][np.ix_(free, free)] = covariance
    fits.stderr[k, free] = np.sqrt(np.diagonal(covariance))
    return CONVERGED


def _take_out(model: Model, p: Vector, free: NDArray[np.bool_]) -> Model:
    """Make a model of those parameters that are free: the others stay as they are in ``p``."""

    def put_in(values: tuple[Any, ...]) -> Vector:
        whole = p.copy()
        whole[free] = values
        return whole

    def f(x: Any, *values: Any) -> Any:
        return model.f(x, *put_in(values))

    def jac(x: Any, *values: Any) -> Any:
        return np.asarray(model.jac(x, *put_in(values)))[..., free]

    return model._replace(f=f, jac=jac if callable(model.jac) else model.jac)


def _hold(model: Model, fit: Fit, freedom: int) -> np.ndarray | None:
    """Give the covariance of what no bound holds; None if there is none."""
    is_given = model.jac not in (None, "2-point")
    least = DEPENDENT if is_given else _DIFFERENCES_DEPENDENT
    if fit.jac is None:
        triangle = np.triu(fit.info["fjac"].T[: len(fit.x)])  # MINPACK's, of J
        norms = np.linalg.norm(triangle, axis=0)
        depends = np.abs(np.diagonal(triangle)) <= least * norms
        return None if np.any(depends) else fit.covariance
    free = fit.jac[:, ~fit.at_bound]
    norms = np.linalg.norm(free, axis=0)
    if not np.all(norms > 0.0) or np.linalg.matrix_rank(free / norms, least) < free.shape[1]:
        return None
    return scale_covariance(invert_normal(free), fit.chi2, freedom, model)
