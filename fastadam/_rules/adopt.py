"""ADOPT: its arithmetic and spec."""

from __future__ import annotations

import math

from numba.extending import register_jitable

from .._validate import flag, nonnegative
from .shared import M, V, descent_gradient, make_betas, make_common, maximum
from .spec import HyperParameter, Rule


@register_jitable
def adopt_coefficients(h, t):
    """ADOPT: the first step sets ``v`` alone, since the largest normalised gradient is 0 in it."""
    lr, weight_decay, sign, beta1, beta2, eps, decouple = h
    limit = (t - 1.0) ** 0.25
    l2 = 0.0 if decouple != 0 else weight_decay
    shrink = 1.0 - lr * weight_decay if decouple != 0 and t > 1.0 else 1.0
    keep, add = (0.0, 1.0) if t == 1.0 else (beta2, 1.0 - beta2)
    return sign, l2, shrink, beta1, 1.0 - beta1, keep, add, eps, limit, lr


@register_jitable
def clamp(x, limit):
    """Bring a number into ``[-limit, limit]``; NaN stays NaN."""
    return limit if x > limit else -limit if x < -limit else x


@register_jitable
def adopt_update(p, g, state, c):
    """ADOPT: Adam with the gradient divided by the ``v`` before it, and then averaged."""
    m, v = state
    sign, l2, shrink, beta1, rest1, keep, add, eps, limit, lr = c
    g = descent_gradient(p, g, sign, l2)
    m = beta1 * m + rest1 * clamp(g / maximum(math.sqrt(v), eps), limit)
    return shrink * p - lr * m, (m, keep * v + add * g * g)


ADOPT = Rule(
    "adopt",
    adopt_coefficients,
    adopt_update,
    {
        **make_common(),
        **make_betas(0.9, 0.9999),
        "eps": HyperParameter(1e-6, nonnegative),
        "decouple": HyperParameter(False, flag),
    },
    (M, V),
)
