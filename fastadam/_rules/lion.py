"""Lion: its arithmetic and spec."""

from __future__ import annotations

from numba.extending import register_jitable

from .shared import M, make_betas, make_common
from .spec import Rule


@register_jitable
def lion_coefficients(h, t):
    """Lion: nothing depends on the step; ``weight_decay`` shrinks the parameters."""
    lr, weight_decay, sign, beta1, beta2 = h
    return sign, 1.0 - lr * weight_decay, beta1, 1.0 - beta1, beta2, 1.0 - beta2, lr


@register_jitable
def lion_update(p, g, state, c):
    """Lion: as long a step for every parameter, by the sign of a momentum; the sign of 0 is 0."""
    (m,) = state
    sign, shrink, beta1, rest1, beta2, rest2, lr = c
    g = sign * g
    direction = beta1 * m + rest1 * g
    step = lr if direction > 0 else -lr if direction < 0 else lr * direction  # NaN stays NaN
    return shrink * p - step, (beta2 * m + rest2 * g,)


LION = Rule(
    "lion",
    lion_coefficients,
    lion_update,
    {**make_common(lr=1e-4), **make_betas(0.9, 0.99)},
    (M,),
)
