"""Many problems at once by vmap: JAX, optimistix, torch. All go on until the slowest row is done.

The iteration is that of `by_hand`, but for optimistix's, which is Levenberg and Marquardt's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..harness.adam import EPS, Array
from .by_hand import Plain, Solved


def jax_batch(function: Callable[..., Any], s: Plain) -> Callable[..., Solved]:
    """Return ``jit(vmap(a while loop))``: of one problem.

    Parameters
    ----------
    function : callable
        ``(x, *data) -> f`` of one problem, in `jax.numpy`.
    s : Plain

    Raises
    ------
    ImportError
        Where JAX is not installed.
    """
    import jax
    import jax.numpy as jnp

    gradient = jax.grad(function)
    beta1, beta2 = s.betas

    def solve(x: Any, *data: Any) -> Any:
        lower, upper = (b[:, 0] for b in s.columns(x.size))

        def going_on(state: Any) -> Any:
            x, g, _, _, t = state
            blocked = ((g > 0.0) & (x <= lower)) | ((g < 0.0) & (x >= upper))
            return (jnp.max(jnp.abs(jnp.where(blocked, 0.0, g))) > s.gtol) & (t < s.maxiter)

        def advance(state: Any) -> Any:
            x, g, m, v, t = state
            t = t + 1
            m = beta1 * m + (1.0 - beta1) * g
            v = beta2 * v + (1.0 - beta2) * g * g
            root = jnp.sqrt(1.0 - beta2**t)
            moved = x - s.lr * root / (1.0 - beta1**t) * m / (jnp.sqrt(v) + EPS * root)
            x = jnp.clip(moved, lower, upper)
            return x, gradient(x, *data), jnp.where(moved == x, m, 0.0), v, t

        x = jnp.clip(x, lower, upper)
        zero = jnp.zeros_like(x)
        x, _, _, _, t = jax.lax.while_loop(
            going_on, advance, (x, gradient(x, *data), zero, zero, 0)
        )
        return x, t

    solve_all = jax.jit(jax.vmap(solve))

    def run(starts: Array, *data: Array) -> Solved:
        with jax.enable_x64(True):
            x, nit = solve_all(starts, *data)
            return Solved(np.asarray(x), np.asarray(nit))

    return run


def optimistix_batch(
    residuals: Callable[..., Any], tolerance: float, most_steps: int
) -> Callable[..., Solved]:
    """Return ``jit(vmap(optimistix.least_squares))``, Levenberg-Marquardt without bounds.

    Parameters
    ----------
    residuals : callable
        ``(x, *data) -> residuals`` of one problem, in `jax.numpy`.
    tolerance : float
        Of x and f, relative and absolute.
    most_steps : int

    Raises
    ------
    ImportError
        Where JAX or optimistix is not installed.
    """
    import jax
    import optimistix

    solver = optimistix.LevenbergMarquardt(rtol=tolerance, atol=tolerance)

    def solve(x: Any, *data: Any) -> Any:
        found = optimistix.least_squares(
            lambda x, data: residuals(x, *data), solver, x, data, max_steps=most_steps, throw=False
        )
        return found.value, found.stats["num_steps"]

    solve_all = jax.jit(jax.vmap(solve))

    def run(starts: Array, *data: Array) -> Solved:
        with jax.enable_x64(True):
            x, nit = solve_all(starts, *data)
            return Solved(np.asarray(x), np.asarray(nit))

    return run


def torch_batch(function: Callable[..., Any], s: Plain) -> Callable[..., Solved]:
    """Return `torch.func.vmap` for the gradients and Adam on all rows until the slowest is done.

    Parameters
    ----------
    function : callable
        ``(x, *data) -> f`` of one problem, in torch.
    s : Plain

    Raises
    ------
    ImportError
        Where torch is not installed.
    """
    import torch

    def run(starts: Array, *data: Array) -> Solved:
        lower, upper = (torch.from_numpy(b[:, 0]) for b in s.columns(starts.shape[1]))
        gradients = torch.func.vmap(torch.func.grad(function))
        x = torch.nn.Parameter(torch.from_numpy(starts).clamp(lower, upper))
        tensors = [torch.from_numpy(a) for a in data]
        optimizer = torch.optim.Adam([x], lr=s.lr, betas=s.betas, eps=EPS, fused=True)
        nit = torch.full((len(starts),), s.maxiter)
        ends = x.detach().clone()
        with torch.no_grad():
            for t in range(s.maxiter + 1):
                x.grad = gradients(x, *tensors)
                blocked = ((x.grad > 0) & (x <= lower)) | ((x.grad < 0) & (x >= upper))
                norms = torch.where(blocked, 0.0, x.grad).abs().amax(1)
                new = (norms <= s.gtol) & (nit == s.maxiter)
                nit[new], ends[new] = t, x[new]
                if t == s.maxiter or (t % 10 == 0 and (nit < s.maxiter).all()):
                    break
                optimizer.step()
                x.clamp_(lower, upper)
            left = nit == s.maxiter
            ends[left] = x[left]
        return Solved(ends.numpy(), nit.numpy())

    return run
