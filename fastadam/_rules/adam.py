"""Adam and its variants: their arithmetic and specs.

The conventions are those of PyTorch 2.13. Adam's bias corrections are folded into two
scalars, as section 2 of the paper (Kingma & Ba, 2015) suggests::

    lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + eps)
        = lr*sqrt(1-beta2^t)/(1-beta1^t) * m / (sqrt(v) + eps*sqrt(1-beta2^t))

which leaves one square root and one division a parameter. In cache those two are what a step
costs.
"""

from __future__ import annotations

import math

from numba.extending import register_jitable

from .._validate import flag, nonnegative, unit_interval
from .shared import BETAS, FLOOR, M, V, descent_gradient, make_common, maximum, power
from .spec import Carried, HyperParameter, Rule, StateArray


@register_jitable
def moments(g, m, v, beta1, rest1, beta2, rest2):
    """Compute the two moving averages of Adam; ``rest`` is ``1 - beta``.

    ``rest2*g*g`` is taken from the left: ``g*g`` alone overflows float32 from 1.8e19 on.
    """
    return beta1 * m + rest1 * g, beta2 * v + rest2 * g * g


@register_jitable
def adam_scalars(lr, beta1, beta2, eps, t):
    """Compute the betas with their complements, the step size and epsilon, bias-corrected."""
    root = math.sqrt(1.0 - power(beta2, t))
    step = lr * root / (1.0 - power(beta1, t))
    return beta1, 1.0 - beta1, beta2, 1.0 - beta2, step, eps * root


@register_jitable
def adam_coefficients(h, t):
    """Adam: ``weight_decay`` is an L2 penalty."""
    lr, weight_decay, sign, beta1, beta2, eps = h
    return (sign, weight_decay, 1.0) + adam_scalars(lr, beta1, beta2, eps, t)  # noqa: RUF005


@register_jitable
def adamw_coefficients(h, t):
    """AdamW: ``weight_decay`` shrinks the parameters, apart from the gradient."""
    lr, weight_decay, sign, beta1, beta2, eps = h
    shrink = 1.0 - lr * weight_decay
    return (sign, 0.0, shrink) + adam_scalars(lr, beta1, beta2, eps, t)  # noqa: RUF005


@register_jitable
def adam_update(p, g, state, c):
    """Adam and AdamW."""
    m, v = state
    sign, l2, shrink, beta1, rest1, beta2, rest2, step, eps = c
    g = descent_gradient(p, g, sign, l2)
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    return shrink * p - step * (m / (math.sqrt(v) + eps)), (m, v)


@register_jitable
def adam_idle(state, c, n):
    """Adam and AdamW."""
    m, v = state
    _, _, _, beta1, _, beta2, _, _, _ = c
    return m * power(beta1, n), v * power(beta2, n)


@register_jitable
def amsgrad_update(p, g, state, c):
    """AMSGrad, of Adam and of AdamW: the largest ``v`` so far takes the place of ``v``."""
    m, v, v_max = state
    sign, l2, shrink, beta1, rest1, beta2, rest2, step, eps = c
    g = descent_gradient(p, g, sign, l2)
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    v_max = maximum(v_max, v)
    return shrink * p - step * (m / (math.sqrt(v_max) + eps)), (m, v, v_max)


@register_jitable
def amsgrad_idle(state, c, n):
    """AMSGrad: ``v_max`` stays."""
    m, v, v_max = state
    _, _, _, beta1, _, beta2, _, _, _ = c
    return m * power(beta1, n), v * power(beta2, n), v_max


_ADAM = {**make_common(), **BETAS}
_ADAMW = {**make_common(weight_decay=1e-2), **BETAS}
_AMSGRAD = {"amsgrad": HyperParameter(False, flag, {})}  # selects the variant, and is no scalar
_LARGEST = M, V, StateArray("v_max", FLOOR)

ADAM_AMSGRAD = Rule(
    "adam_amsgrad", adam_coefficients, amsgrad_update, _ADAM, _LARGEST, idle=amsgrad_idle
)
ADAMW_AMSGRAD = Rule(
    "adamw_amsgrad", adamw_coefficients, amsgrad_update, _ADAMW, _LARGEST, idle=amsgrad_idle
)
ADAM = Rule(
    "adam",
    adam_coefficients,
    adam_update,
    _ADAM | _AMSGRAD,
    (M, V),
    variants={"amsgrad": ADAM_AMSGRAD},
    idle=adam_idle,
)
ADAMW = Rule(
    "adamw",
    adamw_coefficients,
    adam_update,
    _ADAMW | _AMSGRAD,
    (M, V),
    variants={"amsgrad": ADAMW_AMSGRAD},
    idle=adam_idle,
)


