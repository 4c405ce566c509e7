"""RMSprop and SGD: their arithmetic and specs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from numba.extending import register_jitable

from .._validate import flag, fraction, unit_interval
from .shared import EPS, VELOCITY_FLOOR, V, descent_gradient, make_common, power
from .spec import HyperParameter, Rule, StateArray

B = StateArray("b", VELOCITY_FLOOR, is_velocity=True)


@register_jitable
def rmsprop_coefficients(h, t):
    """RMSprop: nothing depends on the step."""
    lr, weight_decay, sign, eps, alpha = h
    return sign, weight_decay, alpha, 1.0 - alpha, eps, lr


@register_jitable
def rmsprop_momentum_coefficients(h, t):
    """RMSprop with momentum: neither does it here."""
    lr, weight_decay, sign, eps, alpha, momentum = h
    return sign, weight_decay, alpha, 1.0 - alpha, eps, lr, momentum


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


@register_jitable
def rmsprop_momentum_update(p, g, state, c):
    """RMSprop with momentum, not centred."""
    v, b = state
    sign, l2, alpha, rest, eps, lr, momentum = c
    g = descent_gradient(p, g, sign, l2)
    v = alpha * v + rest * g * g
    b = momentum * b + g / (math.sqrt(v) + eps)
    return p - lr * b, (v, b)


@register_jitable
def deviation(v, m):
    """Compute the standard deviation; the variance may have been rounded to less than 0."""
    variance = v - m * m
    return math.sqrt(variance if variance > 0 else variance - variance)  # NaN stays NaN


@register_jitable
def rmsprop_centered_update(p, g, state, c):
    """RMSprop, centred, without momentum."""
    v, m = state
    sign, l2, alpha, rest, eps, lr = c
    g = descent_gradient(p, g, sign, l2)
    v, m = alpha * v + rest * g * g, alpha * m + rest * g
    return p - lr * (g / (deviation(v, m) + eps)), (v, m)


@register_jitable
def rmsprop_centered_momentum_update(p, g, state, c):
    """RMSprop, centred, with momentum."""
    v, m, b = state
    sign, l2, alpha, rest, eps, lr, momentum = c
    g = descent_gradient(p, g, sign, l2)
    v, m = alpha * v + rest * g * g, alpha * m + rest * g
    b = momentum * b + g / (deviation(v, m) + eps)
    return p - lr * b, (v, m, b)


_RMSPROP = {**make_common(lr=1e-2), **EPS, "alpha": HyperParameter(0.99, fraction)}
_MOMENTUM = {"momentum": HyperParameter(0.0, fraction)}
_CENTERED = {"centered": HyperParameter(False, flag, {})}
_MEAN = StateArray("m", VELOCITY_FLOOR, may_be_negative=True)

RMSPROP_CENTERED = Rule(
    "rmsprop_centered",
    rmsprop_coefficients,
    rmsprop_centered_update,
    _RMSPROP,
    (V, _MEAN),
    needs_digits=True,
)
RMSPROP_CENTERED_MOMENTUM = Rule(
    "rmsprop_centered_momentum",
    rmsprop_momentum_coefficients,
    rmsprop_centered_momentum_update,
    _RMSPROP | _MOMENTUM,
    (V, _MEAN, B),
    needs_digits=True,
)
RMSPROP_MOMENTUM = Rule(
    "rmsprop_momentum",
    rmsprop_momentum_coefficients,
    rmsprop_momentum_update,
    _RMSPROP | _MOMENTUM | _CENTERED,
    (V, B),
    variants={"centered": RMSPROP_CENTERED_MOMENTUM},
)
RMSPROP = Rule(
    "rmsprop",
    rmsprop_coefficients,
    rmsprop_update,
    _RMSPROP | {"momentum": HyperParameter(0.0, fraction, {})} | _CENTERED,
    (V,),
    variants={"momentum": RMSPROP_MOMENTUM, "centered": RMSPROP_CENTERED},
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
    (B,),
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
