"""`minimize`: SciPy's contract for one problem."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from numpy.typing import ArrayLike

from .._names.parameters import naming, put_names, read_named_bounds, unname
from .._search.deadline import Deadline
from .._search.monitor import Monitor
from ..typing import (
    BoundsLike,
    Jacobian,
    Method,
    MinimizeOptions,
    MinimizeResult,
    NamedBounds,
    NamedStart,
    Nothing,
    Real,
)
from .arguments import check_callback, check_objective, check_start
from .bounds import check_bounds
from .checkpoints import Saver, describe_setup, drive
from .options import check_method, check_options, require_nothing
from .polish import polish, require_polishable
from .results import attach_result, make_partial_result, make_result, summarize
from .setup import Setup


def minimize(
    fun: Callable[..., Any],
    x0: ArrayLike | NamedStart,
    args: Any = (),
    method: Method | None = "adam",
    jac: Jacobian = None,
    hess: None = None,
    hessp: None = None,
    bounds: BoundsLike | NamedBounds | None = None,
    constraints: Nothing = (),
    tol: Real | None = None,
    callback: Callable[..., object] | None = None,
    options: MinimizeOptions | None = None,
    *,
    fixed: Iterable[str] = (),
) -> MinimizeResult:
    r"""Minimise a function of one or more variables, with nothing to tune.

    A drop-in for `scipy.optimize.minimize`. By default it is a quasi-Newton method, and Adam where
    that does not get on; with a number for `lr`, Adam or one of its relatives alone. A function
    compiled by Numba gets a compiled loop.

    Parameters
    ----------
    fun : callable
        The objective, ``fun(x, *args) -> float``, where ``x`` is an ndarray of shape (n,) that
        the function may overwrite. See `jac` for other forms. If `fun`, and `jac` if it is
        callable, come from `numba.njit`, the whole loop runs compiled; the result is the same to
        rounding.
    x0 : array_like, shape (n,), or mapping
        The start: real numbers, or one. Outside the bounds, the nearest point inside is taken. A
        mapping of names to numbers or arrays gives the result by name, too; functions get ``x`` in
        its order, arrays flattened.
    args : tuple, default ()
        Extra arguments of `fun` and `jac`. For compiled functions, of any types Numba knows.
    method : str, default "adam"
        The rule: "adam", "adamw", "amsgrad", "nadam", "radam", "adamax", "rmsprop", "sgd", or
        "momentum" (SGD with momentum 0.9). Their equations are those of `fastadam.Adam` and its
        siblings. None is "adam".
    jac : callable, bool or str, optional
        Where the gradient comes from.

        * callable: ``jac(x, *args)`` returns it, shape (n,).
        * True: ``fun(x, *args)`` returns the value and the gradient.
        * "in-place": ``fun(x, grad, *args)`` returns the value and fills ``grad``. It allocates
          nothing, which in a compiled loop is the last factor of two.
        * "2-point", "3-point", "cs": forward differences, central differences, or the complex
          step, for a `fun` that takes complex ``x``.
        * None or False (default): "2-point", as in SciPy; with ``lr="auto"``, "3-point", which
          begins with forward ones.
    hess, hessp : None
        As SciPy has them, in the same places. No Hessian is used: what is not None is refused.
    bounds : scipy.optimize.Bounds, sequence of (min, max), or mapping, optional
        None in a pair is no bound. A mapping is for an `x0` by name, and has the (min, max) of some
        of the names. The iterates are projected onto the box, a coordinate that hits a bound loses
        its momentum, and differences stay inside.
    constraints : empty
        As SciPy has it. There are none but bounds: what is not empty is refused.
    tol : float, optional
        Sets `gtol`, unless the options do.
    callback : callable, optional
        Called after each iteration, as ``callback(xk)``, or, if its only parameter has that name,
        as ``callback(intermediate_result=OptimizeResult(x=..., fun=...))``. `StopIteration`
        stops the search.
    options : dict, optional
        See below. Unknown ones give an `OptimizeWarning`, and None is the default of each. For
        type checkers, a `fastadam.typing.MinimizeOptions`.
    fixed : iterable of str, or one, default ()
        Names of what stays at its start, whatever its bounds, at the cost of no evaluations. For
        an `x0` by name.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x``, the best point seen, ``fun`` and ``jac`` there; ``nit``; ``nfev`` and ``njev``,
        those of differences included; ``status``, ``success`` and ``message``. Status 0: a local
        minimum, as far as a search can tell; 1: the iterations, evaluations or seconds are used
        up; 2: a polish could not go on short of the tolerances; 3: a value, gradient or start is
        not finite; 4: the value no longer falls, though it should, or it or `x` has grown without
        bound; 5: the gradient and the function disagree; 99: the callback stopped it. With
        `return_all`, ``allvecs``; with `polish`, ``first`` and ``polish``, the results of both
        parts, and counts for both together. With an `x0` by name, ``params``, a dict of floats and
        arrays; ``at_bound``, shape (n,), what a bound holds or is fixed; and ``fixed``.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, if a function returns what it should not, or if a
        compiled one cannot be compiled for its arguments. A `CheckpointError`, which is a
        ValueError, if the file of a checkpoint is damaged.
    OSError
        If a checkpoint cannot be read or written.
    KeyboardInterrupt, and whatever a function or the callback raises
        It is passed on, and carries the best point before it, see Notes.

    Other Parameters
    ----------------
    lr : float, callable or "auto", default "auto"
        The step size. With a number, or a callable of the iteration (from 1) as in
        `fastadam.schedules`, the iterates are exactly the rule's. "auto": see Notes; the options
        of the rule, from `betas` to `clip_norm`, are for its legs there, with more than ten
        variables.
    betas : tuple of float
        Default (0.9, 0.999), or (0.98, 0.995) with ``lr="auto"``.
    epsilon : float
        Default 1e-8, or 1e-12 with ``lr="auto"``.
    weight_decay : float
        Default 0, or 0.01 for "adamw". The value and the stopping tests stay those of `fun`.
    amsgrad : bool, default False
        For "adam" and "adamw".
    momentum_decay, alpha, centered, momentum, dampening, nesterov
        The first of "nadam", the second and third of "rmsprop", the last two of "sgd" and
        "momentum"; `momentum` of these three.
    clip_norm : float, optional
        Scale larger gradients down to this Euclidean norm.
    maxiter : int, default 20000
        Iterations: steps of the rule, and points that a descent tries. A polish makes at most
        20000 of its own.
    maxfev : int, optional
        Evaluations of `fun`, those of differences and of a polish included, never exceeded. Where
        it is too little for the gradient at ``x``, ``jac`` is NaN.
    max_seconds : float, optional
        Wall-clock time, that of a polish included, to within one evaluation of `fun` (with its
        gradient) or some 20 ms: a gradient from differences is left where it is. If that at ``x``
        is, ``jac`` is NaN, and the status 1 though nothing else may have been left to do.
    gtol : float
        Converged where the largest component of the projected gradient is no larger. Default 1e-5;
        with ``lr="auto"``, no such test unless it is given, since a gradient has units.
    ftol : float, optional
        Converged where the best value falls by less than ``ftol*(1 + |f|)`` in `patience`
        iterations. Default: no such test. With ``lr="auto"``, what a round has to gain for another
        to follow, see Notes; default: next to nothing of its value or of the fall so far.
    patience : int
        Default 100. With ``lr="auto"``, default 20: iterations without a fall that end a leg.
    return_all : bool, default False
        Keep all iterates.
    disp : bool, default False
        Show a progress bar, where tqdm is installed, and print a summary.
    finite_diff_rel_step : float or array_like, shape (n,)
        Step of differences, relative to ``max(1, |x|)``; with ``lr="auto"``, to the units.
        Default: as SciPy's.
    x_scale : float or array_like, shape (n,)
        Characteristic scale of each variable, as `scipy.optimize.least_squares` has it: what a
        change of it is large or small against. Default: ``|x0|``. Say it where a variable starts
        at 0, or far from 0 and is to move by little. For ``lr="auto"`` only: with another `lr`,
        and in a polish, nothing uses it.
    polish : str, optional
        A method of `scipy.optimize.minimize`, such as "L-BFGS-B", that goes on from the best
        point when the search has converged or its iterations are used up. `maxfev`, `max_seconds`
        and `gtol` (1e-5) hold for both together. So does `ftol`, in `patience` (100) iterations
        of the polish, of methods with a gradient; the others converge by their own tests, at
        `gtol` or tighter.

    checkpoint : str or path-like, optional
        A file from which a run goes on that was killed: the same call again takes it up there, and
        finds what it would have found, bit for bit by the same versions on the same kind of
        machine. See Notes.
    checkpoint_seconds : float, default 60
        The file is written so many seconds after it was written last.

    See Also
    --------
    scipy_method : The same as a `method` of `scipy.optimize.minimize`.
    report : What was found, by name, to read.
    fastadam.problems : Functions to try it on.

    Notes
    -----
    **"auto"** has three ways down. A *descent* is a quasi-Newton method, that of Broyden, Fletcher,
    Goldfarb and Shanno [1]_ with Powell's damping [2]_: on a matrix for up to 50 variables, in
    limited memory [3]_ beyond. Coordinates at a bound are left out, the others projected [4]_. Its
    line search asks for a decrease and, where the gradient is given, for a slope that is less
    steep, which serves kinks too [5]_. A *simplex* is that of Nelder and Mead [6]_, which asks for
    values alone. A *cycle* is legs of the rule: each from the best point, with moments at zero, at
    one step size, until 20 iterations bring no new best value. Then the step is shortened: a decay
    on plateau, with warm restarts [7]_.

    A search begins with a descent. Its differences are forward, and central at the end, where they
    suit the curvature [8]_. Without a gradient, descents with wide ones follow, from 0.3 to 1e-4
    of the size of `x`: implicit filtering [9]_, which passes over ripples and jumps. If the first
    has not arrived and they gain nothing, as at kinks, there is a simplex, or with more than ten
    variables a cycle, with differences as wide as its steps. If it has arrived without a gradient,
    the first moves of a simplex look around. All of this is repeated while it gains something,
    with three cycles at most.

    A descent has arrived where what its next step promises is less than rounding, or a tiny part
    of the fall so far; steps are in units of the size of each coordinate. So units of the function
    and of `x` do not matter. The constants were chosen on two thirds of a set of 225 published
    functions, and judged on the last.

    **Exceptions.** What leaves `minimize` by an exception, Ctrl-C included, carries the result so
    far as its attribute ``result``, with status 98, unless that attribute means something else to
    it::

        try:
            result = fastadam.minimize(fun, x0)
        except KeyboardInterrupt as interruption:
            result = interruption.result

    ``fun`` and ``jac`` there are NaN if not even one point was known.

    **Checkpoints** need the extra of that name. The file is also written when `max_seconds` are
    over, which count for each call by itself, when the callback stops the search, and at SIGTERM
    and Ctrl-C: these wait for the evaluation at hand and for the file, and a second one does not
    (in the main thread; in others, nothing waits). It is replaced in one go, so that there is
    always a whole one. A search that has ended in any other way removes it. What decides about a
    search has to be the same, or a `ValueError` says what is not: `x0`, `bounds`, `method`, the
    options but `max_seconds` and `disp`. The functions, and what is in `args`, are not compared. A
    function, schedule or callback with a state of its own begins with a new one; the callback gets
    no iterate again that it had before the file was written. There is no `return_all` and no
    `polish`.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright, "Numerical optimization", 2nd edition, Springer 2006, chapter 6
    .. [2] M. J. D. Powell, Mathematical Programming 14 (1978) 224-248
    .. [3] J. Nocedal, Mathematics of Computation 35 (1980) 773-782
    .. [4] D. P. Bertsekas, SIAM Journal on Control and Optimization 20 (1982) 221-246
    .. [5] A. S. Lewis, M. L. Overton, Mathematical Programming 141 (2013) 135-163
    .. [6] J. A. Nelder, R. Mead, The Computer Journal 7 (1965) 308-313
    .. [7] I. Loshchilov, F. Hutter, "SGDR", ICLR 2017, https://arxiv.org/abs/1608.03983
    .. [8] P. E. Gill, W. Murray, M. A. Saunders, M. H. Wright, SIAM Journal on Scientific and
       Statistical Computing 4 (1983) 310-321
    .. [9] P. Gilmore, C. T. Kelley, SIAM Journal on Optimization 5 (1995) 269-285

    Examples
    --------
    A function of NumPy arrays, without a gradient:

    >>> import numpy as np
    >>> import fastadam
    >>> from scipy.optimize import rosen
    >>> result = fastadam.minimize(rosen, [-1.2, 1.0])
    >>> result.success, result.x.round(4)
    (True, array([1., 1.]))

    A compiled one, with data and bounds:

    >>> from numba import njit
    >>> @njit
    ... def misfit(p, t, y):
    ...     return np.sum((p[0] * np.exp(-p[1] * t) - y) ** 2)
    >>> t = np.linspace(0.0, 4.0, 30)
    >>> y = 2.5 * np.exp(-1.3 * t)
    >>> result = fastadam.minimize(misfit, [1.0, 1.0], args=(t, y), bounds=[(0, 10), (0, 5)])
    >>> result.x.round(4)
    array([2.5, 1.3])

    Plain Adam, with a compiled function that gives the gradient too:

    >>> @njit
    ... def bowl(x, grad):
    ...     grad[:] = 2 * x
    ...     return np.sum(x**2)
    >>> result = fastadam.minimize(bowl, [1.0, -2.0], jac="in-place", options={"lr": 0.1})
    >>> result.nit, bool(abs(result.x).max() < 1e-5)
    (212, True)
    """
    name = check_method(method)
    require_nothing(hess, hessp, constraints)
    checked = check_options(name, options, tol, stacklevel=2)
    names, flat = unname("x0", x0, fixed)
    start, bounds = check_start(flat), read_named_bounds(names, bounds)
    box = check_bounds(bounds, start.size)
    if names is not None:
        box = names.hold(start, *box)
    is_bounded = bounds is not None or (names is not None and bool(names.fixed))
    objective = check_objective(fun, args, jac, checked)
    if checked.polish is not None:
        has_gradient = objective.scheme == "gradient"
        require_polishable(checked.polish, is_bounded, has_gradient)
    setup, saver = Setup(objective, name, checked), None
    if checked.checkpoint is not None:
        saver = Saver("minimize", checked, describe_setup(setup, x0=start, bounds=box))
    run = setup.start_one(start, *box)
    callback, deadline = check_callback(callback), Deadline(checked.max_seconds).start()
    monitor = Monitor(run, deadline, callback, checked.return_all, checked.disp)
    with naming(names, *box):
        try:
            drive(monitor, run, saver)
            result: MinimizeResult = make_result(run, monitor.iterates)
        except BaseException as error:
            attach_result(error, make_partial_result(run, error, monitor.iterates))
            raise
        if checked.polish is not None and result.status != 99:
            result = polish(setup, box, result, deadline, callback, is_bounded)
    put_names(names, result, *box)
    if checked.disp:
        print(summarize(result))
    return result
