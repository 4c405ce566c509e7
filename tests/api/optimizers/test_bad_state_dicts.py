"""State dictionaries that are refused: an error that names the key and the value."""

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.refused import INF, JUNK, assert_refused, row_name

# What is changed in a state dict of Adam over {"w": 3 numbers}, and what the message must hold.
GONE = object()
STATE_DICTS = [
    ({"rule": "SGD"}, ["rule", "'Adam'", "'SGD'"]),
    ({"rule": GONE}, ["rule", "None"]),
    ({"step_count": GONE}, ["step_count"]),
    ({"step_count": -1}, ["step_count", "-1"]),
    ({"step_count": 1.5}, ["step_count", "1.5"]),
    ({"group0/lr": -1.0}, ["lr", "-1.0"]),
    ({"group0/lr": GONE}, ["group0/lr", "callable"]),
    ({"group0/betas": (0.9, 1.0)}, ["betas[1]", "1.0"]),
    ({"group0/amsgrad": True}, ["amsgrad", "True"]),
    ({"group0/w/m": np.ones(4)}, ["group0/w/m", "(3,)", "(4,)"]),
    ({"group0/w/m": np.ones(3, np.float32)}, ["group0/w/m", "float64", "float32"]),
    ({"group0/w/v": [1.0, 1.0, 1.0]}, ["group0/w/v", "[1.0, 1.0, 1.0]"]),
    ({"group0/w/v": GONE}, ["group0/w/v"]),
    ({"group0/w/v_max": np.ones(3)}, ["group0/w/v_max"]),
    ({"group0/momentum": 0.9}, ["group0/momentum"]),
    ({"group0/frozen": 1}, ["frozen", "1"]),
    ({"group0/missed_steps": 2}, ["group0/missed_steps", "0 to 1", "2"]),
    ({"group0/missed_steps": 0.5}, ["group0/missed_steps", "0.5"]),
    ({"group1/frozen": True}, ["group1/frozen"]),
]


@pytest.mark.parametrize(("changes", "words"), STATE_DICTS, ids=row_name)
def test_state_dicts(changes, words, snapshot):
    p = {"w": np.ones(3)}
    optimizer = fastadam.Adam(p)
    optimizer.step({"w": np.ones(3)})
    state = {**optimizer.state_dict(), **changes}
    state = {key: value for key, value in state.items() if value is not GONE}
    state.setdefault("group0/w/m", None)
    if isinstance(state["group0/w/m"], np.ndarray):
        state["group0/w/m"] = state["group0/w/m"] + 1  # would show if it were written
    before = snapshot(optimizer, list(p.values()))
    assert_refused(words, lambda: optimizer.load_state_dict(state))
    before.assert_unchanged()


NADAM_KEYS = sorted(fastadam.NAdam({"w": np.ones(3)}).state_dict())


@pytest.mark.fault(number=34)
@pytest.mark.parametrize("key", NADAM_KEYS)
def test_junk_anywhere_in_a_state_dict(key, snapshot):
    p = {"w": np.ones(3)}
    optimizer = fastadam.NAdam(p)
    optimizer.step({"w": np.ones(3)})
    before = snapshot(optimizer, list(p.values()))
    own = optimizer.state_dict()
    for name in own:
        if name.startswith("group0/w/"):
            own[name] = own[name] + 1  # would show if it were written
    word = key.rpartition("/")[2]
    for junk in JUNK:
        assert_refused([word], lambda junk=junk: optimizer.load_state_dict({**own, key: junk}))
    for name in (1, None, ("group0", "lr"), b"group0/lr"):
        words = ["keys of state_dict", "strings", repr(name)]
        assert_refused(words, lambda name=name: optimizer.load_state_dict({**own, name: 1.0}))
    before.assert_unchanged()


@pytest.mark.fault(number=34)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("step_count", 2**63 - 1),
        ("step_count", np.array(2**64 - 1, np.uint64)),
        ("group0/mu_product", 1.5),
        ("group0/mu_product", np.float64(-0.5)),
        ("group0/mu_product", INF),
    ],
)
def test_numbers_in_a_state_dict_that_no_step_gives(key, value, snapshot):
    p = np.ones(3)
    optimizer = fastadam.NAdam(p)
    before = snapshot(optimizer, [p])
    words = [f"state_dict['{key}']", str(value)]
    own = optimizer.state_dict()
    assert_refused(words, lambda: optimizer.load_state_dict({**own, key: value}))
    before.assert_unchanged()


def test_a_state_dict_that_is_no_mapping():
    assert_refused(["state_dict", "[1]"], lambda: fastadam.Adam(np.ones(2)).load_state_dict([1]))
