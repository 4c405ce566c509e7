"""`uncertainty`: the error bars of what `minimize` or `minimize_batch` found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import OptimizeResult

from .._batch.api import solve_batch
from .._batch.arguments import check_batch_bounds
from .._batch.device_arguments import copy_to_host
from .._names.parameters import find_names, read_named_bounds
from .._validate import describe, one_of, real_array
from ..typing import (
    BatchBoundsLike,
    Device,
    Integer,
    Jacobian,
    Matrix,
    MinimizeBatchOptions,
    NamedBounds,
    Statement,
    UncertaintyResult,
    Vector,
)
from .covariances import invert
from .stencils import difference_gradients, difference_values, find_steps

#: What one standard error adds to the function; to a sum of squares, their variance.
_RISES = {"chi2": 1.0, "likelihood": 0.5}
_OPTIONS = {"threads", "vectorized", "copy_args", "on_error"}
_DEFINITE = "The Hessian is positive definite."
_NOT_DEFINITE = "The Hessian is not positive definite, so there are no standard errors."
_HELD = "What is fixed or at a bound has no standard error."


def uncertainty(
    fun: Callable[..., Any],
    result: OptimizeResult,
    args: Any = (),
    batch_args: Any = (),
    jac: Jacobian = None,
    bounds: BatchBoundsLike | NamedBounds | None = None,
    *,
    kind: Statement,
    points: ArrayLike | None = None,
    options: MinimizeBatchOptions | None = None,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
) -> UncertaintyResult:
    r"""Compute standard errors and covariances at the minimum of a function.

    They are what the curvature there says: with the Hessian :math:`H`, the covariances are
    :math:`2 s^2 H^{-1}` of a sum of squared residuals, where :math:`s^2 = f/(m - n)` with m
    points and n parameters that are free; :math:`2 H^{-1}` of a chi-squared, whose residuals are
    divided by their standard deviations; and :math:`H^{-1}` of the negative logarithm of a
    likelihood [1]_.

    Parameters
    ----------
    fun, args, batch_args, jac
        What was minimised, in any of the forms of `minimize_batch`, one problem or many. With a
        gradient, the Hessian is a difference of gradients, which takes ``4 n + 1``; else one of
        values, which takes ``4 n^2 + 1``; and up to ``12 n`` values to find the steps.
    result : OptimizeResult
        What `minimize`, `minimize_batch` or `multistart` returned, or any with such an ``x``. What
        was ``fixed`` there is held.
    bounds : optional
        Those of the minimisation, one or many as there, by name or not. A parameter at a bound is
        held there.
    kind : {"least_squares", "chi2", "likelihood"}
        What `fun` is: the sum of squared residuals, of an unknown standard deviation that is the
        same for all; that sum with each residual divided by its standard deviation; or the negative
        natural logarithm of a likelihood. A multiple of these, such as half the sum or the mean,
        has other error bars.
    points : int or array_like of int, shape (B,)
        For "least_squares", the number of points of each problem.
    options : dict, optional
        Those of `minimize_batch` that say how functions are called: ``threads``, ``vectorized``,
        ``copy_args`` and ``on_error``.
    device, workers
        As for `minimize_batch`.

    Returns
    -------
    scipy.optimize.OptimizeResult
        For B problems with these attributes, and for one without the first axis: ``stderr``, of
        shape (B, n); ``covariance`` and ``correlation``, (B, n, n); ``hessian``, (B, n, n);
        ``at_bound``, (B, n), which parameters are held, by a bound or because both bounds are one
        number; ``condition``, (B,), the condition number of the Hessian in units that make its
        diagonal 1: beyond 1e8 or so, the parameters can hardly be told apart; ``success``, (B,),
        whether the Hessian is positive definite; and ``message``. With parameters by name,
        ``errors``, a dict of the standard errors. What is held has NaN in all but ``at_bound``.
        Where the Hessian is not positive definite, errors and covariances are NaN.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or there are no more points than free parameters.

    See Also
    --------
    minimize_batch : What it uses to evaluate.
    curve_fit : For models and data. Its covariances, as SciPy's, leave out the second derivatives
        of the model, which are multiplied by residuals; these are with them.

    Notes
    -----
    Steps are chosen so that the function rises by a hundredth of what one standard error adds. So
    no parameter needs a scale; but the minimum has to be one, to less than a standard error.

    References
    ----------
    .. [1] G. Cowan, *Statistical Data Analysis*, Oxford University Press, 1998, chapters 6 and 7.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> t = np.arange(5.0)
    >>> y = np.array([1.1, 2.9, 5.2, 6.8, 9.0])
    >>> def misfit(p):
    ...     return np.sum((p[0] + p[1] * t - y) ** 2)
    >>> result = fastadam.minimize(misfit, [0.0, 0.0])
    >>> errors = fastadam.uncertainty(misfit, result, kind="least_squares", points=5)
    >>> for value, stderr in zip(result.x, errors.stderr):
    ...     print(f"{value:.2f} +- {stderr:.2f}")
    1.06 +- 0.13
    1.97 +- 0.06
    """
    kind = one_of("kind", kind, get_args(Statement))
    x, is_one = _read_points(result)
    names = find_names(result)
    bounds = read_named_bounds(names, bounds)
    sides = check_batch_bounds(bounds, x.shape[0], x.shape[1], "cpu")
    if names is not None:
        sides = names.hold(x, *sides)
    lower, upper = (np.broadcast_to(side, x.shape) for side in sides)
    if not np.all(fits := (x >= lower) & (x <= upper)):
        k, i = np.unravel_index(int(np.argmin(fits)), x.shape)
        raise ValueError(
            f"result.x must be within bounds, got {x[k, i]}, not in [{lower[k, i]}, {upper[k, i]}]"
        )
    freedom = _count_freedom(kind, points, np.sum((x > lower) & (x < upper), axis=1))
    solver = _Evaluator(fun, args, batch_args, jac, options, device, workers, is_one)
    f, _ = solver.values(x)
    if kind == "least_squares":
        if np.any(f < 0.0):
            raise ValueError(f"fun must be a sum of squares, got {f[np.argmax(f < 0.0)]}")
        rise = f / freedom
    else:
        rise = np.full(len(x), _RISES[kind])
    steps = find_steps(solver.values, x, f, rise, lower, upper)
    if solver.has_gradient:
        hessian = difference_gradients(solver.gradients, x, steps)
    else:
        hessian = difference_values(solver.values, x, f, steps)
    found = _make_result(hessian, steps, 2.0 * rise, is_one)
    if names is not None:
        found.errors = names.split(found.stderr)
    return found


def _read_points(result: Any) -> tuple[Matrix, bool]:
    """Read x, a row for each problem, and whether it is that of one."""
    if not isinstance(result, Mapping) or "x" not in result:
        raise TypeError(
            f"result must be what minimize or minimize_batch returned, got {describe(result)}"
        )
    x = real_array("result.x", copy_to_host("result.x", result["x"]))
    if x.ndim not in (1, 2) or x.size == 0:
        raise ValueError(f"result.x must have shape (n,) or (B, n), got {x.shape}")
    if not np.all(np.isfinite(x)):
        x = np.where(np.isfinite(x), x, np.nan)
    return np.atleast_2d(x), x.ndim == 1


def _count_freedom(kind: str, points: Any, parameters: NDArray[np.int64]) -> Vector:
    """Count by how much the points are more than the free parameters."""
    if kind != "least_squares":
        if points is not None:
            raise ValueError(f"points is for kind='least_squares', got kind={kind!r}")
        return np.ones(len(parameters))
    if points is None:
        raise ValueError("points must be the number of points, for kind='least_squares'")
    counts = real_array("points", points)
    if counts.shape not in ((), parameters.shape):
        raise ValueError(
            f"points must be a number or {len(parameters)} numbers, got {describe(points)}"
        )
    freedom = counts - parameters
    if not np.all(fits := freedom > 0.0):
        k = int(np.argmin(fits))
        got = np.broadcast_to(counts, freedom.shape)[k]
        raise ValueError(
            f"points must be more than the {parameters[k]} free parameters, got {got:g}"
        )
    return freedom


class _Evaluator:
    """A function and its gradient at one point of each row, as `minimize_batch` calls them."""

    def __init__(
        self,
        fun: Any,
        args: Any,
        batch_args: Any,
        jac: Any,
        options: Any,
        device: Any,
        workers: Any,
        is_one: bool,
    ) -> None:
        given = dict(options or {})
        if unknown := given.keys() - _OPTIONS:
            (name, *_) = sorted(unknown)
            raise ValueError(f"options of uncertainty are {sorted(_OPTIONS)}, got {name!r}")
        self.has_gradient = callable(jac) or jac is True or jac == "in-place"
        own = {"lr": 0.0, "maxiter": 0, **given}
        self._solve: Callable[..., Any] = partial(
            solve_batch, fun, args=args, batch_args=batch_args, method="sgd", bounds=None, tol=None,
            device=device, workers=workers,
        )  # fmt: skip
        self._both = {"jac": jac, "options": own}
        # A function that gives both at once is called for both; others are called once.
        is_joint = self.has_gradient and not callable(jac)
        self._value = self._both if is_joint else {"jac": None, "options": {**own, "maxfev": 1}}

    def values(self, x: Matrix) -> tuple[Vector, Matrix]:
        """Evaluate the values."""
        found, _ = self._solve(x0=x, **self._value)
        return found.fun, found.jac

    def gradients(self, x: Matrix) -> tuple[Vector, Matrix]:
        """Evaluate the gradients too."""
        found, _ = self._solve(x0=x, **self._both)
        return found.fun, found.jac


def _make_result(
    hessian: NDArray[np.float64], steps: Matrix, scale: Vector, is_one: bool
) -> UncertaintyResult:
    is_free = steps > 0.0
    found = invert(hessian, is_free, scale)
    result: UncertaintyResult = OptimizeResult(
        stderr=found.stderr,
        covariance=found.covariance,
        correlation=found.correlation,
        hessian=hessian,
        at_bound=~is_free,
        condition=found.condition,
        success=found.is_definite,
    )
    counts = {
        _DEFINITE: found.is_definite,
        _NOT_DEFINITE: ~found.is_definite,
        _HELD: np.any(~is_free, axis=1),
    }
    words = [
        message if is_one else f"{np.count_nonzero(rows)} of {len(rows)}: {message}"
        for message, rows in counts.items()
        if rows.any()
    ]
    if is_one:
        for name, value in result.items():
            result[name] = value[0] if value.ndim > 1 else value[0].item()
    result.message = " ".join(words)
    return result
