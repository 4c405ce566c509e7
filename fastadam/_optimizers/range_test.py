"""The learning-rate range test: training with one rate after the other, which is undone."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from .. import _validate as checks
from ..typing import Gradients, Integer, Real
from .base import Optimizer

#: The test ends where the loss is so many times the first one.
TOO_HIGH = 4.0


class LRCurve(NamedTuple):
    """What `fastadam.lr_find` saw: rates, the loss that each step began with, and its average."""

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]


Evaluate = Callable[[], tuple[Any, Gradients]]


@overload
def lr_find(
    optimizer: Optimizer,
    evaluate: Evaluate,
    first: Real = ...,
    last: Real = ...,
    steps: Integer = ...,
    smoothing: Real = ...,
    *,
    return_curve: Literal[False] = ...,
) -> float: ...
@overload
def lr_find(
    optimizer: Optimizer,
    evaluate: Evaluate,
    first: Real = ...,
    last: Real = ...,
    steps: Integer = ...,
    smoothing: Real = ...,
    *,
    return_curve: Literal[True],
) -> tuple[float, LRCurve]: ...
def lr_find(
    optimizer: Optimizer,
    evaluate: Evaluate,
    first: Real = 1e-6,
    last: Real = 1.0,
    steps: Integer = 100,
    smoothing: Real = 0.9,
    *,
    return_curve: bool = False,
) -> float | tuple[float, LRCurve]:
    r"""Find a learning rate by a range test: train with higher and higher ones, then undo it.

    Step :math:`k` of :math:`n` has the rate
    :math:`\eta_k = \eta_1 (\eta_n / \eta_1)^{(k - 1) / (n - 1)}`. What is returned is the one at
    which the loss, averaged over the last steps, falls most steeply over the logarithm of the rate,
    before it is lowest. Parameters, the optimiser's state and its learning rates are then as
    before, bit for bit, after an exception too.

    Parameters
    ----------
    optimizer : Optimizer
        Its parameters have to be NumPy arrays. All its groups get the rate.
    evaluate : callable
        ``evaluate() -> (loss, grads)``: the loss, a number, and the gradients as `Optimizer.step`
        takes them, at the parameters as they are, of the next batch.
    first, last : float, default 1e-6 and 1
        The lowest and the highest rate.
    steps : int, default 100
        How many rates, at least 5.
    smoothing : float, default 0.9
        Which part of the average each step keeps, in [0, 1).
    return_curve : bool, default False
        Whether to return the curve too.

    Returns
    -------
    rate : float
        A learning rate to begin with.
    curve : LRCurve
        With `return_curve`: a named tuple of the arrays ``rates``, ``losses`` and ``smoothed``, as
        far as the test came. It ends where the loss is four times the first, or not finite.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described, or if the loss does not fall at any rate.

    References
    ----------
    .. [1] L. N. Smith, "Cyclical learning rates for training neural networks", WACV 2017,
       section 3.3, https://arxiv.org/abs/1506.01186

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> x = np.full(10, 3.0)
    >>> optimizer = fastadam.Adam(x)
    >>> rate = fastadam.lr_find(optimizer, lambda: (np.sum(x**2), 2 * x))
    >>> 0.01 < rate < 1, x[0], optimizer.step_count
    (True, np.float64(3.0), 0)
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be an Optimizer, got {checks.describe(optimizer)}")
    if not callable(evaluate):
        raise TypeError(f"evaluate must be callable, got {checks.describe(evaluate)}")
    low, high = checks.positive("first", first), checks.positive("last", last)
    if not low < high < math.inf:
        raise ValueError(f"last must be finite and > first={low}, got {checks.describe(last)}")
    count = checks.count("steps", steps, 5)
    keep = checks.fraction("smoothing", smoothing)
    checks.flag("return_curve", return_curve)
    curve = _train(optimizer, evaluate, np.geomspace(low, high, count), keep)
    rate = _find_steepest(curve)
    return (rate, curve) if return_curve else rate


def _train(
    optimizer: Optimizer, evaluate: Evaluate, rates: NDArray[np.float64], keep: float
) -> LRCurve:
    """Train with one rate after the other, and put everything back."""
    arrays = _list_arrays(optimizer)
    # The state first: with sparse="exact" that brings the arrays up to date.
    state, own_rates = optimizer.state_dict(), [group["lr"] for group in optimizer.param_groups]
    copies = [array.copy() for array in arrays]
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    try:
        for rate in rates:
            loss, grads = evaluate()
            losses.append(checks.real_number("the loss", loss))
            average = keep * average + (1.0 - keep) * losses[-1]
            smoothed.append(average / (1.0 - keep ** len(losses)))
            if not abs(losses[-1]) < math.inf or losses[-1] > TOO_HIGH * abs(losses[0]):
                break
            optimizer.lr = float(rate)
            optimizer.step(grads)
    finally:
        for array, copy in zip(arrays, copies, strict=True):
            array[...] = copy
        # First these: a state has no rate of a group that has a schedule.
        for group, lr in zip(optimizer.param_groups, own_rates, strict=True):
            group["lr"] = lr
        optimizer.load_state_dict(state)
    return LRCurve(rates[: len(losses)].copy(), np.array(losses), np.array(smoothed))


def _list_arrays(optimizer: Optimizer) -> list[np.ndarray]:
    arrays = []
    for spec in (param.spec for param in optimizer._backend.params):
        if not isinstance(spec.array, np.ndarray):
            raise TypeError(f"{spec.name} must be a NumPy array, got {checks.describe(spec.array)}")
        arrays.append(spec.array)
    return arrays


def _find_steepest(curve: LRCurve) -> float:
    """Find the rate at which the average falls most steeply before it is lowest."""
    smoothed = curve.smoothed[np.isfinite(curve.smoothed)]  # the last may be the one that is not
    if smoothed.size == 0:
        raise ValueError(f"the loss must be finite, got {curve.losses[0]} at the parameters given")
    lowest = int(np.argmin(smoothed))
    if lowest == 0 or not smoothed[lowest] < smoothed[0]:
        raise ValueError(
            f"the loss must fall at some rate from first={curve.rates[0]:g} to "
            f"{curve.rates[smoothed.size - 1]:g}, got none that is lower than {smoothed[0]:g}"
        )
    slopes = np.gradient(smoothed[: lowest + 1], np.log(curve.rates[: lowest + 1]))
    return float(curve.rates[int(np.argmin(slopes))])
