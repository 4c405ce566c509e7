"""`multistart`: from a function and a box to the best of many solves."""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from typing import Any, get_args

import numpy as np
from scipy.optimize import Bounds, OptimizeResult

from .._minimize.bounds import check_bounds
from .._minimize.results import summarize
from .._validate import count, describe, flag, one_of
from ..typing import (
    Boolean,
    BoundsLike,
    Device,
    Integer,
    Jacobian,
    Matrix,
    Method,
    MinimizeBatchOptions,
    MultistartResult,
    Real,
    Sampling,
    Vector,
)
from .api import solve_batch
from .minima import find_minima, find_tolerance

#: SciPy's Sobol sequence has no more points.
_MOST_STARTS = 2**30


def multistart(
    fun: Callable[..., Any],
    bounds: BoundsLike,
    n_starts: Integer = 100,
    args: Any = (),
    method: Method | None = "adam",
    jac: Jacobian = None,
    tol: Real | None = None,
    options: MinimizeBatchOptions | None = None,
    *,
    sampling: Sampling = "sobol",
    rng: Integer | np.random.Generator | None = None,
    within_bounds: Boolean = True,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
) -> MultistartResult:
    r"""Minimise a function from many starts in a box; return the best, and all minima found.

    The starts are spread evenly by a quasi-random sequence, and solved for as `minimize_batch`
    does; a search that comes down to a minimum found before ends there.

    Parameters
    ----------
    fun : callable
        The objective, ``fun(x, *args) -> float``, or in the other forms of `minimize`. Compiled
        by Numba, it is solved in compiled loops on all cores.
    bounds : scipy.optimize.Bounds or sequence of (min, max)
        The box, one pair for each variable, all finite.
    n_starts : int, default 100
        How many starts.
    args : tuple, default ()
        Extra arguments of `fun` and `jac`.
    method, jac, tol
        As for `minimize`.
    options : dict, optional
        As for `minimize_batch`.
    sampling : {"sobol", "latin-hypercube"}, default "sobol"
        The starts are a scrambled Sobol sequence [1]_, or a Latin hypercube [2]_, in which each
        of `n_starts` slices of each axis has one start. With the same seed, more starts of
        "sobol" begin with the fewer ones.
    rng : int or numpy.random.Generator, optional
        The seed: the same one gives the same result. None takes another one each time.
    within_bounds : bool, default True
        Whether the solves have to stay in the box. If not, it is for the starts only.
    device : {"cpu", "cuda"}, default "cpu"
        As for `minimize_batch`: where the solves are made.
    workers : int or map-like callable, optional
        As for `minimize_batch`: processes or machines that share the solves.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, ``fun``, ``jac``, ``status`` and ``success`` of the best successful solve, or, if
        none is successful, of the one with the lowest value; ``nit``, ``nfev`` and ``njev``, the
        sums over all; ``message``, which counts the minima and the outcomes. And

        minima : ndarray, shape (k, n)
            The distinct minimisers that successful solves ended at, from the lowest value to the
            highest: the first is ``x``.
        minima_fun : ndarray, shape (k,)
            The values there.
        counts : ndarray of int, shape (k,)
            How many starts ended there.
        solutions : scipy.optimize.OptimizeResult
            As `minimize_batch` returns it: a row for each start, in the order of the starts.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, and as `minimize`.

    See Also
    --------
    minimize_batch : With your own starts.
    minimize : From one start.

    Notes
    -----
    **One minimum or two?** End points are counted by value, from the lowest. One belongs to a
    minimum found before if in each coordinate they differ by at most 1e-3 of the width of the box
    (of ``max(1, |x|)``, if it has none), and if the values agree to ``1e-5 (1 + |f|)``, where
    :math:`f` is the lower one; among several, to the lowest. Otherwise it is a minimum of its own.
    So along a valley with a flat floor, or with a loose `gtol`, one minimum counts as many.

    A minimum is only as good as its solve: saddle points and other places without a gradient,
    plateaus among them, end solves too.

    **No minimum is checked twice.** Much of a search with ``lr="auto"`` is spent after it has come
    down, on whether there is a lower place nearby. So the starts are taken in rounds: 8, then
    four times as many each time. In a later round, a search whose descent ends at a minimum that is
    known from the rounds before, as told above, ends there: a success, and `x` is its own best
    point. The first rounds do not depend on how many follow, nor the results on the number of
    threads or workers. Of more than 1,000 minima, the most frequent are compared. With a step size
    of your own, all starts are one round.

    **How many starts?** Each start finds the minimum of the valley that it is in, more or less, so
    a valley that takes up a share :math:`p` of the box is missed by :math:`N` random starts with
    probability :math:`(1 - p)^N`. A minimum with a count of 1 says that there may be more. [3]_
    estimates from the counts how many.

    References
    ----------
    .. [1] I. M. Sobol', "On the distribution of points in a cube and the approximate evaluation of
       integrals", USSR Computational Mathematics and Mathematical Physics 7 (1967) 86-112
    .. [2] M. D. McKay, R. J. Beckman, W. J. Conover, "A comparison of three methods for selecting
       values of input variables in the analysis of output from a computer code", Technometrics 21
       (1979) 239-245
    .. [3] A. H. G. Rinnooy Kan, G. T. Timmer, "Stochastic global optimization methods. Part I:
       clustering methods; Part II: multi level methods", Mathematical Programming 39 (1987) 27-78

    Examples
    --------
    Himmelblau's function has four minima, all of value 0:

    >>> import fastadam
    >>> problem = fastadam.problems.himmelblau()
    >>> result = fastadam.multistart(problem.fun, problem.bounds, 64, jac=problem.jac, rng=0)
    >>> for x, y in sorted(result.minima.tolist()):
    ...     print(f"{x:.3f} {y:.3f}")
    -3.779 -3.283
    -2.805 3.131
    3.000 2.000
    3.584 -1.848
    >>> int(result.counts.sum())
    64
    """
    lower, upper = _check_box(bounds)
    number = count("n_starts", n_starts, 1, _MOST_STARTS)
    kind = one_of("sampling", sampling, get_args(Sampling))
    limits = Bounds(lower, upper) if flag("within_bounds", within_bounds) else None
    seed = rng if rng is None or isinstance(rng, np.random.Generator) else count("rng", rng, 0)
    starts = _draw_starts(kind, np.random.default_rng(seed), number, lower, upper)
    tolerance = find_tolerance(lower, upper)
    solutions, _ = solve_batch(
        fun, starts, args, (), method, jac, limits, tol, options,
        device=device, workers=workers, tolerance=tolerance,
    )  # fmt: skip
    leaders, counts = find_minima(solutions, tolerance)
    # Without a success, the lowest value; NaN is that of a row without a number.
    best = leaders[0] if leaders.size else int(np.argmin(np.nan_to_num(solutions.fun, nan=np.inf)))
    minima = "1 minimum" if leaders.size == 1 else f"{leaders.size} minima"
    sums = {name: int(solutions[name].sum()) for name in ("nit", "nfev", "njev")}
    result: MultistartResult = OptimizeResult(
        x=solutions.x[best].copy(),
        fun=float(solutions.fun[best]),
        jac=solutions.jac[best].copy(),
        **sums,
        status=int(solutions.status[best]),
        success=bool(solutions.success[best]),
        message=f"{minima} from {number} starts. {solutions.message}",
        minima=solutions.x[leaders],
        minima_fun=solutions.fun[leaders],
        counts=counts,
        solutions=solutions,
    )
    if options is not None and options.get("disp"):
        print(summarize(result))
    return result


