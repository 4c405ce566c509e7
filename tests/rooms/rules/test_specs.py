"""Each rule's spec, and what users see of it: they agree."""

import inspect
import re

import pytest

import fastadam
from fastadam._optimizers.options import COMMON
from fastadam._rules.table import METHODS, RULES

CLASSES = [name for name in fastadam.__all__ if hasattr(getattr(fastadam, name), "_rule")]
OF_THE_CLASS = {"params", *COMMON} - {"maximize"}


@pytest.mark.parametrize("name", CLASSES)
def test_a_signature_has_the_defaults_of_the_spec(name):
    cls = getattr(fastadam, name)
    parameters = inspect.signature(cls).parameters
    given = {key: each.default for key, each in parameters.items() if key not in OF_THE_CLASS}
    assert given == cls._rule.defaults


@pytest.mark.parametrize("name", CLASSES)
def test_a_docstring_has_the_defaults_of_the_spec(name):
    cls = getattr(fastadam, name)
    told = dict(re.findall(r"^(\w+) : .*, default (.*)$", cls.__doc__, re.MULTILINE))
    for key, default in cls._rule.defaults.items():
        if isinstance(default, float):
            assert float(told[key]) == default
        else:
            assert told[key] == repr(default)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_defaults_pass_their_own_checks(rule):
    for key, each in rule.hyper_parameters.items():
        assert each.check(key, each.default) == each.default
    selected = rule.select(rule.defaults)
    hyper = selected.make_hyper(rule.defaults)
    assert len(hyper) == len(selected.hyper)
    assert hyper[0] == rule.defaults["lr"]
    assert all(type(scalar) is float for scalar in hyper)


def test_names_of_kernels_are_distinct():
    names = [rule.name for rule in RULES]
    assert len(set(names)) == len(names)


def test_hyper_parameters_become_the_scalars_of_the_equations():
    rule = METHODS["nadam"]
    values = {
        **rule.defaults,
        "lr": 0.5,
        "betas": (0.25, 0.125),
        "maximize": True,
        "weight_decay": 0.75,
    }
    assert dict(zip(rule.hyper, rule.make_hyper(values, (0.375,)), strict=True)) == {
        "lr": 0.5,
        "weight_decay": 0.75,
        "sign": -1.0,
        "beta1": 0.25,
        "beta2": 0.125,
        "eps": 1e-8,
        "momentum_decay": 4e-3,
        "mu_product": 0.375,
    }
    (carried,) = rule.carried
    assert rule.hyper[-1] == carried.name
    assert rule.make_hyper(values)[-1] == carried.start


def test_a_search_has_room_for_what_its_rule_carries():
    assert max(len(rule.carried) for rule in METHODS.values()) == 1


@pytest.mark.parametrize(
    ("name", "values", "variant"),
    [
        ("adam", {}, "adam"),
        ("adam", {"amsgrad": True}, "adam_amsgrad"),
        ("adamw", {"amsgrad": True}, "adamw_amsgrad"),
        ("sgd", {}, "sgd"),
        ("sgd", {"momentum": 0.5}, "momentum"),
        ("momentum", {"momentum": 0.0}, "momentum"),
        ("rmsprop", {"momentum": 0.5}, "rmsprop_momentum"),
        ("rmsprop", {"centered": True}, "rmsprop_centered"),
        ("rmsprop", {"centered": True, "momentum": 0.5}, "rmsprop_centered_momentum"),
    ],
)
def test_variants(name, values, variant):
    rule = METHODS[name]
    assert rule.select({**rule.defaults, **values}).name == variant


def test_velocities():
    """What is set to 0 where a parameter runs into a bound."""
    velocities = {rule.name: rule.state[rule.velocity] for rule in RULES if rule.velocity >= 0}
    assert velocities == {
        **dict.fromkeys(["adam", "adam_amsgrad", "adamw", "adamw_amsgrad"], "m"),
        **dict.fromkeys(["nadam", "radam", "adamax", "lion", "adopt", "ademamix"], "m"),
        **dict.fromkeys(["momentum", "rmsprop_momentum", "rmsprop_centered_momentum"], "b"),
    }
