"""`minimize_batch`: the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, get_args, overload

from numpy.typing import ArrayLike

from .._cuda.interface import is_on_gpu
from .._minimize.arguments import check_objective
from .._minimize.options import check_method
from .._names.parameters import Names, naming, put_names, read_named_bounds
from .._search.rows import Starts
from .._validate import one_of
from ..typing import (
    BatchBoundsLike,
    BatchResult,
    Device,
    DeviceArray,
    DeviceBatchResult,
    Integer,
    Jacobian,
    Method,
    MinimizeBatchOptions,
    NamedBounds,
    NamedStart,
    Real,
    Vector,
)
from .arguments import (
    check_batch_bounds,
    check_batch_options,
    check_row_args,
    check_starts,
    unname_rows,
)
from .checkpoints import require_resumable
from .device_arguments import require_device
from .problems import Problems
from .solving import solve_problems
from .workers.pools import check_workers


@overload
def minimize_batch(
    fun: Callable[..., Any],
    x0: DeviceArray,
    args: Any = (),
    batch_args: Any = (),
    method: Method | None = "adam",
    jac: Jacobian = None,
    bounds: BatchBoundsLike | None = None,
    tol: Real | None = None,
    options: MinimizeBatchOptions | None = None,
    *,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
) -> DeviceBatchResult: ...
@overload
def minimize_batch(
    fun: Callable[..., Any],
    x0: ArrayLike | NamedStart,
    args: Any = (),
    batch_args: Any = (),
    method: Method | None = "adam",
    jac: Jacobian = None,
    bounds: BatchBoundsLike | NamedBounds | None = None,
    tol: Real | None = None,
    options: MinimizeBatchOptions | None = None,
    *,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
    fixed: Iterable[str] = (),
) -> BatchResult: ...
def minimize_batch(
    fun: Callable[..., Any],
    x0: ArrayLike | DeviceArray | NamedStart,
    args: Any = (),
    batch_args: Any = (),
    method: Method | None = "adam",
    jac: Jacobian = None,
    bounds: BatchBoundsLike | NamedBounds | None = None,
    tol: Real | None = None,
    options: MinimizeBatchOptions | None = None,
    *,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
    fixed: Iterable[str] = (),
) -> BatchResult | DeviceBatchResult:
    """Minimise one function many times: a start, and maybe data and bounds, for each problem.

    Each problem is solved by itself, with its own number of steps and its own end, and the result
    is that of `minimize` for it alone. Functions compiled by Numba are solved in compiled loops,
    spread over threads; the number of threads does not change the results.

    Parameters
    ----------
    fun : callable
        The objective, ``fun(x, *args, *row_args) -> float``, or in the other forms of
        `minimize`.
    x0 : array_like, shape (B, n), or array on the GPU, or mapping
        A start for each of B problems. A mapping of names gives the result by name, too: each to a
        number for all problems, or an array whose leading axis has length B. Functions get ``x``
        in its order, arrays flattened.
    args : tuple, default ()
        Extra arguments that all problems share, also those that are solved at the same time: a
        compiled function that writes to an array there needs the option `copy_args`.
    batch_args : tuple of array_like, default ()
        Arrays with a leading axis of length B: problem k gets the k-th row of each, and may write
        to it.
    method, jac, tol
        As for `minimize`.
    bounds : scipy.optimize.Bounds, sequence of (min, max), or array_like, optional
        For all problems, as for `minimize`, also by name; or for each, as a `Bounds` of (B, n)
        arrays or as an array of shape (B, n, 2).
    options : dict, optional
        As for `minimize`, where `lr` may also be an array of shape (B,); compiled loops call a
        callable once for each iteration, whatever B, and some iterations ahead. `maxiter` and
        `maxfev` count for each problem, `max_seconds` for all together, and `x_scale` is that of
        all. There is no `return_all` and no `polish`. With `checkpoint`, rows that were finished
        are kept, and those at hand begin anew; it is not for `workers`, GPUs and functions that
        are `vectorized`. For type checkers, a `fastadam.typing.MinimizeBatchOptions`. And:

        threads : int, default one for each core, or ``numba.get_num_threads()`` if that is less
            Of compiled functions; one that is compiled with ``parallel=True``, or calls one that
            is, gets one. ``NUMBA_NUM_THREADS`` and `numba.set_num_threads` set the default.
        copy_args : bool, default False
            Whether each thread works on its own copy of the arrays in `args`, so that a compiled
            function can have scratch arrays there. What is in them when a problem begins is what
            another one has left. (An array in `batch_args` gives each problem its own.)
        on_error : {"raise", "nan"}, default "raise"
            What an exception for one problem does: it ends them all; or, with "nan", that problem
            alone, which gets status 98, and NaN in ``x``, ``fun`` and ``jac``. `KeyboardInterrupt`
            and `SystemExit` always end all.
        vectorized : bool, default False
            Whether functions take many points at once: ``fun(X, *args, *row_args) -> F``, where
            `X` is (A, n), F is (A,) and gradients are (A, n), for the A problems that still go
            on, whose rows of `batch_args` come with them. Faster for functions in NumPy.
    device : {"cpu", "cuda"}, default "cpu"
        Where the problems are solved: on "cuda", by the current NVIDIA GPU, with one of the extras
        ``cuda12`` and ``cuda13``. Only there may arrays be on it already. See Notes.
    workers : int or map-like callable, optional
        Who solves, as for SciPy: so many processes (-1: one for each core; 1: this one), or what
        is called as ``workers(function, chunks)`` and returns the results, or futures of them:
        the ``map`` of a pool, an executor, an MPI pool or a Dask client. Each worker uses one
        thread unless `threads` says otherwise. With ``device="cuda"`` each of so many processes
        takes a GPU of its own, and a callable's workers take their current ones. See Notes.
    fixed : iterable of str, or one, default ()
        Names of what stays at its start in each problem, as for `minimize`.

    Returns
    -------
    scipy.optimize.OptimizeResult
        ``x`` and ``jac`` of shape (B, n); ``fun``, ``nit``, ``nfev``, ``njev``, ``status`` and
        ``success`` of shape (B,); and ``message``, which counts the outcomes. The status is that
        of `minimize`; 2 where bounds leave no room; and 98 where an exception was raised, see
        `on_error`. Rows that were not finished in `max_seconds` have status 1, and ``fun`` NaN if
        they were not begun. With an `x0` by name, ``params``, a dict of arrays of shape (B,) or
        (B, ...); ``at_bound``, (B, n); and ``fixed``.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, and as `minimize`. What ``fun`` raises for one problem
        ends them all, unless `on_error` says otherwise. Any exception, `KeyboardInterrupt`
        included, carries what was found until then as its attribute ``result``: rows that were
        not finished have status 98.

    See Also
    --------
    minimize : One problem.

    Notes
    -----
    **Workers** are for functions in Python, which threads do not speed up, and for more than one
    machine. They get chunks of rows: 16 for each of our own processes, up to 256 for a map-like
    callable. The results are the same bit for bit, on machines of one kind, if arrays in `args`
    are contiguous: others arrive as contiguous copies, whose sums may round differently.

    Functions, arguments and data are pickled, lambdas and functions of notebooks too; what is
    imported from a module, the workers have to be able to import. What a function writes to its
    surroundings stays in the worker. A map-like callable may send `args` with each chunk.

    Processes of our own are spawned for each call, which takes a second or two, and each compiles
    the functions anew; so a script needs ``if __name__ == "__main__":`` around all that is not
    for them. A pool of your own is started once, in your way, and is not closed.

    `max_seconds` counts from when the first process of our own is ready. With a map-like callable
    it counts from the call, by the clocks of the machines, which have to agree. A chunk that is
    begun in time gets what is left, from when its function is compiled. Ctrl-C ends our own
    processes at once; a pool of yours finishes what it has begun.

    **Several GPUs** take `workers`. Of so many processes of our own, process k takes GPU k, modulo
    their number. What a map-like callable calls takes the GPU that is current there: threads say
    numba-cuda's ``select_device``, workers of Dask-CUDA see one each. Chunks are larger: 2 for each
    of our own processes, up to 16 for a callable. The results are those of one GPU bit for bit, on
    GPUs of one kind.

    **On a GPU**, each thread solves one problem after the other. `fun` is a function in Python, or
    one compiled by Numba, in the subset of CUDA: it makes no arrays. It returns the value, or
    fills the gradient (``jac="in-place"``), or returns the gradient as a tuple of n numbers
    (``jac=True``, and a callable `jac`). The results agree with the CPU's to rounding, since
    CUDA's ``exp`` and its like differ in the last bits. Of an exception that `fun` raises, the
    error tells the problem only. `threads` has no meaning there.

    **Data on a GPU** are used where they are: `x0`, `args`, `batch_args`, bounds and an array
    `lr` may be contiguous arrays of CuPy, torch, Numba or whatever has
    ``__cuda_array_interface__``, in float32 or float64 (`args` and `batch_args` of any numbers),
    each of another library or on the host. Where `x0` is one, so are the results, of its library
    (Numba's for one that is not named here), with ``x`` and ``jac`` in its dtype; then nothing of
    the size of the batch comes to the host, and no process but this one solves. Bounds for each
    problem are an array of shape (B, n, 2), or sides of shape (B, n), in a `Bounds` or whatever
    else has ``lb`` and ``ub``: SciPy takes no tensors on a GPU. What was enqueued before, on any
    stream, is waited for; when the call returns, the results are there for all streams.

    If `x0` is float32, a GPU computes in float32, and ``lr="auto"`` and differences are adapted to
    it. Then data should be float32 too, and constants ``np.float32(2)``, or they make float64 of
    it; and `gtol`, where there is one, has to be one that float32 can reach.

    The GPU is left every 20 ms, between two points: so `max_seconds` is kept to within one value
    and gradient, differences included. What a row has evaluated before an exception is lost with
    it: with ``on_error="nan"`` its counts are 0.

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
    names, flat = unname_rows(x0, fixed, batch_args)
    pairs = read_named_bounds(names, bounds)
    result, summarize = solve_batch(
        fun, flat, args, batch_args, method, jac, pairs, tol, options,
        device=device, workers=workers, names=names,
    )  # fmt: skip
    if options is not None and options.get("disp"):
        print(summarize())
    return result


def solve_batch(
    fun: Callable[..., Any],
    x0: ArrayLike | DeviceArray,
    args: Any,
    batch_args: Any,
    method: Method | None,
    jac: Jacobian,
    bounds: BatchBoundsLike | None,
    tol: Real | None,
    options: MinimizeBatchOptions | None,
    *,
    device: Device = "cpu",
    workers: Integer | Callable[..., Any] | None = None,
    tolerance: Vector | None = None,
    names: Names | None = None,
) -> tuple[BatchResult, Callable[[], str]]:
    """Do what `minimize_batch` does; return the result, and what makes its summary.

    With a ``tolerance`` by which minima are told apart, a search may end at one found before. With
    ``names``, the result is by name, too.
    """
    name, device = check_method(method), one_of("device", device, get_args(Device))
    points = check_starts(x0, device)
    checked, own = check_batch_options(name, options, tol, len(points), device)
    for option in ("vectorized", "copy_args"):
        if getattr(own, option) and device != "cpu":
            raise ValueError(f"options[{option!r}] is for device='cpu', got device={device!r}")
    workers = check_workers(workers)
    require_resumable(checked, own, device, workers)
    objective = check_objective(fun, args, jac, checked)
    for i, value in enumerate(objective.args):
        require_device(f"args[{i}]", value, device)
    lowers, uppers = check_batch_bounds(bounds, len(points), points.shape[1], device)
    if names is not None:
        if is_on_gpu(lowers) or is_on_gpu(uppers):
            raise ValueError("bounds must not be on a GPU with x0 by name")
        lowers, uppers = names.hold(points, lowers, uppers)
    starts = Starts(points, lowers, uppers, own.rates)
    row_args = check_row_args(batch_args, len(points), device)
    problems = Problems(
        objective, name, checked, row_args, starts, points.dtype, own.on_error, own.copy_args
    )
    like = x0 if is_on_gpu(x0) else None
    with naming(names, lowers, uppers):
        result, summarize = solve_problems(problems, like, own, device, workers, tolerance)
    put_names(names, result, lowers, uppers)
    return result, summarize