def _check_box(bounds: Any) -> tuple[Vector, Vector]:
    """Make vectors of the lower and the upper bounds, as many as there are variables."""
    if isinstance(bounds, Bounds):
        n = max(np.size(bounds.lb), np.size(bounds.ub))
    else:
        try:
            if not isinstance(bounds, (list, tuple, np.ndarray)):
                bounds = list(bounds)
            n = len(bounds)
        except TypeError:
            raise ValueError(
                f"bounds must be a Bounds or a (min, max) for each variable, got {describe(bounds)}"
            ) from None
    if n == 0:
        raise ValueError("bounds must have a (min, max) for at least one variable, got none")
    lower, upper = check_bounds(bounds, n, stacklevel=3)
    known = np.isfinite(lower) & np.isfinite(upper)
    if not known.all():
        i = int(np.argmin(known))
        raise ValueError(
            f"bounds must be finite to draw starts from, got bounds[{i}] = ({lower[i]}, {upper[i]})"
        )
    return lower, upper


def _draw_starts(
    sampling: str, rng: np.random.Generator, number: int, lower: Vector, upper: Vector
) -> Matrix:
    """Draw points in the box, one a row."""
    from scipy.stats import qmc  # half a second, which nobody else should pay for

    engine = qmc.Sobol if sampling == "sobol" else qmc.LatinHypercube
    keyword = "rng" if "rng" in signature(engine).parameters else "seed"  # before SciPy 1.15
    sampler = engine(lower.size, **{keyword: rng})
    if sampling == "sobol":  # which is even at powers of two; SciPy warns of other numbers
        unit = sampler.random_base2((number - 1).bit_length())[:number]
    else:
        unit = sampler.random(number)
    # Not lower + width * unit: as in `find_tolerance`, the width may be infinite.
    points: Matrix = np.clip(lower * (1.0 - unit) + upper * unit, lower, upper)
    return points
