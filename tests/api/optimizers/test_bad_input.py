"""Bad input: one row a case; an error that names the argument and the value, nothing written."""

import copy
import pickle

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.refused import INF, JUNK, NAN, assert_refused, row_name


def read_only():
    array = np.ones(3)
    array.flags.writeable = False
    return array


SHARED = np.ones(6)

# The optimiser, its arguments after the first (params), and what the message must hold.
HYPER = [
    ("Adam", {"lr": -1.0}, ["lr", "-1.0"]),
    ("Adam", {"lr": NAN}, ["lr", "nan"]),
    ("Adam", {"lr": INF}, ["lr", "inf"]),
    ("Adam", {"lr": "0.1"}, ["lr", "'0.1'"]),
    ("Adam", {"lr": True}, ["lr", "True"]),
    ("Adam", {"lr": None}, ["lr", "None"]),
    ("Adam", {"lr": 1j}, ["lr", "1j"]),
    ("Adam", {"lr": np.array([0.1, 0.2])}, ["lr", "float64"]),
    ("Adam", {"betas": (1.0, 0.9)}, ["betas[0]", "1.0"]),
    ("Adam", {"betas": (0.9, 1.0)}, ["betas[1]", "1.0"]),
    ("Adam", {"betas": (-0.1, 0.9)}, ["betas[0]", "-0.1"]),
    ("Adam", {"betas": (0.9, NAN)}, ["betas[1]", "nan"]),
    ("Adam", {"betas": (0.9, "0.9")}, ["betas[1]", "'0.9'"]),
    ("Adam", {"betas": (0.9,)}, ["betas", "(0.9,)"]),
    ("Adam", {"betas": 0.9}, ["betas", "0.9"]),
    ("Adam", {"betas": "ab"}, ["betas", "'ab'"]),
    ("Adam", {"eps": -1e-8}, ["eps", "-1e-08"]),
    ("Adam", {"eps": NAN}, ["eps", "nan"]),
    ("Adam", {"weight_decay": -0.1}, ["weight_decay", "-0.1"]),
    ("Adam", {"weight_decay": INF}, ["weight_decay", "inf"]),
    ("Adam", {"amsgrad": 1}, ["amsgrad", "1"]),
    ("Adam", {"maximize": "no"}, ["maximize", "'no'"]),
    ("Adam", {"nonfinite": "ignore"}, ["nonfinite", "'ignore'"]),
    ("Adam", {"nonfinite": None}, ["nonfinite", "None"]),
    ("Adam", {"threads": 0}, ["threads", "0"]),
    ("Adam", {"threads": 100_000}, ["threads", "100000"]),
    ("Adam", {"threads": 1.0}, ["threads", "1.0"]),
    ("Adam", {"threads": True}, ["threads", "True"]),
    ("AdamW", {"weight_decay": NAN}, ["weight_decay", "nan"]),
    ("NAdam", {"momentum_decay": -1.0}, ["momentum_decay", "-1.0"]),
    ("RAdam", {"betas": (0.9, 1.5)}, ["betas[1]", "1.5"]),
    ("Adamax", {"lr": -INF}, ["lr", "-inf"]),
    ("RMSprop", {"alpha": 1.0}, ["alpha", "1.0"]),
    ("RMSprop", {"momentum": 1.0}, ["momentum", "1.0"]),
    ("SGD", {"momentum": 1.0}, ["momentum", "1.0"]),
    ("SGD", {"momentum": 0.9, "dampening": 1.5}, ["dampening", "1.5"]),
    ("SGD", {"nesterov": True}, ["nesterov", "momentum=0.0"]),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ["nesterov", "0.1"]),
    ("Lion", {"betas": (0.9, 1.0)}, ["betas[1]", "1.0"]),
    ("ADOPT", {"eps": -1.0}, ["eps", "-1.0"]),
    ("AdEMAMix", {"betas": (0.9, 0.999)}, ["betas", "three numbers", "(0.9, 0.999)"]),
    ("AdEMAMix", {"betas": (0.9, 0.999, 1.0)}, ["betas[2]", "1.0"]),
    ("AdEMAMix", {"alpha": -1.0}, ["alpha", "-1.0"]),
    ("AdEMAMix", {"warmup_steps": 2.5}, ["warmup_steps", "2.5"]),
    ("AdEMAMix", {"warmup_steps": 9, "betas": (0.0, 0.9, 0.9)}, ["warmup_steps=9", "(0.0, "]),
    ("ScheduleFreeAdamW", {"betas": (0.0, 0.9)}, ["betas[0]", "(0.0, 0.9)"]),
    ("ScheduleFreeAdamW", {"warmup_steps": -1}, ["warmup_steps", "-1"]),
    ("ScheduleFreeAdamW", {"r": -0.5}, ["r must", "-0.5"]),
    ("ScheduleFreeAdamW", {"weight_lr_power": NAN}, ["weight_lr_power", "nan"]),
]

