"""Every rule, by name."""

from __future__ import annotations

from .adam import ADAM, ADAM_AMSGRAD, ADAMAX, ADAMW, NADAM, RADAM
from .sgd import MOMENTUM, PLAIN_SGD, RMSPROP
from .spec import Rule

#: The rules of `fastadam.minimize`, by the name of the method.
METHODS: dict[str, Rule] = {
    "adam": ADAM,
    "adamw": ADAMW,
    "amsgrad": ADAM_AMSGRAD,
    "nadam": NADAM,
    "radam": RADAM,
    "adamax": ADAMAX,
    "rmsprop": RMSPROP,
    "sgd": PLAIN_SGD,
    "momentum": MOMENTUM,
}

#: These and their variants, each once: all that kernels are made from.
RULES = tuple(
    dict.fromkeys(each for rule in METHODS.values() for each in (rule, *rule.variants.values()))
)
