"""Every rule, by name."""

from __future__ import annotations

from collections.abc import Iterator

from .adam import ADAM, ADAM_AMSGRAD, ADAMAX, ADAMW, NADAM, RADAM
from .ademamix import ADEMAMIX
from .adopt import ADOPT
from .lion import LION
from .schedule_free import SCHEDULE_FREE
from .sgd import MOMENTUM, PLAIN_SGD, RMSPROP
from .spec import Rule

#: The rules of `fastadam.minimize`, by the name of the method. A search carries one scalar.
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

#: Those that only the optimisers have.
_OTHERS = (LION, ADOPT, ADEMAMIX, SCHEDULE_FREE)


def _list_variants(rule: Rule) -> Iterator[Rule]:
    """List a rule, its variants, and theirs."""
    yield rule
    for variant in rule.variants.values():
        yield from _list_variants(variant)


#: These and their variants, each once: all that kernels are made from.
RULES = tuple(
    dict.fromkeys(each for rule in (*METHODS.values(), *_OTHERS) for each in _list_variants(rule))
)