PARAMS = [
    (np.ones(3, int), ["params", "int64"]),
    (np.ones(3, bool), ["params", "bool"]),
    (np.ones(3, complex), ["params", "complex128"]),
    (np.ones(3, object), ["params", "object"]),
    (np.ones(3, np.float16), ["params", "float16"]),
    (np.ones(3, np.longdouble), ["params", np.dtype(np.longdouble).name]),
    (np.ones(3, ">f8"), ["params", ">f8"]),
    (np.ma.ones(3), ["params", "masked"]),
    (read_only(), ["params", "read-only"]),
    (np.lib.stride_tricks.as_strided(np.ones(3), (3,), (0,)), ["params", "share memory"]),
    (np.lib.stride_tricks.as_strided(np.ones(6), (3, 2), (8, 8)), ["params", "share memory"]),
    ([SHARED, SHARED], ["params[0]", "params[1]", "share memory"]),
    ([SHARED[:4], np.ones(2), SHARED[3:]], ["params[0]", "params[2]", "share memory"]),
    ([SHARED[::2], SHARED[1:3]], ["params[0]", "params[1]", "share memory"]),
    ([np.ones(2), np.ones(3, int)], ["params[1]", "int64"]),
    ({"w": np.ones(2), "b": 1.0}, ["params['b']", "1.0"]),
    ({1: np.ones(2)}, ["keys", "params", "1"]),
    ([1.0, 2.0], ["params[0]", "1.0"]),
    ([[1.0, 2.0]], ["params[0]", "[1.0, 2.0]"]),
    ([], ["params", "[]"]),
    ({}, ["params", "{}"]),
    (None, ["params", "None"]),
    (1.5, ["params", "1.5"]),
    ("abc", ["params", "'abc'"]),
    ([{"params": np.ones(2), "learning_rate": 0.1}], ["params[0]", "'learning_rate'"]),
    ([{"params": np.ones(2), "lr": -0.5}], ["params[0]['lr']", "-0.5"]),
    ([{"params": np.ones(2)}, {"lr": 0.1}], ["params[1]", "'params'"]),
    ([{"params": np.ones(2)}, {"params": np.ones(2, int)}], ["params[1]['params']", "int64"]),
    ([{"params": SHARED}, {"params": [SHARED]}], ["params[0]", "params[1]", "share memory"]),
]

# Parameters, gradients, and what the message must hold.
GRADS = [
    (np.ones(3), np.ones(2), ["grads", "(3,)", "(2,)"]),
    (np.ones(3), np.ones((3, 1)), ["grads", "(3,)", "(3, 1)"]),
    (np.ones(3), np.ones(()), ["grads", "(3,)", "()"]),
    (np.ones(3), np.ones(3, np.float32), ["grads", "float64", "float32"]),
    (np.ones(3, np.float32), np.ones(3), ["grads", "float32", "float64"]),
    (np.ones(3), np.ones(3, int), ["grads", "int64"]),
    (np.ones(3), np.ones(3, bool), ["grads", "bool"]),
    (np.ones(3), np.ones(3, complex), ["grads", "complex128"]),
    (np.ones(3), np.ones(3, object), ["grads", "object"]),
    (np.ones(3), np.ones(3, np.float16), ["grads", "float16"]),
    (np.ones(3), np.ones(3, ">f8"), ["grads", ">f8"]),
    (np.ones(3), np.ma.ones(3), ["grads", "masked"]),
    (np.ones(3), [1.0, 1.0, 1.0], ["grads", "[1.0, 1.0, 1.0]"]),
    (np.ones(3), None, ["grads", "None"]),
    (np.ones(3), [np.ones(3)], ["grads", "array"]),
    ([np.ones(3)], np.ones(3), ["grads", "sequence of 1"]),
    ([np.ones(3)], [], ["grads", "1", "0"]),
    ([np.ones(3)], [np.ones(3), np.ones(3)], ["grads", "1", "2"]),
    ([np.ones(3)], {"0": np.ones(3)}, ["grads", "sequence"]),
    ([np.ones(3)], 1.0, ["grads", "1.0"]),
    ([np.ones(3), np.ones(2)], [np.ones(3), None], ["grads[1]", "None"]),
    ([np.ones(3), np.ones(2)], [np.ones(2), np.ones(2)], ["grads[0]", "(3,)", "(2,)"]),
    ({"w": np.ones(3)}, [np.ones(3)], ["grads", "mapping"]),
    ({"w": np.ones(3)}, {"v": np.ones(3)}, ["grads", "'w'", "'v'"]),
    ({"w": np.ones(3)}, {"w": np.ones(3), "v": np.ones(3)}, ["grads", "'v'"]),
    ({"w": np.ones(3)}, {"w": np.ones(4)}, ["grads['w']", "(3,)", "(4,)"]),
    ([{"params": np.ones(3)}], np.ones(3), ["grads", "groups"]),
    ([{"params": np.ones(3)}], [np.ones(3), np.ones(3)], ["grads", "1", "2"]),
    ([{"params": [np.ones(3)]}], [np.ones(3)], ["grads[0]", "sequence"]),
    ([{"params": {"w": np.ones(3)}}], [{"w": np.ones(2)}], ["grads[0]['w']", "(2,)"]),
]


