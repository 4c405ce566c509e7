"""`minimize_batch`: the contract."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds, OptimizeResult

from ..checks import count, describe
from ..solver.many import END, INFEASIBLE, NFEV, NIT, NJEV
from ..solver.native import is_native
from ..solver.runs import Functions
from .batch import Batch, Matrix, solve_compiled, solve_python
from .bounds import box, real_numbers
from .options import Options, check_method, check_options
from .result import MEANINGS
from .setup import functions_of

_MEANINGS = {**MEANINGS, INFEASIBLE: (2, "The bounds hold no number.")}


def minimize_batch(
    fun: Callable[..., Any],
    x0: ArrayLike,
    args: Any = (),
    batch_args: Any = (),
    method: str = "adam",
    jac: Any = None,
    bounds: Any = None,
    tol: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> OptimizeResult:
    """Minimise one function many times: a start, and maybe data and bounds, for each problem.

    Each problem is solved by itself, with its own number of steps and its own end, and the result
    is that of `minimize` for it alone. Functions compiled by Numba are solved in compiled loops,
    spread over threads; the number of threads does not change the results.

    Parameters
    ----------
    fun : callable
        The objective, ``fun(x, *args, *row_args) -> float``, or in the other forms of
        `minimize`.
    x0 : array_like, shape (B, n)
        A start for each of B problems.
    args : tuple, default ()
        Extra arguments that all problems share.
    batch_args : tuple of array_like, default ()
        Arrays with a leading axis of length B: problem k gets the k-th row of each.
    method, jac, tol
        As for `minimize`.
    bounds : scipy.optimize.Bounds, sequence of (min, max), or array_like, optional
        For all problems, as for `minimize`; or for each, as a `Bounds` of (B, n) arrays or as an
        array of shape (B, n, 2).
    options : dict, optional
        As for `minimize`, where `lr` may also be an array of shape (B,); a callable is called for
        all of `maxiter` beforehand. `maxiter` and `maxfev`
        count for each problem, `max_seconds` for all together. There is no `return_all` and no
        `polish`. And `threads` : int, default one for each core; a function that Numba compiled
        with ``parallel=True`` gets one.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x`` and ``jac`` of shape (B, n); ``fun``, ``nit``, ``nfev``, ``njev``, ``status`` and
        ``success`` of shape (B,); and ``message``, which counts the outcomes. The status is that
        of `minimize`, and 2 where bounds leave no room. Rows that were not finished in
        `max_seconds` have status 1, and ``fun`` NaN if they were not begun.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, and as `minimize`. What ``fun`` raises for one problem
        ends them all.

    See Also
    --------
    minimize : One problem.

    Examples
    --------
    A line through each of a thousand data sets:

    >>> import numpy as np
    >>> import fastadam
    >>> from numba import njit
    >>> @njit
    ... def misfit(p, t, y):
    ...     return np.mean((p[0] + p[1] * t - y) ** 2)
    >>> t = np.linspace(0, 1, 20)
    >>> truth = np.random.default_rng(0).normal(size=(1000, 2))
    >>> y = truth[:, :1] + truth[:, 1:] * t
    >>> result = fastadam.minimize_batch(misfit, np.zeros((1000, 2)), args=(t,), batch_args=(y,))
    >>> bool(result.success.all()), bool(abs(result.x - truth).max() < 1e-3)
    (True, True)
    """
    name = check_method(method)
    given = dict(options) if isinstance(options, Mapping) else options
    starts = _starts(x0)
    threads, rates, checked = _options(name, given, tol, len(starts))
    functions = functions_of(fun, args, jac, checked)
    lowers, uppers = _boxes(bounds, *starts.shape)
    rows = _row_arguments(batch_args, len(starts))
    batch = Batch(functions, rows, starts, lowers, uppers, rates, name, checked)
    if functions.native:
        solve_compiled(batch, 1 if _is_parallel(functions) else threads)
    else:
        solve_python(batch)
    return _result(batch)


def _is_parallel(functions: Functions) -> bool:
    """Tell whether a compiled function has threads of its own.

    Numba's workqueue layer ends the process when two threads enter such functions at once.
    """
    compiled: tuple[Any, ...] = (functions.fun, functions.jac)
    return any(f.targetoptions.get("parallel", False) for f in compiled if is_native(f))


def _starts(x0: ArrayLike) -> Matrix:
    array = np.asarray(x0)
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"x0 must have shape (problems, variables), got {describe(array)}")
    if array.dtype.kind not in "fiub":
        raise ValueError(f"x0 must be real numbers, got {describe(array)}")
    return np.array(array, dtype=np.float64, order="C")


def _options(method: str, given: Any, tol: float | None, size: int) -> tuple[int, Matrix, Options]:
    """Return the number of threads, the step sizes, and the options that remain."""
    threads = _cores()
    rates = None
    if isinstance(given, dict):
        for name in ("return_all", "polish"):
            if given.get(name):
                raise ValueError(f"minimize_batch has no {name}, got {describe(given[name])}")
        if given.get("threads") is not None:
            threads = count("threads", given["threads"], 1)
        given.pop("threads", None)
        lr = given.get("lr")
        if isinstance(lr, (list, tuple, np.ndarray)):
            rates = _rates(lr, size)
            given["lr"] = 0.0
    checked = check_options(method, given, tol, stacklevel=3)
    if rates is None:
        numeric = not (checked.auto or callable(checked.lr))
        rates = np.full(1, checked.lr if numeric else 0.0)
    return threads, rates, checked


def _rates(lr: Any, size: int) -> Matrix:
    array = np.asarray(lr)
    if array.shape != (size,) or array.dtype.kind not in "fiu":
        raise ValueError(f"lr must be a number or {size} numbers, got {describe(array)}")
    if not np.all(np.isfinite(array) & (array >= 0)):
        k = int(np.argmin(np.isfinite(array) & (array >= 0)))
        raise ValueError(f"lr[{k}] must be finite and >= 0, got {array[k]}")
    return array.astype(np.float64)


def _cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _boxes(bounds: Any, size: int, n: int) -> tuple[Matrix, Matrix]:
    """Return lower and upper bounds of shape (1, n) or (B, n)."""
    if isinstance(bounds, Bounds):
        if max(np.ndim(bounds.lb), np.ndim(bounds.ub)) == 2:
            return _each("bounds.lb", bounds.lb, size, n), _each("bounds.ub", bounds.ub, size, n)
    elif bounds is not None and np.ndim(np.asarray(bounds, dtype=object)) == 3:
        pairs = np.asarray(bounds, dtype=object)
        if pairs.shape != (size, n, 2):
            raise ValueError(f"bounds must have shape ({size}, {n}, 2), got {pairs.shape}")
        lower, upper = (
            real_numbers("bounds", [[np.nan if b is None else b for b in row] for row in side])
            for side in (pairs[..., 0], pairs[..., 1])
        )
        # None and NaN are no bounds.
        lower[np.isnan(lower)], upper[np.isnan(upper)] = -np.inf, np.inf
        return lower, upper
    lower, upper = box(bounds, n)
    return lower[None], upper[None]


def _each(name: str, values: Any, size: int, n: int) -> Matrix:
    array = real_numbers(name, values)
    try:
        return np.broadcast_to(array, (size, n)).copy()
    except ValueError:
        raise ValueError(f"{name} must have shape ({size}, {n}), got {np.shape(values)}") from None


def _row_arguments(batch_args: Any, size: int) -> tuple[np.ndarray[Any, Any], ...]:
    arrays = batch_args if isinstance(batch_args, tuple) else (batch_args,)
    result = []
    for i, values in enumerate(arrays):
        array = np.asarray(values)
        if array.ndim == 0 or len(array) != size:
            raise ValueError(
                f"batch_args[{i}] must have a row for each of {size} problems, "
                f"got {describe(array)}"
            )
        result.append(np.ascontiguousarray(array))
    return tuple(result)


def _result(batch: Batch) -> OptimizeResult:
    ends = batch.counts[:, END]
    status = np.array([_MEANINGS[end][0] for end in ends.tolist()])
    outcomes = Counter(_MEANINGS[end][1] for end in ends.tolist())
    return OptimizeResult(
        x=batch.x,
        fun=batch.fun,
        jac=batch.jac,
        nit=batch.counts[:, NIT].copy(),
        nfev=batch.counts[:, NFEV].copy(),
        njev=batch.counts[:, NJEV].copy(),
        status=status,
        success=status == 0,
        message=" ".join(
            f"{number} of {len(ends)}: {message}" for message, number in outcomes.most_common()
        ),
    )