@register_jitable
def nadam_momentum(beta1, momentum_decay, t):
    """Compute the scheduled momentum ``mu_t``."""
    return beta1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))


@register_jitable
def nadam_coefficients(h, t):
    """NAdam; ``mu_product`` is the product of ``mu_i`` over the steps before this one."""
    lr, weight_decay, sign, beta1, beta2, eps, momentum_decay, mu_product = h
    mu = nadam_momentum(beta1, momentum_decay, t)
    mu_next = nadam_momentum(beta1, momentum_decay, t + 1.0)
    product = mu_product * mu
    root = math.sqrt(1.0 - power(beta2, t))
    step_m = lr * root * mu_next / (1.0 - product * mu_next)
    step_g = lr * root * (1.0 - mu) / (1.0 - product)
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    return sign, weight_decay, beta1, rest1, beta2, rest2, step_m, step_g, eps * root


@register_jitable
def nadam_carry(h, t):
    """Multiply this step's momentum into ``mu_product``."""
    _, _, _, beta1, _, _, momentum_decay, mu_product = h
    return mu_product * nadam_momentum(beta1, momentum_decay, t)


@register_jitable
def nadam_update(p, g, state, c):
    """NAdam: Adam with Nesterov's momentum."""
    m, v = state
    sign, l2, beta1, rest1, beta2, rest2, step_m, step_g, eps = c
    g = descent_gradient(p, g, sign, l2)
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    denominator = math.sqrt(v) + eps
    # In two steps as PyTorch does: in float32 the parameter is rounded after each, and 1,000
    # steps of one sum end 3e-6 away from its result, not 3e-7.
    return p - step_g * (g / denominator) - step_m * (m / denominator), (m, v)


NADAM = Rule(
    "nadam",
    nadam_coefficients,
    nadam_update,
    {**make_common(lr=2e-3), **BETAS, "momentum_decay": HyperParameter(4e-3, nonnegative)},
    (M, V),
    # A product of decay rates.
    (Carried("mu_product", 1.0, nadam_carry, unit_interval),),
)


@register_jitable
def radam_coefficients(h, t):
    """RAdam: the adaptive step size is 0 while the variance of ``1/sqrt(v)`` is intractable."""
    lr, weight_decay, sign, beta1, beta2, eps = h
    plain = lr / (1.0 - power(beta1, t))
    decay = power(beta2, t)
    rho_inf = 2.0 / (1.0 - beta2) - 1.0
    rho = rho_inf - 2.0 * t * decay / (1.0 - decay)
    adaptive = 0.0
    if rho > 5.0:
        rectification = math.sqrt(
            (rho - 4.0) * (rho - 2.0) * rho_inf / ((rho_inf - 4.0) * (rho_inf - 2.0) * rho)
        )
        adaptive = plain * rectification * math.sqrt(1.0 - decay)
    return sign, weight_decay, beta1, 1.0 - beta1, beta2, 1.0 - beta2, plain, adaptive, eps


@register_jitable
def radam_update(p, g, state, c):
    """RAdam: momentum alone at first, the rectified adaptive step later."""
    m, v = state
    sign, l2, beta1, rest1, beta2, rest2, plain, adaptive, eps = c
    g = descent_gradient(p, g, sign, l2)
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    if adaptive != 0:
        return p - adaptive * (m / (math.sqrt(v) + eps)), (m, v)
    return p - plain * m, (m, v)


RADAM = Rule("radam", radam_coefficients, radam_update, _ADAM, (M, V))


@register_jitable
def adamax_coefficients(h, t):
    """Adamax: only the first moment is biased."""
    lr, weight_decay, sign, beta1, beta2, eps = h
    return sign, weight_decay, beta1, 1.0 - beta1, beta2, eps, lr / (1.0 - power(beta1, t))


@register_jitable
def adamax_update(p, g, state, c):
    """Adamax: Adam with the infinity norm."""
    m, u = state
    sign, l2, beta1, rest1, beta2, eps, step = c
    g = descent_gradient(p, g, sign, l2)
    m = beta1 * m + rest1 * g
    u = maximum(beta2 * u, abs(g) + eps)
    return p - step * (m / u), (m, u)


@register_jitable
def adamax_idle(state, c, n):
    """Adamax: ``u`` falls to ``eps``."""
    m, u = state
    _, _, beta1, _, beta2, eps, _ = c
    return m * power(beta1, n), maximum(u * power(beta2, n), eps)


ADAMAX = Rule(
    "adamax",
    adamax_coefficients,
    adamax_update,
    {**make_common(lr=2e-3), **BETAS},
    (M, StateArray("u", FLOOR)),
    idle=adamax_idle,
)
