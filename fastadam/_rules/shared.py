"""What several rules share: their arithmetic, hyper-parameters and state."""

from __future__ import annotations

import math
from functools import partial
from operator import itemgetter

from numba.extending import register_jitable

from .._validate import count, flag, fraction_pair, learning_rate, nonnegative
from .spec import HyperParameter, StateArray


def make_common(lr: float = 1e-3, weight_decay: float = 0.0) -> dict[str, HyperParameter]:
    """Make the hyper-parameters that all rules have, with these defaults."""
    sign = {"sign": lambda maximize: -1.0 if maximize else 1.0}
    return {
        "lr": HyperParameter(lr, learning_rate),
        "weight_decay": HyperParameter(weight_decay, nonnegative),
        "maximize": HyperParameter(False, flag, sign),
    }


def make_betas(beta1: float, beta2: float) -> dict[str, HyperParameter]:
    """Make the two decay rates, with these defaults."""
    scalars = {"beta1": itemgetter(0), "beta2": itemgetter(1)}
    return {"betas": HyperParameter((beta1, beta2), fraction_pair, scalars)}


EPS = {"eps": HyperParameter(1e-8, nonnegative)}
BETAS = {**make_betas(0.9, 0.999), **EPS}
#: Steps that a scalar rises over; as many as a float counts.
WARMUP = {"warmup_steps": HyperParameter(0, partial(count, least=0, most=2**53))}

#: Twice the smallest normal number, because the step that brings about a subnormal (``beta*v``) is
#: slow as well. Arithmetic on subnormals traps to microcode on many processors, and a moment whose
#: gradient stays 0 decays into them: a step of a net with dead units took 20 times as long.
FLOOR = 2.0
#: For what the update is proportional to, as much more as keeps ``step * (m / sqrt(v))`` normal for
#: ``step/sqrt(v)`` down to 1e-6; in float32 that is 1e-32, and gradients below 1e-23 vanish from
#: ``v`` anyway.
VELOCITY_FLOOR = 2.0**20

M = StateArray("m", VELOCITY_FLOOR, is_velocity=True)
V = StateArray("v", FLOOR)


@register_jitable
def maximum(a, b):
    """Take the larger, or NaN if either is NaN, as ``numpy.maximum`` does."""
    return a if a > b or a != a else b


@register_jitable
def descent_gradient(p, g, sign, l2):
    """Make the gradient of what is minimised: ``sign*g`` plus the L2 penalty's ``l2*p``."""
    g = sign * g
    if l2 != 0:  # not only for speed: 0*p is NaN where p is infinite
        g = g + l2 * p
    return g


@register_jitable
def power(beta, t):
    """Compute ``beta**t``, as far as it can be told from 0 beside 1.

    Adam's two take 14 ns by ``exp`` and 42 ns by ``pow``, in a loop where the logarithms are
    constant, and ``1 - beta**t`` is as near to the truth (within 1.4e-14 at ``beta`` 0.999, for
    the rounding of ``beta**t`` to a number near 1). Where the result underflows it would take
    longer. At ``600/(1 - beta)`` it is below 1e-260 for every ``beta``.
    """
    return math.exp(min(t, 600.0 / (1.0 - beta)) * math.log(beta)) if beta > 0.0 else 0.0
