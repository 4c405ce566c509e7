"""The update rules: each one's arithmetic, written once.

A rule is two scalar functions and the names of what they take:

``coefficients(h, t)``
    From the hyper-parameters ``h`` (a tuple of floats, named by ``Rule.hyper``) and the step
    ``t`` (a float that counts from 1) to the scalars of that step. Always float64; the loops cast
    them to the parameters' dtype afterwards, so that ``1 - beta2**t`` keeps its digits.
``update(p, g, state, c)``
    One parameter, its gradient, its state (a tuple, named by ``Rule.state``) and the cast
    coefficients, to the new parameter and the new state.

Both are plain Python functions of scalars. ``register_jitable`` leaves them so and lets compiled
code call them too: every loop (serial, parallel) is compiled from these.

The conventions are those of PyTorch 2.13. Adam's bias corrections are folded into two
scalars, as section 2 of the paper (Kingma & Ba, 2015) suggests::

    lr/(1-beta1^t) * m / (sqrt(v)/sqrt(1-beta2^t) + eps)
        = lr*sqrt(1-beta2^t)/(1-beta1^t) * m / (sqrt(v) + eps*sqrt(1-beta2^t))

which leaves one square root and one division a parameter. In cache those two are what a step
costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from numba.extending import register_jitable

Scalars = tuple[float, ...]


@dataclass(frozen=True, eq=False)  # a rule is only ever itself: hashed by identity
class Rule:
    """One update rule: its two functions, and the names of their arguments."""

    name: str
    hyper: tuple[str, ...]
    state: tuple[str, ...]
    coefficients: Callable[[Scalars, float], Scalars]
    update: Callable[..., Any]
    #: Scalars that a step hands on to the next (name -> value before the first step).
    carried: dict[str, float] = field(default_factory=dict)
    #: ``advance(h, t)``: the carried scalars after step ``t``.
    advance: Callable[[Scalars, float], Scalars] | None = None

    @property
    def coefficient_count(self) -> int:
        """The length of what ``coefficients`` returns."""
        return len(self.coefficients((0.5,) * len(self.hyper), 1.0))


# ---------------------------------------------------------------------------------------------
# What several rules share
# ---------------------------------------------------------------------------------------------


#: State below this multiple of the smallest normal number becomes 0. Arithmetic on subnormals traps
#: to microcode on many processors, and a moment whose gradient stays 0 decays into them: a step of
#: a net with dead units took 20 times as long without this. Twice the smallest, because the step
#: that brings about a subnormal (``beta*v``) is slow as well. For what the update is proportional
#: to, as much more as keeps ``step * (m / sqrt(v))`` normal for ``step/sqrt(v)`` down to 1e-6; in
#: float32 that is 1e-32, and gradients below 1e-23 vanish from ``v`` anyway.
FLOORS = {"m": 2.0**20, "b": 2.0**20, "v": 2.0, "v_max": 2.0, "u": 2.0}


@register_jitable
def flush(x, floor):
    """Return 0 for an ``x`` of less than ``floor``, else ``x`` (NaN stays NaN)."""
    return x - x if abs(x) < floor else x


@register_jitable
def maximum(a, b):
    """Return the larger, or NaN if either is NaN, as ``numpy.maximum`` does."""
    return a if a > b or a != a else b


@register_jitable
def descent_gradient(p, g, sign, l2):
    """Return the gradient of what is minimised: ``sign*g`` plus the L2 penalty's ``l2*p``."""
    g = sign * g
    if l2 != 0:  # not only for speed: 0*p is NaN where p is infinite
        g = g + l2 * p
    return g


@register_jitable
def power(beta, t):
    """Return ``beta**t``, as far as it can be told from 0 beside 1.

    Adam's two take 14 ns by ``exp`` and 42 ns by ``pow``, in a loop where the logarithms are
    constant, and ``1 - beta**t`` is as near to the truth (within 1.4e-14 at ``beta`` 0.999, for
    the rounding of ``beta**t`` to a number near 1). Where the result underflows it would take
    longer. At ``600/(1 - beta)`` it is below 1e-260 for every ``beta``.
    """
    return math.exp(min(t, 600.0 / (1.0 - beta)) * math.log(beta)) if beta > 0.0 else 0.0


@register_jitable
def moments(g, m, v, beta1, rest1, beta2, rest2):
    """Return the two moving averages of Adam; ``rest`` is ``1 - beta``.

    ``rest2*g*g`` is taken from the left: ``g*g`` alone overflows float32 from 1.8e19 on.
    """
    return beta1 * m + rest1 * g, beta2 * v + rest2 * g * g


# ---------------------------------------------------------------------------------------------
# Adam, AdamW, AMSGrad
# ---------------------------------------------------------------------------------------------


@register_jitable
def adam_scalars(lr, beta1, beta2, eps, t):
    """Return the betas with their complements, the step size and epsilon, bias-corrected."""
    root = math.sqrt(1.0 - power(beta2, t))
    step = lr * root / (1.0 - power(beta1, t))
    return beta1, 1.0 - beta1, beta2, 1.0 - beta2, step, eps * root


@register_jitable
def adam_coefficients(h, t):
    """Adam: ``weight_decay`` is an L2 penalty."""
    lr, beta1, beta2, eps, weight_decay, sign = h
    return (sign, weight_decay, 1.0) + adam_scalars(lr, beta1, beta2, eps, t)  # noqa: RUF005


