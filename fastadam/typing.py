"""Types for annotations: what fastadam's functions take and return.

Calling them needs none of these. A type checker wants them where a variable stands between a
literal and a call::

    options: fastadam.typing.MinimizeOptions = {"lr": 0.01, "maxiter": 500}
    result: fastadam.typing.MinimizeResult = fastadam.minimize(fun, x0, options=options)

The types of results say what their attributes are; the objects are SciPy's
`scipy.optimize.OptimizeResult`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, ValuesView
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

# fmt: off
__all__ = [
    "BatchBoundsLike", "BatchResult", "BoundsLike", "CompiledOptions", "CompiledSearch",
    "CurveFitResult", "Device", "DeviceArray", "DeviceBatchResult", "Gradients", "Jacobian",
    "LearningRate", "Method", "MinimizeBatchOptions", "MinimizeOptions", "MinimizeResult",
    "MultistartResult", "NamedBounds", "NamedStart", "Nonfinite", "OnError", "OptimizerOptions",
    "Params", "PolishMethod", "Sampling", "Sparse", "StateDtype", "Statement", "UncertaintyResult",
]
# fmt: on

if TYPE_CHECKING:
    from typing_extensions import Unpack as Unpack
elif sys.version_info >= (3, 11):
    from typing import Unpack
else:

    class Unpack:
        """What `typing.Unpack` is, for annotations that are looked at in Python 3.10."""

        def __class_getitem__(cls, options):
            return options


Integer = int | np.integer[Any]
Real = float | np.floating[Any] | np.integer[Any]
Boolean = bool | np.bool_

#: Of float64, one row, and of float64, a row for each of many.
Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

#: The rules of `fastadam.minimize`.
Method = Literal[
    "adam", "adamw", "amsgrad", "nadam", "radam", "adamax", "rmsprop", "sgd", "momentum"
]

# fmt: off
#: SciPy's methods that can go on where a rule ends: those that need no Hessian.
PolishMethod = Literal[
    "Nelder-Mead", "Powell", "CG", "BFGS", "Newton-CG", "L-BFGS-B", "TNC", "COBYLA", "COBYQA",
    "SLSQP", "trust-constr",
    "nelder-mead", "powell", "cg", "bfgs", "newton-cg", "l-bfgs-b", "tnc", "cobyla", "cobyqa",
    "slsqp",
]
# fmt: on

Device = Literal["cpu", "cuda"]
Nonfinite = Literal["propagate", "raise", "skip"]
Sparse = Literal["lazy", "exact"]
OnError = Literal["raise", "nan"]
StateDtype = Literal["bfloat16", "uint8"]
Sampling = Literal["sobol", "latin-hypercube"]
#: What a function is, to `fastadam.uncertainty`.
Statement = Literal["least_squares", "chi2", "likelihood"]

#: A number, or a callable of the step.
LearningRate = Real | Callable[[int], Real]

#: What `fastadam.compiled` makes: ``solve(x0, *args)`` gives x, the value there, the status and the
#: number of iterations.
CompiledSearch = Callable[..., tuple[Vector, float, int, int]]

#: Where the gradient comes from.
Jacobian = Callable[..., Any] | bool | Literal["2-point", "3-point", "cs", "in-place"] | None


class _Bounds(Protocol):
    """What `scipy.optimize.Bounds` is."""

    @property
    def lb(self) -> Any: ...

    @property
    def ub(self) -> Any: ...


#: A `scipy.optimize.Bounds`, or a (min, max) for each variable.
BoundsLike = (
    _Bounds | NDArray[Any] | Sequence[Sequence[Real | None]] | Iterator[Sequence[Real | None]]
)

#: No constraints.
Nothing = tuple[()] | list[NoReturn] | dict[NoReturn, NoReturn] | None


class DeviceArray(Protocol):
    """An array on a GPU, of CuPy, Numba, torch or another package."""

    @property
    def __cuda_array_interface__(self) -> Any: ...


#: The same as `BoundsLike` for all problems of a batch, or for each.
BatchBoundsLike = BoundsLike | Sequence[Sequence[Sequence[Real | None]]] | DeviceArray


#: A start by name: numbers, or arrays.
NamedStart = Mapping[str, ArrayLike]

#: A (min, max) for each name that has bounds.
NamedBounds = Mapping[str, Sequence[Real | None]]


class RowGradient(Protocol):
    """A `fastadam.Rows`."""

    @property
    def rows(self) -> Any: ...

    @property
    def grads(self) -> Any: ...


_Array = NDArray[np.floating[Any]] | DeviceArray

#: What arrays may be nested in, to any depth: checkers look at two levels of it. (For a type that
#: refers to itself a string is a sequence of such strings, and mypy lets numbers pass.)
_Deep = _Array | RowGradient | list[Any] | tuple[Any, ...] | Mapping[str, Any]
_Part = _Array | Sequence[_Deep] | Mapping[str, _Deep]
Nested = Sequence[_Part] | Mapping[str, _Part]

#: The parameters of an optimiser: arrays, nested to any depth, or groups of them.
Params = (
    _Array
    | Sequence[_Part | Mapping[str, Any]]
    | Mapping[str, _Part]
    | Iterator[_Array]
    | ValuesView[_Array]
)
_Gradient = _Array | RowGradient
#: The gradients of a step, with their structure; None instead of a part of it.
Gradients = (
    _Gradient
    | Sequence[_Gradient | Sequence[_Deep | None] | Mapping[str, _Deep | None] | None]
    | Mapping[str, _Gradient | Sequence[_Deep | None] | Mapping[str, _Deep | None] | None]
    | Iterator[_Gradient | None]
    | ValuesView[_Gradient]
)


class OptimizerOptions(TypedDict, total=False):
    """What all optimisers take beside the hyper-parameters of their own."""

    maximize: Boolean
    nonfinite: Nonfinite
    threads: Integer | None
    clip_norm: Real | None
    clip_value: Real | None
    average: Real | Literal["equal"] | None
    overrides: Mapping[str, Mapping[str, Any]] | None
    sparse: Sparse
    state_dtype: StateDtype | None


class _RuleOptions(TypedDict, total=False):
    betas: tuple[Real, Real] | None
    epsilon: Real | None
    weight_decay: Real | None
    amsgrad: Boolean | None
    alpha: Real | None
    centered: Boolean | None
    momentum: Real | None
    dampening: Real | None
    nesterov: Boolean | None
    momentum_decay: Real | None
    clip_norm: Real | None
    maxiter: Real | None
    maxfev: Real | None
    gtol: Real | None
    ftol: Real | None
    patience: Real | None
    finite_diff_rel_step: ArrayLike | None
    x_scale: Real | Sequence[Real] | NDArray[Any] | None


class _SearchOptions(_RuleOptions, total=False):
    max_seconds: Real | None
    disp: Boolean | None
    checkpoint: str | PathLike[str] | None
    checkpoint_seconds: Real | None


class MinimizeOptions(_SearchOptions, total=False):
    """The options of `fastadam.minimize`, each of which may be left out."""

    lr: LearningRate | Literal["auto"] | None
    return_all: Boolean | None
    polish: PolishMethod | None


class MinimizeBatchOptions(_SearchOptions, total=False):
    """The options of `fastadam.minimize_batch` and `fastadam.multistart`."""

    lr: LearningRate | Literal["auto"] | Sequence[Real] | NDArray[Any] | DeviceArray | None
    threads: Integer | None
    vectorized: Boolean | None
    copy_args: Boolean | None
    on_error: OnError | None


class CompiledOptions(_RuleOptions, total=False):
    """The options of `fastadam.compiled`, each of which may be left out."""

    lr: LearningRate | Literal["auto"] | None


if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

    class _SearchResult(OptimizeResult):
        x: Vector
        fun: float
        jac: Vector
        nit: int
        nfev: int
        njev: int
        status: int
        success: bool
        message: str

    class MinimizeResult(_SearchResult):
        """The result of `fastadam.minimize`."""

        allvecs: list[Vector]  # with return_all
        params: dict[str, Any]  # by name, as the next two
        at_bound: NDArray[np.bool_]
        fixed: tuple[str, ...]
        first: MinimizeResult  # with polish
        polish: OptimizeResult  # with polish

    class BatchResult(OptimizeResult):
        """The result of `fastadam.minimize_batch`."""

        x: Matrix
        fun: Vector
        jac: Matrix
        nit: NDArray[np.int64]
        nfev: NDArray[np.int64]
        njev: NDArray[np.int64]
        status: NDArray[np.int64]
        success: NDArray[np.bool_]
        message: str
        params: dict[str, NDArray[np.float64]]  # by name, as the next two
        at_bound: NDArray[np.bool_]
        fixed: tuple[str, ...]

    class DeviceBatchResult(OptimizeResult):
        """The result of `fastadam.minimize_batch` for starts on a GPU: arrays of their library."""

        x: Any
        fun: Any
        jac: Any
        nit: Any
        nfev: Any
        njev: Any
        status: Any
        success: Any
        message: str

    class CurveFitResult(OptimizeResult):
        """The result of `fastadam.curve_fit` for many curves, or for parameters by name."""

        x: NDArray[np.float64]
        stderr: NDArray[np.float64]
        covariance: NDArray[np.float64]
        chi2: NDArray[np.float64]
        reduced_chi2: NDArray[np.float64]
        at_bound: NDArray[np.bool_]
        points: NDArray[np.int64]
        nit: NDArray[np.int64]
        nfev: NDArray[np.int64]
        status: NDArray[np.int64]
        success: NDArray[np.bool_]
        message: str
        params: dict[str, Any]  # by name, as the next two
        errors: dict[str, Any]
        fixed: tuple[str, ...]

    class MultistartResult(_SearchResult):
        """The result of `fastadam.multistart`."""

        minima: Matrix
        minima_fun: Vector
        counts: NDArray[np.int64]
        solutions: BatchResult

    class UncertaintyResult(OptimizeResult):
        """The result of `fastadam.uncertainty`."""

        stderr: NDArray[np.float64]
        covariance: NDArray[np.float64]
        correlation: NDArray[np.float64]
        hessian: NDArray[np.float64]
        at_bound: NDArray[np.bool_]
        condition: Any
        success: Any
        message: str
        errors: dict[str, Any]  # by name

else:  # with SciPy's minimisers imported only where it is used: they take 0.2 s
    _RESULTS = (
        "MinimizeResult",
        "BatchResult",
        "DeviceBatchResult",
        "MultistartResult",
        "UncertaintyResult",
        "CurveFitResult",
    )

    def __getattr__(name: str) -> Any:
        if name not in _RESULTS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from scipy.optimize import OptimizeResult

        return OptimizeResult

    def __dir__() -> list[str]:
        return sorted(__all__)
