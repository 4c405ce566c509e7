"""One curve, fitted by SciPy: MINPACK without bounds, a trust region within them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.optimize import least_squares, leastsq

from .._validate import describe
from ..typing import Vector

Array = NDArray[np.float64]


class Model(NamedTuple):
    """A model of a user's, and how it is to be fitted to each curve."""

    f: Callable[..., Any]
    jac: Any
    x: Any
    method: str
    absolute_sigma: bool
    options: dict[str, Any]


class Fit(NamedTuple):
    """What SciPy has found; the covariance is None if it cannot be estimated."""

    x: Array
    covariance: Array | None
    chi2: float
    info: dict[str, Any]
    message: str
    code: int  # SciPy's
    converged: bool
    nit: int  # -1 if it is not known
    jac: Array | None  # within bounds; residuals are divided by sigma
    at_bound: NDArray[np.bool_]


class Residuals:
    """The residuals of a curve, divided by sigma, and their derivatives.

    The model is called for all of x; points without a number y, or with an infinite sigma, are
    left out of what it returns. ``sigma`` is None, or a row, or the covariance of the points.
    """

    def __init__(self, model: Model, y: Vector, sigma: Array | None) -> None:
        self._model, self._y, keep = model, y, y == y
        if sigma is not None:
            keep &= (sigma if sigma.ndim < 2 else np.diagonal(sigma)) < np.inf
        self.points = int(np.count_nonzero(keep))
        self._keep: Any = None if self.points == len(y) else keep
        self._weight = self._factor = None
        if sigma is not None and sigma.ndim < 2:
            self._weight = 1.0 / (sigma if self._keep is None else sigma[keep])
        elif sigma is not None:
            kept = sigma if self._keep is None else sigma[np.ix_(keep, keep)]
            try:
                self._factor = scipy.linalg.cholesky(kept, lower=True)
            except (scipy.linalg.LinAlgError, ValueError) as error:
                raise ValueError(f"sigma must be a positive definite matrix: {error}") from error

    def function(self, p0: Vector) -> Callable[[Vector], Array]:
        """Make the function that evaluates them.

        It is called some thirty times for some microseconds each, so it does as little as it can;
        and twice at the start, where it is evaluated here.
        """
        f, x, y, shape = self._model.f, self._model.x, self._y, self._y.shape
        weight = self._weight
        whiten = None if self._keep is None and self._factor is None else self._whiten

        begun, left = np.empty(0), 0

        def residuals(p: Vector) -> Array:
            nonlocal left
            if left > 0:
                left -= 1
                if (p == p0).all():
                    return begun
            values = f(x, *p)
            try:
                found: Array = values - y
                has_shape = found.shape == shape
            except ValueError:  # of shapes that cannot be broadcast
                has_shape = False
            if not has_shape:
                raise ValueError(
                    f"f must return {len(y)} values, one for each of ydata, got {describe(values)}"
                )
            if whiten is not None:
                return whiten(found)
            if weight is not None:
                found *= weight
            return found

        begun, left = residuals(p0), 2
        return residuals

    def slopes(self, p: Vector) -> Array:
        """Evaluate the derivatives that the user gives."""
        found, shape = np.asarray(self._model.jac(self._model.x, *p)), (len(self._y), len(p))
        if found.shape != shape:
            raise ValueError(f"jac must return shape {shape}, got {found.shape}")
        return self._whiten(found)

    def _whiten(self, found: Array) -> Array:
        if self._keep is not None:
            found = found[self._keep]
        if self._weight is not None:
            return self._weight * found if found.ndim == 1 else self._weight[:, None] * found
        if self._factor is not None:
            return np.asarray(scipy.linalg.solve_triangular(self._factor, found, lower=True))
        return found


def fit_single(
    model: Model,
    residuals: Residuals,
    function: Callable[[Vector], Array],
    p0: Vector,
    lower: Vector,
    upper: Vector,
) -> Fit:
    """Fit one curve; ``function`` is that of the residuals."""
    jac = residuals.slopes if callable(model.jac) else model.jac
    if model.method == "lm":
        x, covariance, info, message, code = leastsq(
            function, p0, Dfun=jac, full_output=True, **model.options
        )
        fvec = info["fvec"]
        chi2, converged, nit, slopes = float(fvec @ fvec), code in (1, 2, 3, 4), -1, None
        at_bound = np.zeros(len(x), dtype=bool)
    else:
        options = dict(model.options)
        if "maxfev" in options:
            options["max_nfev"] = options.pop("maxfev")
        found = least_squares(
            function,
            p0,
            jac="2-point" if jac is None else jac,
            bounds=(lower, upper),
            method=model.method,
            **options,
        )
        x, info, code, slopes = (
            found.x,
            {"nfev": found.nfev, "fvec": found.fun},
            found.status,
            found.jac,
        )
        message, converged, nit = found.message, bool(found.success), found.njev
        chi2, at_bound = 2.0 * found.cost, found.active_mask != 0
        covariance = invert_normal(found.jac)
    covariance = scale_covariance(covariance, chi2, residuals.points - len(x), model)
    return Fit(x, covariance, chi2, info, message, int(code), converged, nit, slopes, at_bound)


def invert_normal(jac: Array) -> Array:
    """Invert J^T J, as far as it has an inverse: a direction that changes nothing has none."""
    _, values, rows = scipy.linalg.svd(jac, full_matrices=False)
    kept = values > np.finfo(np.float64).eps * max(jac.shape) * values[0]
    scaled = rows[kept] / values[kept, None]
    return np.asarray(scaled.T @ scaled)


def scale_covariance(
    covariance: Array | None, chi2: float, freedom: int, model: Model
) -> Array | None:
    """Multiply a covariance by the variance of the residuals, if sigma is not to be trusted."""
    if covariance is None or math.isnan(covariance.sum()):
        return None
    if model.absolute_sigma:
        return covariance
    return covariance * (chi2 / freedom) if freedom > 0 else None
