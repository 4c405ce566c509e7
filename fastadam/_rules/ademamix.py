"""AdEMAMix: its arithmetic and spec."""

from __future__ import annotations

import math
from collections.abc import Mapping
from operator import itemgetter
from typing import Any

from numba.extending import register_jitable

from .._validate import fraction_triple, nonnegative
from .adam import adam_scalars, moments
from .shared import EPS, VELOCITY_FLOOR, WARMUP, M, V, make_common, power
from .spec import HyperParameter, Rule, StateArray


@register_jitable
def slow_decay(beta1, beta3, warmup_steps, t):
    """Compute the slow average's decay rate: its half-life rises linearly from the fast one's."""
    if t >= warmup_steps:
        return beta3
    part = t / warmup_steps
    fast, slow = math.log(beta1), math.log(beta3)
    return math.exp(fast * slow / ((1.0 - part) * slow + part * fast))


@register_jitable
def ademamix_coefficients(h, t):
    """AdEMAMix: AdamW's scalars, and those of the slow average, which is not bias-corrected."""
    lr, weight_decay, sign, beta1, beta2, beta3, eps, alpha, warmup_steps = h
    slow = slow_decay(beta1, beta3, warmup_steps, t)
    part = t / warmup_steps if t < warmup_steps else 1.0
    # The step size corrects the bias of both.
    mix = part * alpha * (1.0 - power(beta1, t))
    scalars = adam_scalars(lr, beta1, beta2, eps, t)
    return (sign, 1.0 - lr * weight_decay, slow, 1.0 - slow, mix) + scalars  # noqa: RUF005


@register_jitable
def ademamix_update(p, g, state, c):
    """AdEMAMix: AdamW with a second, slow average of the gradient."""
    m, v, m_slow = state
    sign, shrink, slow, rest3, mix, beta1, rest1, beta2, rest2, step, eps = c
    g = sign * g
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    m_slow = slow * m_slow + rest3 * g
    return shrink * p - step * ((m + mix * m_slow) / (math.sqrt(v) + eps)), (m, v, m_slow)


def check_warmup(values: Mapping[str, Any]) -> None:
    """Require decay rates that have a half-life, if one has to rise to the other."""
    if values["warmup_steps"] and 0.0 in (values["betas"][0], values["betas"][2]):
        raise ValueError(
            f"warmup_steps={values['warmup_steps']} needs betas[0] and betas[2] > 0, "
            f"got betas={values['betas']}"
        )


_BETAS = {f"beta{i + 1}": itemgetter(i) for i in range(3)}

ADEMAMIX = Rule(
    "ademamix",
    ademamix_coefficients,
    ademamix_update,
    {
        **make_common(),
        "betas": HyperParameter((0.9, 0.999, 0.9999), fraction_triple, _BETAS),
        **EPS,
        "alpha": HyperParameter(5.0, nonnegative),
        **WARMUP,
    },
    (M, V, StateArray("m_slow", VELOCITY_FLOOR, may_be_negative=True)),
    check=check_warmup,
)
