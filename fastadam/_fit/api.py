"""`curve_fit`: the contract."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeWarning

from .._numba import private
from .._numba.dispatchers import is_compiled
from .._validate import count, describe, flag, nonnegative, one_of
from .arguments import Start, check_data, check_sigma, check_start, name_parameters
from .models import CompiledModel
from .one_by_one import fit_one_by_one
from .outcomes import MISSHAPEN
from .results import make_result
from .rows import OUTCOME, ROUNDING, Curves, Fits
from .single import Model, Residuals, fit_single
from .state import Limits
from .threads import choose_threads, fit_compiled

_METHODS = ("lm", "trf", "dogbox")
#: What the compiled loop knows of SciPy's options; and SciPy's default of the tolerances.
_TOLERANCES, _LIMITS = ("ftol", "xtol"), ("maxfev", "max_nfev")
_TOLERANCE = 1.49012e-8
#: Curves at which a model's two forms are compared.
_PROBES = 2


def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: ArrayLike,
    p0: ArrayLike | Mapping[str, ArrayLike] | None = None,
    sigma: ArrayLike | None = None,
    absolute_sigma: bool = False,
    check_finite: bool | None = None,
    bounds: Any = (-np.inf, np.inf),
    method: str | None = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    fixed: Iterable[str] = (),
    **options: Any,
) -> Any:
    r"""Fit a model to a curve, or to many, by least squares, with errors of the parameters.

    It finds the parameters p for which

    .. math:: \chi^2(p) = \sum_i \left(\frac{f(x_i, p) - y_i}{\sigma_i}\right)^2

    is least. The arguments mean what they do for `scipy.optimize.curve_fit`, and so does the result
    for one curve. `ydata` may also have leading axes, for pixels, genes or spectra: then each curve
    is fitted by itself, and models compiled by Numba in compiled loops, spread over threads.

    Parameters
    ----------
    f : callable
        The model, ``f(xdata, *p)``, with a value for each point. One that Numba has compiled, and
        that can be called for a single x as well as for all, is called so, which is nearly twice
        as fast; whether the values are the same is tried at the starts of two curves.
    xdata : array_like, shape (m,) or (k, m)
        Where the points are, of all curves alike. For one curve, or a model in Python, anything.
    ydata : array_like, shape (..., m)
        The data. NaN there, or in `xdata`, leaves a point out; `f` is called for all of x anyway.
    p0 : array_like, shape (n,) or (..., n), or mapping of str to array_like, optional
        Where to begin: for all curves, or for each. A mapping of the names that `f` gives its
        parameters (any, in their order, if it takes ``*p``) to numbers, or to arrays of shape
        (...), gives the result by name, too. By default, n is what the signature of `f`
        tells, and a parameter begins at 1, in the middle of its bounds, or 1 off its only one.
    sigma : array_like, shape (m,) or (..., m), optional
        Standard deviations of `ydata`. An infinite one leaves a point out. For one curve, also
        their covariance, of shape (m, m).
    absolute_sigma : bool, default False
        Whether `sigma` is to be trusted. If not, only its ratios count, and the variance of the
        residuals gives the scale of the errors.
    check_finite : bool, default False
        Whether NaN and infinity in the data are errors.
    bounds : tuple of array_like or scipy.optimize.Bounds, or mapping of str to tuple, optional
        Lower and upper ones: numbers, or of the shapes of `p0`. With `p0` by name, also a mapping
        of some of the names to ``(min, max)``, where None is no bound.
    method : {"lm", "trf", "dogbox"}, optional
        As for SciPy. With "trf" or "dogbox", many curves are left to SciPy, one by one.
    jac : callable or str, optional
        The derivatives, ``jac(xdata, *p)``, of shape (m, n). By default they are differences. For
        many curves and a compiled `f`, it has to be compiled, too, or SciPy fits them one by one.
    full_output : bool, default False
        For one curve, whether to return as much as SciPy does; for `p0` without names.
    fixed : iterable of str, or one, default ()
        Names of parameters that stay where they begin. They have no error: it is NaN.
    **options
        ``ftol`` and ``xtol``, 1.49e-8 by default, and ``maxfev``, by default ``200 * (n + 1)``, or
        ``100 * (n + 1)`` with `jac`: as for `scipy.optimize.leastsq`. ``nan_policy``, which may be
        "omit", the default, or "raise". ``threads``, by default one for each core, but one in a
        thread beside the main one and in a process that another has started: in Dask's workers.
        All others are for SciPy, and so are the curves then, one by one.

    Returns
    -------
    popt, pcov : ndarray, shape (n,) and (n, n)
        For one curve. With `full_output`, also ``infodict, mesg, ier``.
    result : scipy.optimize.OptimizeResult
        For leading axes, or `p0` by name. Each attribute has them, before the axes given here:
        ``x`` (n), the parameters; ``stderr`` (n), their standard errors; ``covariance`` (n, n);
        ``chi2``; ``reduced_chi2``, divided by the number of points less that of free parameters;
        ``at_bound`` (n), which parameters a bound holds: their errors are NaN, and those of others
        are for it held; ``points``, how many were not left out; ``nit`` (-1 where SciPy does not
        tell) and ``nfev``, evaluations of the model, those for differences included; ``success``;
        and ``status``: 0 for success; 1 after ``maxfev``; 2 if there are fewer points than free
        parameters; 3 if the data or the model are not finite; 4 if no step lowers :math:`\chi^2`; 5
        if there is no covariance, since there are no more points than parameters, or these cannot
        be told apart. What is not known is NaN. ``message`` counts the outcomes. With `p0` by name,
        also ``params`` and ``errors``, dictionaries of parameters and standard errors, and
        ``fixed``; `report` shows it all. A single curve that cannot be fitted
        has a ``status``, then, instead of an exception.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or one curve has fewer points than parameters, or a
        sum of squares that is not finite.
    RuntimeError
        If the fit of one curve does not converge.

    Warns
    -----
    scipy.optimize.OptimizeWarning
        If the covariance of one curve cannot be estimated: it is infinite then.

    See Also
    --------
    minimize_batch : Functions that are no sums of squares.
    report : Results, to read.

    Notes
    -----
    One curve is fitted by SciPy, without some of its overhead; many by the method of Levenberg and
    Marquardt as Moré has it [1]_ [2]_, with bounds. The covariance is
    :math:`s^2 (J^T J)^{-1}`, where J has the derivatives of the residuals at the end, and
    :math:`s^2` is the reduced :math:`\chi^2`, or 1 with `absolute_sigma`.

    Inside ``dask.array.map_blocks`` and ``xarray.apply_ufunc(..., dask="parallelized")``, a block
    comes with its leading axes.

    References
    ----------
    .. [1] D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters",
       Journal of the Society for Industrial and Applied Mathematics 11, 431-441, 1963.
    .. [2] J. J. Moré, "The Levenberg-Marquardt algorithm: implementation and theory", in Numerical
       Analysis, Lecture Notes in Mathematics 630, 105-116, 1978.

    Examples
    --------
    A decay in each of a thousand pixels:

    >>> import numpy as np
    >>> import fastadam
    >>> from numba import njit
    >>> @njit
    ... def decay(t, amplitude, rate):
    ...     return amplitude * np.exp(-rate * t)
    >>> t, rng = np.linspace(0, 3, 40), np.random.default_rng(0)
    >>> truth = rng.uniform(1, 2, size=(1000, 2))
    >>> y = decay(t, truth[:, :1], truth[:, 1:]) + rng.normal(0, 0.1, size=(1000, 40))
    >>> result = fastadam.curve_fit(decay, t, y)
    >>> result.x.shape, bool(result.success.all())
    ((1000, 2), True)

    About 68 % of the errors are within one standard error:

    >>> within = abs(result.x - truth) < result.stderr
    >>> bool(0.65 < within.mean() < 0.71)
    True

    One of them, with parameters by name:

    >>> start = {"amplitude": 1.0, "rate": 1.0}
    >>> result = fastadam.curve_fit(decay, t, y[0], start, bounds={"rate": (0, None)})
    >>> print(fastadam.report(result))
    amplitude  1.634 +- 0.061
    rate       1.286 +- 0.072
    chi-squared 0.429006, iterations 5
    The fit has converged.
    """
    is_absolute, is_full = flag("absolute_sigma", absolute_sigma), flag("full_output", full_output)
    nan_policy, threads = options.pop("nan_policy", None), options.pop("threads", None)
    if threads is not None:
        threads = count("threads", threads, least=1)
    if "args" in options:
        raise ValueError("args is not for curve_fit: f is called as f(xdata, *p)")
    x, y = check_data(xdata, ydata, check_finite, nan_policy)
    names, p0, bounds = name_parameters(f, p0, bounds, fixed, y.shape[:-1])
    if names is not None and is_full:
        raise ValueError("full_output is for p0 without names: a result by name has all there is")
    errors, start = check_sigma(sigma, y), check_start(f, p0, bounds, y.shape[:-1], names)
    own = _check_method(method, start.is_bounded, jac)
    model = Model(f, jac, x, own, is_absolute, options)
    if y.ndim == 1 and names is None:
        return _fit_one(model, y.astype(np.float64), errors, start, is_full)
    lead, m = y.shape[:-1], y.shape[-1]
    given = np.ones((1, m)) if errors is None else errors
    if y.ndim == 1 and len(given) > 1:
        given = given[None]  # a covariance of the points
    curves = Curves(y.reshape(-1, m), given, start.p0, start.lower, start.upper)
    is_ours = y.ndim > 1 and method in (None, "lm") and options.keys() <= {*_TOLERANCES, *_LIMITS}
    compiled = is_compiled(f) and (jac is None or is_compiled(jac)) and private.is_usable()
    fits = (
        _fit_many(model, curves, threads) if is_ours and compiled else fit_one_by_one(model, curves)
    )
    return make_result(fits, lead, names)


def _check_method(method: str | None, is_bounded: bool, jac: Any) -> str:
    """Choose a method as SciPy does."""
    if method is None:
        method = "trf" if is_bounded else "lm"
    if one_of("method", method, _METHODS) == "lm":
        if is_bounded:
            raise ValueError("method='lm' has no bounds; 'trf' and 'dogbox' have")
        if jac is not None and not callable(jac):
            raise ValueError(f"jac must be a callable with method='lm', got {describe(jac)}")
    elif jac is not None and not callable(jac):
        one_of("jac", jac, ("2-point", "3-point", "cs"))
    return method


def _fit_one(
    model: Model, y: NDArray[np.float64], sigma: Any, start: Start, is_full: bool
) -> tuple[Any, ...]:
    """Fit one curve, as SciPy does."""
    p0, n = start.p0[0], start.p0.shape[1]
    if not math.isfinite(p0.sum()):
        raise ValueError(f"p0 must be finite, got {describe(p0.tolist())}")
    residuals = Residuals(model, y, sigma if sigma is None or len(sigma) > 1 else sigma[0])
    if residuals.points < n:
        raise ValueError(
            f"ydata must have at least {n} points, one for each parameter, got {residuals.points} "
            f"(NaN, and an infinite sigma, leave a point out)"
        )
    fit = fit_single(model, residuals, residuals.function(p0), p0, start.lower[0], start.upper[0])
    if not math.isfinite(fit.chi2):
        raise ValueError(
            "ydata and what f returns must be finite (NaN in ydata leaves a point out), got a sum "
            f"of squares of {fit.chi2} at {describe(fit.x.tolist())}"
        )
    if not fit.converged:
        raise RuntimeError(f"curve_fit has found no optimal parameters: {fit.message}")
    covariance = fit.covariance
    if covariance is None:
        covariance = np.full((n, n), np.inf)
        warnings.warn(
            "the covariance of the parameters cannot be estimated, and is infinite",
            OptimizeWarning,
            stacklevel=3,
        )
    if is_full:
        return fit.x, covariance, fit.info, fit.message, fit.code
    return fit.x, covariance


def _fit_many(model: Model, curves: Curves, threads: int | None) -> Fits:
    """Fit many curves in compiled loops."""
    m, n = curves.y.shape[1], curves.start.shape[1]
    x = np.asarray(model.x)
    if x.dtype.kind not in "fiub" or x.ndim not in (1, 2) or x.shape[-1] != m:
        raise ValueError(
            f"xdata must be real numbers, of shape ({m},) or (k, {m}), got {describe(model.x)}"
        )
    ftol, xtol = (nonnegative(name, model.options.get(name, _TOLERANCE)) for name in _TOLERANCES)
    asked = next((model.options[name] for name in _LIMITS if model.options.get(name)), 0)
    usual = (200 if model.jac is None else 100) * (n + 1)
    rounding = ROUNDING if model.jac is None else 0.0
    limits = Limits(ftol, xtol, count("maxfev", asked, least=0) or usual, rounding)
    known = curves.start[np.all(np.isfinite(curves.start), axis=1)]
    probes = known[:: max(1, len(known) // _PROBES)][:_PROBES] if len(known) else np.ones((1, n))
    compiled = CompiledModel(model.f, model.jac, x.astype(np.float64), probes, m)
    fits = fit_compiled(compiled, curves, limits, model.absolute_sigma, threads or choose_threads())
    if np.any(fits.counts[:, OUTCOME] == MISSHAPEN):
        raise ValueError(compiled.describe_shapes(probes[0]))
    return fits
