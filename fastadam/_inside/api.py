"""`compiled`: the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import Bounds

from .._minimize.api import minimize
from .._minimize.arguments import check_objective
from .._minimize.bounds import check_bounds
from .._minimize.options import Options, check_method, check_options
from .._minimize.setup import Setup
from .._numba import private
from .._numba.dispatchers import is_compiled
from .._objective.objective import Objective
from .._search.schedule import step_size
from .._validate import describe
from ..typing import BoundsLike, CompiledOptions, CompiledSearch, Jacobian, Method, Real, Vector
from .solver import Plan, make_by_addresses, make_by_public_parts

#: What needs Python, or a clock.
_NO_OPTIONS = ("max_seconds", "return_all", "disp", "polish", "checkpoint")

#: The most step sizes of a schedule: they become a part of the code.
MOST_RATES = 100_000


def compiled(
    fun: Callable[..., Any],
    jac: Jacobian = None,
    method: Method | None = "adam",
    bounds: BoundsLike | None = None,
    tol: Real | None = None,
    options: CompiledOptions | None = None,
) -> CompiledSearch:
    """Make a search that functions compiled by Numba call: in loops, in ``prange``, in each other.

    The search is that of `minimize`, with the same bits. It runs without Python and without a lock,
    and allocates its result alone.

    Parameters
    ----------
    fun : callable
        The objective, ``fun(x, *args) -> float``, compiled by `numba.njit`; or in another form of
        `minimize`. It may call searches itself.
    jac, method, tol
        As for `minimize`. A callable `jac` is compiled by `numba.njit`, too.
    bounds : scipy.optimize.Bounds or sequence of (min, max), optional
        As for `minimize`, and the same for all searches.
    options : dict, optional
        As for `minimize`, but for what needs Python or a clock: `max_seconds`, `disp`,
        `return_all`, `polish` and `checkpoint`. If `lr` is a callable, it is asked at once for the
        step sizes of all iterations, of which there are 100,000 at most. For type checkers, a
        `fastadam.typing.CompiledOptions`.

    Returns
    -------
    callable
        ``solve(x0, *args) -> x, f, status, nit``, compiled by `numba.njit`, for callers in Python
        as well. `x0` is a vector of real numbers, a tuple of them, or one number; `args` are what
        `fun` takes. ``x`` is the best point seen, shape (n,); ``f`` the value there; ``status`` and
        ``nit`` are those of `minimize`.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described. Of ``solve``: a ValueError if the number of variables is
        not that of `bounds` or of an option, and what ``fun`` raises. What cannot be compiled is a
        `numba.TypingError` of the caller.

    See Also
    --------
    minimize_batch : Many problems from Python, in threads, with a clock.

    Notes
    -----
    There is no callback and no clock, and Ctrl-C is not seen before the caller is back in Python.
    In a ``prange``, Numba may lose an exception, whatever raises it: `fun` had better return NaN.

    The memory of a search with up to 50 variables is on the stack: 32 KiB, and as much for each
    search that another one calls. With more variables it is the rest of the block that the result
    is the head of, and is given back at the end.

    Numba does not keep a caller on disk: with ``cache=True``, it warns that the caller "uses
    dynamic globals", and compiles it in each process. These are the addresses of the compiled
    loops, which are kept on disk themselves. `minimize`, unlike a caller, sees that a function
    was recompiled.

    With a Numba that is newer than those that were tested, loops are compiled for each function,
    which takes minutes, and allocate their memory.

    Examples
    --------
    A curve y = c x² through points that have errors in x and y. One search finds where on the curve
    a point belongs, and is called by the misfit, which another one minimises:

    >>> import numpy as np
    >>> import fastadam
    >>> from numba import njit
    >>> @njit
    ... def apart(x, c, px, py):
    ...     return (x[0] - px) ** 2 + (c * x[0] ** 2 - py) ** 2
    >>> nearest = fastadam.compiled(apart)
    >>> @njit
    ... def misfit(c, px, py):
    ...     total = 0.0
    ...     for k in range(px.size):
    ...         x, f, status, nit = nearest(px[k], c[0], px[k], py[k])
    ...         total += f
    ...     return total
    >>> solve = fastadam.compiled(misfit, bounds=[(0.0, 5.0)])
    >>> px = np.array([-2.0, -1.0, 0.5, 1.5])
    >>> c, f, status, nit = solve(1.0, px, 0.7 * px**2)  # Python may call it, too
    >>> c.round(3)
    array([0.7])

    The guide, in "Fit many, or start many times", has 1,000 bootstrap fits in a ``prange``.
    """
    name = check_method(method)
    checked = check_options(name, options, tol, stacklevel=2)
    objective = check_objective(fun, (), jac, checked)
    _require_possible(objective, checked)
    if isinstance(bounds, Iterator):
        bounds = list(bounds)
    setup = Setup(objective, name, checked)
    size = _count_variables(bounds, setup)
    setup.check_sizes(size or 1)
    plan = Plan(setup, check_bounds(bounds, size or 1), size, _ask_rates(checked))
    if numba.config.DISABLE_JIT:
        return _make_uncompiled(fun, jac, method, bounds, tol, options)
    make = make_by_addresses if private.is_usable() else make_by_public_parts
    solve: CompiledSearch = make(plan)
    return solve


def _make_uncompiled(fun: Callable[..., Any], jac: Jacobian, *given: Any) -> CompiledSearch:
    """Make the function where Numba compiles nothing."""
    method, bounds, tol, options = given

    def solve(x0: ArrayLike, *args: Any) -> tuple[Vector, float, int, int]:
        result = minimize(fun, x0, args, method, jac, bounds=bounds, tol=tol, options=options)
        return result.x, result.fun, result.status, result.nit

    return solve


def _require_possible(objective: Objective, options: Options) -> None:
    """Refuse functions that are not compiled, and options for which there has to be Python."""
    for name, function in objective.functions.items():
        if not (is_compiled(function) or numba.config.DISABLE_JIT):
            raise TypeError(f"{name} must be compiled by numba.njit, got {describe(function)}")
    for name in _NO_OPTIONS:
        value = getattr(options, name)
        if value != getattr(Options(), name):
            raise ValueError(
                f"compiled has no {name}, since no Python runs in its searches, "
                f"got {describe(value)}"
            )
    if callable(options.lr) and options.maxiter > MOST_RATES:
        raise ValueError(
            f"maxiter must be at most {MOST_RATES} where lr is a callable, since compiled asks for "
            f"all step sizes at once, got {options.maxiter}"
        )


def _count_variables(bounds: Any, setup: Setup) -> int:
    """Find the number of variables, if the bounds or an option have one for each; else 0."""
    sizes = [0]
    if isinstance(bounds, Bounds):
        sizes += [size for size in (np.size(bounds.lb), np.size(bounds.ub)) if size > 1]
    elif hasattr(bounds, "__len__"):
        sizes.append(len(bounds))
    options = setup.options
    if (steps := options.finite_diff_rel_step) is not None and steps.size > 1:
        sizes.append(steps.size)
    if options.x_scale is not None:
        sizes += options.x_scale.shape
    return max(sizes)


def _ask_rates(options: Options) -> Vector:
    """Ask a schedule for the step sizes of all iterations."""
    if not callable(options.lr):
        return np.zeros(0)
    return np.array([step_size(options.lr, k) for k in range(1, options.maxiter + 1)])
