"""The contenders of `fits`: each fits some of the decay curves and returns the parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.optimize
from threadpoolctl import threadpool_limits

from fastadam import minimize_batch
from fastadam.typing import MinimizeBatchOptions
from workloads import decays
from workloads.decays import LOWER, TIMES, UPPER, Scene

from ..harness.adam import Array
from . import levenberg
from .by_hand import Plain, numpy_batch
from .vmap import jax_batch, optimistix_batch, torch_batch

CURVES, QUICK_CURVES = 100_000, 5_000
SAMPLE, QUICK_SAMPLE = 500, 100
STRIDE = 10

#: With all defaults; and with constants chosen for these curves.
OURS, VALUES = "fastadam, gradient given", "fastadam, no gradient"
ADAM = "fastadam, plain Adam, tuned"
BOUNDED, FREE = "curve_fit, bounds", "curve_fit, no bounds"
LBFGSB = "SciPy L-BFGS-B, compiled misfit, bounds"
NUMPY = "NumPy on all rows, done ones taken out"
JAX = "JAX, jit of vmap of a while loop"
TORCH = "torch.func.vmap, torch.optim.Adam"
LEVENBERG = "optimistix LM, jit of vmap, no bounds"
UNBOUNDED = (FREE, LEVENBERG, levenberg.NDOPTIMIZE_FREE, levenberg.LUMAFIT, levenberg.SCIJIT)

#: By trying, for these curves: a step as small as a start's usual error, 0.02 to 0.13, and less
#: momentum. What the tolerance leaves out is a thousandth of the error that comes from the noise.
PLAIN_OPTIONS: MinimizeBatchOptions = {
    "lr": 0.015,
    "betas": (0.75, 0.999),
    "gtol": 1e-6,
    "maxiter": 500,
}
TUNED = f"lr={PLAIN_OPTIONS['lr']}, betas={PLAIN_OPTIONS['betas']}, within bounds, gradient by hand"

_PLAIN: Any = PLAIN_OPTIONS
PLAIN = Plain(**_PLAIN, lower=LOWER, upper=UPPER)


@dataclass(frozen=True)
class Curves:
    """What there is to fit.

    Attributes
    ----------
    scene : Scene
    starts : ndarray, shape (curves, 3)
    part : ndarray of int
        The curves for other batches, the sample among them.
    sample : ndarray of int
        The curves for SciPy's methods, in ascending order.
    """

    scene: Scene
    starts: Array
    part: Array
    sample: Array


def make_curves(quick: bool) -> Curves:
    """Make the curves of the example and draw the sample."""
    scene = decays.make_scene(QUICK_CURVES if quick else CURVES, seed=0)
    part = np.arange(0, len(scene.y), STRIDE)
    drawn = np.random.default_rng(0).choice(part, QUICK_SAMPLE if quick else SAMPLE, replace=False)
    return Curves(scene, decays.guess(scene.y), part, np.sort(drawn))


def fit(starts: Array, y: Array, fun: Callable[..., Any] = decays.misfit, **changes: Any) -> Any:
    """Fit curves by `minimize_batch` in the precision of the starts, defaults but for `changes`."""
    keywords: dict[str, Any] = {
        "args": (TIMES.astype(starts.dtype),),
        "batch_args": (y,),
        "jac": "in-place",
        "bounds": scipy.optimize.Bounds(LOWER, UPPER),
    }
    return minimize_batch(fun, starts, **{**keywords, **changes})


def fit_values(starts: Array, y: Array, **changes: Any) -> Any:
    """Fit curves as `fit` does, without a gradient."""
    return fit(starts, y, decays.misfit_alone, jac=None, **changes)


def gradients(x: Array, y: Array) -> Array:
    """Return the gradients of the mean squares, a column each; `y` has a column for each."""
    amplitude, rate, offset = x
    decay = np.exp(-rate * TIMES[:, None])
    residual = amplitude * decay
    residual += offset
    residual -= y
    by_offset = residual.mean(axis=0)
    residual *= decay
    by_rate = -amplitude * (TIMES @ residual) / TIMES.size
    return 2.0 * np.stack([residual.mean(axis=0), by_rate, by_offset])


def lbfgsb_sample(curves: Curves) -> Array:
    """Fit the sample by L-BFGS-B, one by one, to the same tolerance as ours."""
    gradient = np.empty(3)

    def both(p: Array, y: Array) -> tuple[float, Array]:
        return decays.misfit(p, gradient, TIMES, y), gradient

    with threadpool_limits(1, user_api="blas"):
        found = [
            scipy.optimize.minimize(
                both,
                curves.starts[k],
                args=(curves.scene.y[k],),
                method="L-BFGS-B",
                jac=True,
                bounds=scipy.optimize.Bounds(LOWER, UPPER),
                options={"gtol": PLAIN.gtol, "ftol": 1e-15},
            ).x
            for k in curves.sample
        ]
    return np.array(found)


def jax_misfit(p: Any, y: Any) -> Any:
    """Return the mean square of the residuals of one curve, in JAX."""
    residuals = jax_residuals(p, y)
    return (residuals**2).mean()


def jax_residuals(p: Any, y: Any) -> Any:
    """Return the residuals of one curve, in JAX."""
    import jax.numpy as jnp

    return p[0] * jnp.exp(-p[1] * TIMES) + p[2] - y


def torch_misfit(p: Any, y: Any) -> Any:
    """Return the mean square of the residuals of one curve, in torch."""
    import torch

    return ((p[0] * torch.exp(-p[1] * torch.from_numpy(TIMES)) + p[2] - y) ** 2).mean()


def contenders(
    curves: Curves,
) -> tuple[dict[str, Callable[[], Array]], dict[str, Array], list[str]]:
    """Return who takes part, by contender which curves it fits, and notes on who is left out."""
    scene, starts = curves.scene, curves.starts
    y, part_starts = scene.y[curves.part], starts[curves.part]
    columns = np.ascontiguousarray(y.T)

    def one_by_one(method: str) -> Array:
        return decays.fit_one_by_one(scene.y, starts, curves.sample, method == BOUNDED)[0]

    calls: dict[str, Callable[[], Array]] = {
        OURS: lambda: fit(starts, scene.y).x,
        VALUES: lambda: fit_values(starts, scene.y).x,
        ADAM: lambda: fit(starts, scene.y, options=PLAIN_OPTIONS).x,
        BOUNDED: partial(one_by_one, BOUNDED),
        FREE: partial(one_by_one, FREE),
        LBFGSB: partial(lbfgsb_sample, curves),
        NUMPY: lambda: numpy_batch(gradients, part_starts, (columns,), PLAIN).x,
    }
    which = dict.fromkeys(calls, curves.sample) | {
        **dict.fromkeys((OURS, VALUES, ADAM), np.arange(len(scene.y))),
        NUMPY: curves.part,
    }
    makers: dict[str, Callable[[], Any]] = {
        JAX: lambda: jax_batch(jax_misfit, PLAIN),
        LEVENBERG: lambda: optimistix_batch(jax_residuals, 1e-8, 200),
        TORCH: lambda: torch_batch(torch_misfit, PLAIN),
    }
    notes = []
    for name, make in {**makers, **levenberg.MAKERS}.items():
        try:
            solve = make()
        except ImportError as error:
            notes.append(f"{name} left out: {error}")
            continue
        if name in makers:
            calls[name] = lambda solve=solve: solve(part_starts, y).x  # type: ignore[misc]
            which[name] = curves.part
        else:
            calls[name] = partial(solve, starts, scene.y)
            which[name] = np.arange(len(scene.y))
    return calls, which, notes
