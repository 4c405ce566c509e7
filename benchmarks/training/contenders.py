"""A step with clipped gradients and averaged parameters, and steps with state in fewer bits."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numba
import numpy as np

from fastadam.typing import StateDtype

from ..harness.adam import BETA1, BETA2, EPS, LR, Array, Contender, Make, adam_from
from ..step.contenders import fastadam_step, traffic_probe

CLIP_NORM = 1.0
DECAY = 0.999

#: The average of a contender, as it stands.
Average = Callable[[], Array]


@dataclass
class Trained(Contender):
    """A contender that averages, or moves as many bytes."""

    average: Average | None = None


def ours(params: list[Array], grads: list[Array]) -> Trained:
    """Do all of it in fastadam's step."""
    from fastadam import Adam

    optimizer = Adam(
        params[0], lr=LR, betas=(BETA1, BETA2), eps=EPS, clip_norm=CLIP_NORM, average=DECAY
    )

    def average() -> Array:
        with optimizer.averaged():
            return params[0].copy()

    return Trained(partial(optimizer.step, grads[0]), params, grads, average=average)


def torchs(params: list[Array], grads: list[Array]) -> Trained:
    """Do it as torch's documentation does: clip, step (fused), average.

    `clip_grad_norm_` scales the gradient in place: it is multiplied in each call, by 1 from the
    second on.
    """
    import torch
    from torch.optim.swa_utils import AveragedModel

    model = torch.nn.ParameterList([torch.nn.Parameter(torch.from_numpy(params[0]))])
    model[0].grad = torch.from_numpy(grads[0])
    step = 0

    def update(averages: Any, current: Any, count: object) -> None:
        decay = min(DECAY, (1 + step) / (10 + step))
        torch._foreach_lerp_(averages, current, 1.0 - decay)

    averaged = AveragedModel(model, multi_avg_fn=update)
    averaged.n_averaged += 1  # it begins as the parameters, and not with the first step's
    optimizer = torch.optim.Adam(model, lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)

    def call() -> None:
        nonlocal step
        step += 1
        torch.nn.utils.clip_grad_norm_(model, CLIP_NORM)
        optimizer.step()
        averaged.update_parameters(model)

    def average() -> Array:
        return averaged.module[0].detach().numpy().copy()

    return Trained(call, params, grads, average=average)


_RATE = np.float32(LR)


@numba.njit(parallel=True, error_model="numpy")
def _read(g: Array, sums: Array) -> None:
    """Read all of an array, in blocks, and next to nothing else."""
    block = 16_384
    for k in numba.prange(sums.size):
        part = g[k * block : (k + 1) * block]
        highest = np.uint32(0)
        for i in range(part.size):
            highest = max(highest, part[i])
        sums[k] = highest


@numba.njit(parallel=True, error_model="numpy")
def _move(p: Array, m: Array, v: Array, a: Array, g: Array) -> None:
    for i in numba.prange(p.size):
        m[i] += g[i]
        v[i] += g[i]
        p[i] -= _RATE * g[i]
        a[i] += p[i]


def probe(params: list[Array], grads: list[Array]) -> Trained:
    """Move the bytes of it: 4 for the norm, 28 for the step, 8 for the average."""
    (p,), (g,) = params, grads
    m, v, a = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    sums, bits = np.zeros(-(-p.size // 16_384), np.uint32), g.view(np.uint32)

    def call() -> None:
        _read(bits, sums)
        _move(p, m, v, a, g)

    return Trained(call, params, grads)


def with_state(kind: StateDtype) -> Callable[[list[Array], list[Array]], Contender]:
    """Make what steps `fastadam.Adam` with a state of fewer bits."""

    def make(params: list[Array], grads: list[Array]) -> Contender:
        from fastadam import Adam

        optimizer = Adam(params[0], lr=LR, betas=(BETA1, BETA2), eps=EPS, state_dtype=kind)
        return Contender(partial(optimizer.step, grads[0]), params, grads)

    return make


TRAINED: dict[str, Make] = {
    "fastadam": ours,
    "traffic probe": probe,
    "torch, clip + fused + EMA": torchs,
}
NARROW: dict[str, Make] = {
    "fastadam, float32 state": fastadam_step,
    "fastadam, bfloat16 state": with_state("bfloat16"),
    "fastadam, uint8 state": with_state("uint8"),
    "traffic probe": traffic_probe,
}


def expect_training(start: Array, gradients: list[Array]) -> tuple[Array, Array]:
    """Compute the parameters and their average after some steps, in float64."""
    p = adam_from(start.astype(np.float64))
    average = p.p.copy()
    for n, gradient in enumerate(gradients, 1):
        wide = gradient.astype(np.float64)
        norm = math.sqrt(float(wide @ wide))
        p.step(min(1.0, CLIP_NORM / (norm + 1e-6)) * wide)
        decay = min(DECAY, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * p.p
    return p.p, average