@register_jitable
def adamw_coefficients(h, t):
    """AdamW: ``weight_decay`` shrinks the parameters, apart from the gradient."""
    lr, beta1, beta2, eps, weight_decay, sign = h
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
def amsgrad_update(p, g, state, c):
    """AMSGrad, of Adam and of AdamW: the largest ``v`` so far takes the place of ``v``."""
    m, v, v_max = state
    sign, l2, shrink, beta1, rest1, beta2, rest2, step, eps = c
    g = descent_gradient(p, g, sign, l2)
    m, v = moments(g, m, v, beta1, rest1, beta2, rest2)
    v_max = maximum(v_max, v)
    return shrink * p - step * (m / (math.sqrt(v_max) + eps)), (m, v, v_max)


ADAM_HYPER = ("lr", "beta1", "beta2", "eps", "weight_decay", "sign")

ADAM = Rule("adam", ADAM_HYPER, ("m", "v"), adam_coefficients, adam_update)
ADAMW = Rule("adamw", ADAM_HYPER, ("m", "v"), adamw_coefficients, adam_update)
ADAM_AMSGRAD = Rule(
    "adam_amsgrad", ADAM_HYPER, ("m", "v", "v_max"), adam_coefficients, amsgrad_update
)
ADAMW_AMSGRAD = Rule(
    "adamw_amsgrad", ADAM_HYPER, ("m", "v", "v_max"), adamw_coefficients, amsgrad_update
)


# ---------------------------------------------------------------------------------------------
# NAdam
# ---------------------------------------------------------------------------------------------


@register_jitable
def nadam_momentum(beta1, momentum_decay, t):
    """Return the scheduled momentum ``mu_t``."""
    return beta1 * (1.0 - 0.5 * 0.96 ** (t * momentum_decay))


@register_jitable
def nadam_coefficients(h, t):
    """NAdam; ``mu_product`` is the product of ``mu_i`` over the steps before this one."""
    lr, beta1, beta2, eps, weight_decay, momentum_decay, sign, mu_product = h
    mu = nadam_momentum(beta1, momentum_decay, t)
    mu_next = nadam_momentum(beta1, momentum_decay, t + 1.0)
    product = mu_product * mu
    root = math.sqrt(1.0 - power(beta2, t))
    step_m = lr * root * mu_next / (1.0 - product * mu_next)
    step_g = lr * root * (1.0 - mu) / (1.0 - product)
    rest1, rest2 = 1.0 - beta1, 1.0 - beta2
    return sign, weight_decay, beta1, rest1, beta2, rest2, step_m, step_g, eps * root


@register_jitable
def nadam_advance(h, t):
    """Multiply this step's momentum into ``mu_product``."""
    _, beta1, _, _, _, momentum_decay, _, mu_product = h
    return (mu_product * nadam_momentum(beta1, momentum_decay, t),)


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
    ("lr", "beta1", "beta2", "eps", "weight_decay", "momentum_decay", "sign", "mu_product"),
    ("m", "v"),
    nadam_coefficients,
    nadam_update,
    carried={"mu_product": 1.0},
    advance=nadam_advance,
)


# ---------------------------------------------------------------------------------------------
# RAdam
# ---------------------------------------------------------------------------------------------


@register_jitable
def radam_coefficients(h, t):
    """RAdam: the adaptive step size is 0 while the variance of ``1/sqrt(v)`` is intractable."""
    lr, beta1, beta2, eps, weight_decay, sign = h
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


RADAM = Rule("radam", ADAM_HYPER, ("m", "v"), radam_coefficients, radam_update)


# ---------------------------------------------------------------------------------------------
# Adamax
# ---------------------------------------------------------------------------------------------


@register_jitable
def adamax_coefficients(h, t):
    """Adamax: only the first moment is biased."""
    lr, beta1, beta2, eps, weight_decay, sign = h
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


ADAMAX = Rule("adamax", ADAM_HYPER, ("m", "u"), adamax_coefficients, adamax_update)


# ---------------------------------------------------------------------------------------------
# RMSprop
# ---------------------------------------------------------------------------------------------


@register_jitable
def rmsprop_coefficients(h, t):
    """RMSprop: nothing depends on the step."""
    lr, alpha, eps, weight_decay, sign = h
    return sign, weight_decay, alpha, 1.0 - alpha, eps, lr


@register_jitable
def rmsprop_update(p, g, state, c):
    """RMSprop, without momentum, not centred."""
    (v,) = state
    sign, l2, alpha, rest, eps, lr = c
    g = descent_gradient(p, g, sign, l2)
    v = alpha * v + rest * g * g
    return p - lr * (g / (math.sqrt(v) + eps)), (v,)


RMSPROP = Rule(
    "rmsprop",
    ("lr", "alpha", "eps", "weight_decay", "sign"),
    ("v",),
    rmsprop_coefficients,
    rmsprop_update,
)


# ---------------------------------------------------------------------------------------------
# SGD
# ---------------------------------------------------------------------------------------------


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
def momentum_coefficients(h, t):
    """SGD with momentum: the buffer starts as the first gradient, undampened."""
    lr, momentum, dampening, weight_decay, nesterov, sign = h
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


SGD = Rule("sgd", ("lr", "weight_decay", "sign"), (), sgd_coefficients, sgd_update)
MOMENTUM = Rule(
    "momentum",
    ("lr", "momentum", "dampening", "weight_decay", "nesterov", "sign"),
    ("b",),
    momentum_coefficients,
    momentum_update,
)

RULES = (
    ADAM,
    ADAM_AMSGRAD,
    ADAMW,
    ADAMW_AMSGRAD,
    NADAM,
    RADAM,
    ADAMAX,
    RMSPROP,
    SGD,
    MOMENTUM,
)
