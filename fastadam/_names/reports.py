"""`report`: what was found, for people to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from .._validate import describe, real_array
from ..typing import Matrix, Vector
from .parameters import find_names

#: Beyond these powers of ten, numbers are shown with theirs.
_LEAST_POWER, _MOST_POWER = -4, 10
#: Errors that are a smaller part of the value than this are shown apart from it.
_LEAST_PART = 1e-13


def report(result: OptimizeResult, errors: OptimizeResult | None = None) -> str:
    r"""Show what was found: a line for each parameter, and how it was found.

    Parameters
    ----------
    result : OptimizeResult
        What `minimize` or `minimize_batch` returned, or `curve_fit` for many curves or by name.
        Parameters that have no names are ``x[0]``, ``x[1]`` and so on.
    errors : OptimizeResult, optional
        What `uncertainty` returned for it. By default, what is in `result` already.

    Returns
    -------
    str
        A line for each parameter: its value, plus or minus one standard error, which has two
        digits; or that it is fixed, or at a bound. Then the value of the function, the iterations
        and the messages. Of many problems, the medians of those that succeeded, how many are at
        their bound, and the counts of outcomes.

    Raises
    ------
    ValueError, TypeError
        If an argument is not as described.

    Examples
    --------
    >>> import numpy as np
    >>> import fastadam
    >>> t = np.arange(5.0)
    >>> y = np.array([1.1, 2.9, 5.2, 6.8, 9.0])
    >>> def misfit(p):
    ...     return np.sum((p[0] + p[1] * t + p[2] * t**2 - y) ** 2)
    >>> start = {"height": 0.0, "speed": 0.0, "bend": 0.0}
    >>> result = fastadam.minimize(misfit, start, fixed="bend")
    >>> errors = fastadam.uncertainty(misfit, result, kind="least_squares", points=5)
    >>> print("\n".join(fastadam.report(result, errors).splitlines()[:3]))
    height  1.06 +- 0.13
    speed   1.970 +- 0.055
    bend    fixed at 0
    """
    x, stderr, at_bound = _read_rows(result, errors)
    names = find_names(result)
    if names is None:
        labels, is_fixed = [f"x[{i}]" for i in range(x.shape[-1])], np.zeros(x.shape[-1], np.bool_)
    else:
        labels, is_fixed = names.labels, names.is_fixed
    is_one, lines = np.ndim(result["x"]) == 1, []
    good = np.ones(1, np.bool_)  # one counts anyhow
    if not is_one:
        good = np.broadcast_to(np.ravel(result.get("success", True)), len(x))
        lines.append(f"{len(x)} problems; medians of the {np.count_nonzero(good)} that succeeded")
    width = max(map(len, labels))
    for i, label in enumerate(labels):
        value, error = _median(x[good, i]), _median(stderr[good, i])
        held = np.count_nonzero(at_bound[:, i])
        if is_fixed[i]:
            words = f"fixed at {value:.6g}" if is_one else "fixed"
        elif is_one and held:
            words = f"at its bound {value:.6g}"
        else:
            words = show(value, error) + (f", {held} at a bound" if held else "")
        lines.append(f"{label:{width}}  {words}")
    return "\n".join([*lines, *_tell_ending(result, errors, good)])


def show(value: float, error: float) -> str:
    """Show a value and its standard error: two digits of this, and the value to the same place."""
    if math.isnan(error) or not math.isfinite(value):
        return f"{value:.6g}"
    if not abs(value) * _LEAST_PART < error < math.inf:
        return f"{value:.15g} +- {error:.2g}"
    place = _find_power(error, 1) - 1
    power = max(_find_power(value, 5), place + 1)
    if _LEAST_POWER <= power < _MOST_POWER and place <= 0:
        return f"{value:.{-place}f} +- {error:.{-place}f}"
    digits = power - place
    return f"({value / 10.0**power:.{digits}f} +- {error / 10.0**power:.{digits}f})e{power:+03d}"


def _find_power(number: float, digits: int) -> int:
    """Find the power of ten of a number that is rounded to so many digits behind the first."""
    return int(f"{number:.{digits}e}".partition("e")[2]) if number else -400


def _read_rows(result: Any, errors: Any) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
    """Read values, errors and what is at a bound, a row for each problem."""
    if not isinstance(result, Mapping) or "x" not in result:
        raise TypeError(f"result must be what minimize returned, got {describe(result)}")
    x = real_array("result.x", result["x"])
    if x.ndim == 0 or x.size == 0:
        raise ValueError(f"result.x must have shape (n,) or (..., n), got {x.shape}")
    if errors is not None and (not isinstance(errors, Mapping) or "stderr" not in errors):
        raise TypeError(f"errors must be what uncertainty returned, got {describe(errors)}")
    own = result if errors is None else errors
    stderr = real_array("errors.stderr", own.get("stderr", np.full(x.shape, np.nan)))
    if stderr.shape != x.shape:
        raise ValueError(f"errors.stderr must have shape {x.shape}, got {stderr.shape}")
    at_bound = np.zeros(x.shape, np.bool_)
    for each in (result, own):
        at_bound |= np.asarray(each.get("at_bound", False), np.bool_)
    rows = (-1, x.shape[-1])
    return x.reshape(rows), stderr.reshape(rows), at_bound.reshape(rows)


def _median(values: Vector) -> float:
    known = values[~np.isnan(values)]
    return float(np.median(known)) if known.size else math.nan


def _tell_ending(
    result: Mapping[str, Any], errors: Mapping[str, Any] | None, good: NDArray[np.bool_]
) -> list[str]:
    """Tell the value, the iterations and the messages."""
    numbers = []
    for name, words in (("fun", "function value"), ("chi2", "chi-squared"), ("nit", "iterations")):
        if name in result:
            value = _median(np.ravel(real_array(f"result.{name}", result[name]))[good])
            if name != "nit" or value >= 0:  # -1 where SciPy does not tell
                numbers.append(f"{words} {value:.6g}")
    messages = [each.get("message", "") for each in (result, errors or {})]
    return [line for line in (", ".join(numbers), *messages) if line]
