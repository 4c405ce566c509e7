"""Many curves, fitted by SciPy one after the other: for models in Python."""

from __future__ import annotations

import numpy as np

from .linear import DEPENDENT
from .outcomes import CONVERGED, FEW, LIMIT, NONFINITE, SINGULAR, STUCK
from .rows import NFEV, NIT, OUTCOME, POINTS, Curves, Fits
from .single import Fit, Model, Residuals, fit_single, invert_normal, scale_covariance


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
    residuals, counts = Residuals(model, row.y, row.sigma), fits.counts[k]
    counts[POINTS] = residuals.points
    if residuals.points < len(row.start):
        return FEW
    function = residuals.function(row.start)
    if not np.all(np.isfinite(function(row.start))):
        return NONFINITE
    fit = fit_single(model, residuals, function, row.start, row.lower, row.upper)
    counts[NIT], counts[NFEV] = fit.nit, fit.info["nfev"]
    fits.x[k], fits.chi2[k], fits.at_bound[k] = fit.x, fit.chi2, fit.at_bound
    if not fit.converged:
        return LIMIT if fit.code in (0, 5) else STUCK
    free = ~fit.at_bound
    freedom = residuals.points - int(np.count_nonzero(free))
    if freedom > 0:
        fits.reduced_chi2[k] = fit.chi2 / freedom
    covariance = _hold(model, fit, freedom)
    if covariance is None:
        return SINGULAR
    fits.covariance[k][np.ix_(free, free)] = covariance
    fits.stderr[k, free] = np.sqrt(np.diagonal(covariance))
    return CONVERGED


def _hold(model: Model, fit: Fit, freedom: int) -> np.ndarray | None:
    """Give the covariance of what no bound holds; None if there is none."""
    if fit.jac is None:
        triangle = np.triu(fit.info["fjac"].T[: len(fit.x)])  # MINPACK's, of J
        norms = np.linalg.norm(triangle, axis=0)
        depends = np.abs(np.diagonal(triangle)) <= DEPENDENT * norms
        return None if np.any(depends) else fit.covariance
    free = fit.jac[:, ~fit.at_bound]
    if np.linalg.matrix_rank(free) < free.shape[1]:
        return None
    return scale_covariance(invert_normal(free), fit.chi2, freedom, model)
