"""Schedule-free AdamW: its arithmetic and spec.

The paper has three sequences: ``z``, the steps; ``x``, their average; and ``y``, where gradients
are taken: ``y = (1 - beta1) z + beta1 x``. The parameters are ``y``, and the state is
``d = z - y``, from which ``x`` follows. Like all other state it is 0 at first, where ``z`` itself
would begin as the parameters::

    z' = z - lr u,  x' = (1 - c) x + c z'
    y' = y + c d - lr (1 - beta1 (1 - c)) u
    d' = (1 - c) (d - lr beta1 u)
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numba.extending import register_jitable

from .._validate import nonnegative
from .shared import BETAS, VELOCITY_FLOOR, WARMUP, V, make_common, maximum, power
from .spec import Carried, HyperParameter, Rule, StateArray


@register_jitable
def warm_rate(lr, warmup_steps, t):
    """Compute the step size: it rises linearly over the first steps."""
    return lr * (t / warmup_steps) if t < warmup_steps else lr


@register_jitable
def schedule_free_lr_max(h, t):
    """Take this step's size into the largest so far."""
    lr, _, _, _, _, _, warmup_steps, _, _, lr_max, _ = h
    return maximum(warm_rate(lr, warmup_steps, t), lr_max)


@register_jitable
def step_weight(h, t):
    """Compute the weight of this step's ``z`` in the average."""
    _, _, _, _, _, _, _, r, weight_lr_power, _, _ = h
    return t**r * schedule_free_lr_max(h, t) ** weight_lr_power


@register_jitable
def schedule_free_weight_sum(h, t):
    """Add this step's weight to those before."""
    _, _, _, _, _, _, _, _, _, _, weight_sum = h
    return weight_sum + step_weight(h, t)


@register_jitable
def schedule_free_coefficients(h, t):
    """Schedule-free AdamW: the share of this step in the average is that of its weight."""
    lr, weight_decay, sign, beta1, beta2, eps, warmup_steps, _, _, _, _ = h
    total = schedule_free_weight_sum(h, t)
    share = step_weight(h, t) / total if total > 0.0 else 0.0
    rate = warm_rate(lr, warmup_steps, t)
    root = math.sqrt(1.0 - power(beta2, t))
    push, lag = rate * (1.0 - beta1 * (1.0 - share)), rate * beta1
    return sign, weight_decay, beta2, 1.0 - beta2, root, eps * root, share, 1.0 - share, push, lag


@register_jitable
def schedule_free_update(p, g, state, c):
    """Schedule-free AdamW, ``p`` being ``y``; the decay is at ``y`` too."""
    d, v = state
    sign, weight_decay, beta2, rest2, root, eps, share, keep, push, lag = c
    g = sign * g
    v = beta2 * v + rest2 * g * g
    u = root * (g / (math.sqrt(v) + eps))
    if weight_decay != 0:
        u = u + weight_decay * p
    return p + share * d - push * u, (keep * (d - lag * u), v)


def find_average(y: Any, d: Any, beta1: float) -> Any:
    """Compute ``x``, of arrays or of numbers."""
    return y - (1.0 / beta1 - 1.0) * d


def check_averageable(values: Mapping[str, Any]) -> None:
    """Require that ``y`` tells ``x``."""
    if values["betas"][0] == 0.0:
        raise ValueError(f"betas[0] must be > 0, got betas={values['betas']}")


SCHEDULE_FREE = Rule(
    "schedule_free_adamw",
    schedule_free_coefficients,
    schedule_free_update,
    {
        **make_common(lr=2.5e-3),
        **BETAS,
        **WARMUP,
        "r": HyperParameter(0.0, nonnegative),
        "weight_lr_power": HyperParameter(2.0, nonnegative),
    },
    (StateArray("d", VELOCITY_FLOOR, may_be_negative=True), V),
    (
        Carried("lr_max", 0.0, schedule_free_lr_max, nonnegative),
        Carried("weight_sum", 0.0, schedule_free_weight_sum, nonnegative),
    ),
    check=check_averageable,
    needs_digits=True,
)
