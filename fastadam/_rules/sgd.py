"""RMSprop and SGD: their arithmetic and specs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numba.extending import register_jitable

from .._validate import flag, fraction, unit_interval
from .shared import EPS, VELOCITY_FLOOR, V, descent_gradient, make_common, power
from .spec import HyperParameter, Rule, StateArray


@register_jitable
def rmsprop_coefficients(h, t):
    """RMSprop: nothing depends on the step."""
    lr, weight_decay, sign, eps, alpha = h
    return sign, weight_decay, alpha, 1.0 - alpha, eps, lr


@register_jitable
def rmsprop_update(p, g, state, c):
    """RMSprop, without momentum, not centred."""
    (v,) = state
    sign, l2, alpha, rest, eps, lr = c
    g = descent_gradient(p, g, sign, l2)
    v = alpha * v + rest * g * g
    return p - lr * (g / (math.sqrt(v) + eps)), (v,)


@register_jitable
def rmsprop_idle(state, c, n):
    """RMSprop."""
    (v,) = state
    _, _, alpha, _, _, _ = c
    return (v * power(alpha, n),)


RMSPROP = Rule(
    "rmsprop",
    rmsprop_coefficients,
    rmsprop_update,
    {**make_common(lr=1e-2), **EPS, "alpha": HyperParameter(0.99, fraction)},
    (V,),
    idle=rmsprop_idle,
)


@register_jitable
def sgd_coefficients(h, t):
    """SGD without momentum: nothing depends on the step."""
    lr, weight_decay, sign = h
    return sign, weight_decay, lr


@register_jitable
def sgd_update(p, g, state, c):
    """SGD without momentum, which keeps no state."""
    sign, l2, lr = c
    return p - lr * descent_gradient(p, g, sign, l2), state


@register_jitable
def sgd_idle(state, c, n):
    """SGD without momentum: nothing falls."""
    return state


@register_jitable
def momentum_coefficients(h, t):
    """SGD with momentum: the buffer starts as the first gradient, undampened."""
    lr, weight_decay, sign, momentum, dampening, nesterov = h
    keep, add = (0.0, 1.0) if t == 1.0 else (momentum, 1.0 - dampening)
    return sign, weight_decay, keep, add, momentum * nesterov, lr


@register_jitable
def momentum_update(p, g, state, c):
    """SGD with momentum, Nesterov's or the heavy ball's."""
    (b,) = state
    sign, l2, keep, add, nesterov, lr = c
    g = descent_gradient(p, g, sign, l2)
    b = keep * b + add * g
    return p - lr * (g + nesterov * b if nesterov != 0 else b), (b,)


@register_jitable
def momentum_idle(state, c, n):
    """SGD with momentum."""
    (b,) = state
    _, _, keep, _, _, _ = c
    return (b * power(keep, n),)


def check_nesterov(values: Mapping[str, Any]) -> None:
    """Require what Nesterov's momentum needs."""
    if values["nesterov"] and (values["momentum"] == 0.0 or values["dampening"] != 0.0):
        raise ValueError(
            "nesterov=True needs momentum > 0 and dampening 0, "
            f"got momentum={values['momentum']} and dampening={values['dampening']}"
        )


_OF_MOMENTUM = {
    "momentum": HyperParameter(0.9, fraction),
    "dampening": HyperParameter(0.0, unit_interval),
    "nesterov": HyperParameter(False, flag),
}
# Without momentum none of them is a scalar.
_WITHOUT = {key: each._replace(scalars={}) for key, each in _OF_MOMENTUM.items()}

MOMENTUM = Rule(
    "momentum",
    momentum_coefficients,
    momentum_update,
    {**make_common(), **_OF_MOMENTUM},
    (StateArray("b", VELOCITY_FLOOR, is_velocity=True),),
    check=check_nesterov,
    idle=momentum_idle,
)
PLAIN_SGD = Rule(
    "sgd",
    sgd_coefficients,
    sgd_update,
    {**make_common(), **_WITHOUT, "momentum": HyperParameter(0.0, fraction, {})},
    variants={"momentum": MOMENTUM},
    check=check_nesterov,
    idle=sgd_idle,
)