@pytest.mark.parametrize(("name", "keywords", "words"), HYPER, ids=row_name)
def test_hyper_parameters(name, keywords, words):
    p = np.ones(3)
    assert_refused(words, lambda: getattr(fastadam, name)(p, **keywords))
    assert (p == 1.0).all()


SETTABLE = [row for row in HYPER if not row[1].keys() & {"nonfinite", "threads"}]


@pytest.mark.parametrize(("name", "keywords", "words"), SETTABLE, ids=row_name)
def test_hyper_parameters_that_are_set_later(name, keywords, words, snapshot):
    p = np.ones(3)
    start = {"momentum": 0.5} if "momentum" in keywords else {}
    optimizer = getattr(fastadam, name)(p, **start)
    before = snapshot(optimizer, [p])
    valid = {"weight_decay": 0.25, "maximize": True}
    assert_refused(words, lambda: optimizer.param_groups[0].update({**valid, **keywords}))
    before.assert_unchanged()


@pytest.mark.parametrize(("params", "words"), PARAMS, ids=row_name)
def test_params(params, words):
    assert_refused(words, lambda: fastadam.Adam(params))


def arrays_in(params):
    """Return the arrays of groups, sequences and mappings."""
    if isinstance(params, np.ndarray):
        return [params]
    members = params.values() if isinstance(params, dict) else params
    return [array for member in members for array in arrays_in(member)]


@pytest.mark.parametrize(("params", "grads", "words"), GRADS, ids=row_name)
def test_grads(params, grads, words, snapshot):
    optimizer = fastadam.Adam(params)
    before = snapshot(optimizer, arrays_in(params))
    assert_refused(words, lambda: optimizer.step(grads))
    before.assert_unchanged()


ARGUMENTS = [
    ("Adam", ["betas", "eps", "lr", "weight_decay", "amsgrad", "maximize", "nonfinite", "threads"]),
    ("NAdam", ["momentum_decay"]),
    ("RMSprop", ["alpha", "momentum", "centered"]),
    ("SGD", ["momentum", "dampening", "nesterov"]),
    ("ADOPT", ["decouple"]),
    ("AdEMAMix", ["alpha", "warmup_steps"]),
    ("ScheduleFreeAdamW", ["betas", "warmup_steps", "r", "weight_lr_power"]),
]


@pytest.mark.fault(number=34)
@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name, row in ARGUMENTS for argument in row]
)
def test_junk_for_any_argument(name, argument):
    make = getattr(fastadam, name)
    for junk in JUNK:
        if junk is not None or argument != "threads":
            assert_refused([argument], lambda junk=junk: make(np.ones(3), **{argument: junk}))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (NAN, ["lr(2)", "nan"]),
        (-1.0, ["lr(2)", "-1.0"]),
        ("0.1", ["lr(2)", "'0.1'"]),
        (None, ["lr(2)", "None"]),
    ],
)
def test_what_a_callable_lr_returns(value, words, snapshot):
    p = np.ones(3)
    optimizer = fastadam.Adam(p, lr=lambda step: 0.1 if step == 1 else value)
    optimizer.step(np.ones(3))
    before = snapshot(optimizer, [p])
    assert_refused(words, lambda: optimizer.step(np.ones(3)))
    before.assert_unchanged()


def test_a_callable_lr_that_raises(snapshot):
    def lr(step):
        raise RuntimeError("no rate today")

    p = np.ones(3)
    optimizer = fastadam.Adam(p, lr=lr)
    before = snapshot(optimizer, [p])
    with pytest.raises(RuntimeError, match="no rate today"):
        optimizer.step(np.ones(3))
    before.assert_unchanged()


def test_what_cannot_be_set_in_a_group():
    optimizer = fastadam.SGD(np.ones(2))
    group = optimizer.param_groups[0]
    with pytest.raises(KeyError, match="params"):
        group["params"] = np.ones(3)
    with pytest.raises(KeyError, match="beta"):
        group["beta"] = 0.5
    with pytest.raises(ValueError, match=r"momentum.*0\.9"):
        group["momentum"] = 0.9  # there is no buffer
    with pytest.raises(TypeError, match="lr"):
        del group["lr"]
    assert_refused(["lr", "-2"], lambda: setattr(optimizer, "lr", -2))
    assert optimizer.lr == 1e-3


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, pickle.dumps])
def test_an_optimiser_cannot_be_duplicated(duplicate):
    """Its flat views would no longer be views of the copied parameters."""
    with pytest.raises(TypeError, match="state_dict"):
        duplicate(fastadam.Adam(np.ones(2)))


def test_the_base_class_cannot_be_made():
    with pytest.raises(TypeError, match="abstract"):
        fastadam.Optimizer(np.ones(2), {}, "propagate", None)
