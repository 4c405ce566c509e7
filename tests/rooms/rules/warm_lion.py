"""A rule that the package does not have: its two functions, its spec, and a class for it.

Lion with what `fastadam.Lion` lacks: ``warmth``, by which the first steps grow, and ``cautious``,
by which a parameter moves only where its gradient has the sign of the step (Liang et al., 2024).
"""

import hashlib
from pathlib import Path

import numpy as np
from numba.extending import register_jitable

import fastadam
from fastadam._rules.shared import M, make_common
from fastadam._rules.spec import HyperParameter, Rule
from fastadam._validate import flag, fraction, fraction_pair


@register_jitable
def coefficients(h, t):
    lr, weight_decay, sign, beta1, beta2, warmth = h
    lr *= 1.0 - warmth**t
    return sign, 1.0 - lr * weight_decay, lr, beta1, 1.0 - beta1, beta2, 1.0 - beta2


@register_jitable
def direction(m, g, beta1, rest1, lr):
    d = beta1 * m + rest1 * g
    return lr if d > 0 else -lr if d < 0 else lr * d


@register_jitable
def update(p, g, state, c):
    (m,) = state
    sign, shrink, lr, beta1, rest1, beta2, rest2 = c
    g = sign * g
    return shrink * p - direction(m, g, beta1, rest1, lr), (beta2 * m + rest2 * g,)


@register_jitable
def cautious_update(p, g, state, c):
    (m,) = state
    sign, shrink, lr, beta1, rest1, beta2, rest2 = c
    g = sign * g
    step = direction(m, g, beta1, rest1, lr)
    if step * g <= 0:
        step = lr - lr
    return shrink * p - step, (beta2 * m + rest2 * g,)


def check(values):
    if values["cautious"] and values["betas"][0] == 0.0:
        raise ValueError("cautious=True needs betas[0] > 0")


BETAS = HyperParameter(
    (0.9, 0.99), fraction_pair, {"beta1": lambda pair: pair[0], "beta2": lambda pair: pair[1]}
)
HYPER_PARAMETERS = {
    **make_common(lr=1e-4),
    "betas": BETAS,
    "warmth": HyperParameter(0.0, fraction),  # the larger, the slower the first steps grow
}

# Kernels that an earlier version of this file left on disk are not taken for these.
_VERSION = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]

CAUTIOUS = Rule(
    f"cautious_warm_lion_{_VERSION}",
    coefficients,
    cautious_update,
    HYPER_PARAMETERS,
    (M,),
    check=check,
)
LION = Rule(
    f"warm_lion_{_VERSION}",
    coefficients,
    update,
    {**HYPER_PARAMETERS, "cautious": HyperParameter(False, flag, {})},
    (M,),
    variants={"cautious": CAUTIOUS},
    check=check,
)


class WarmLion(fastadam.Optimizer):
    _rule = LION

    def __init__(
        self,
        params,
        lr=1e-4,
        betas=(0.9, 0.99),
        weight_decay=0.0,
        *,
        warmth=0.0,
        cautious=False,
        **common,
    ):
        super().__init__(params, locals())


class Reference:
    """The same in plain NumPy, from the paper."""

    def __init__(self, p, lr, betas=(0.9, 0.99), weight_decay=0.0, warmth=0.0, cautious=False):
        self.p, self.m, self.t = np.array(p, float), np.zeros(np.shape(p)), 0
        self.lr, self.betas, self.weight_decay = lr, betas, weight_decay
        self.warmth, self.cautious = warmth, cautious

    def step(self, g):
        self.t += 1
        lr = self.lr * (1 - self.warmth**self.t)
        sign = np.sign(self.betas[0] * self.m + (1 - self.betas[0]) * g)
        if self.cautious:
            sign = np.where(sign * g > 0, sign, 0.0)
        self.p = (1 - lr * self.weight_decay) * self.p - lr * sign
        self.m = self.betas[1] * self.m + (1 - self.betas[1]) * g
