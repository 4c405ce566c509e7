"""The optimiser object: structures, groups, hyper-parameters, gradients that are not finite."""

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.optimizers import NAMES, expected, make

pytestmark = pytest.mark.smoke

# ---------------------------------------------------------------------------------------------
# Structures
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_all_structures_give_the_same(name):
    rng = np.random.default_rng(0)
    w, b = rng.standard_normal((3, 4)), rng.standard_normal(5)
    gw, gb = rng.standard_normal((3, 4)), rng.standard_normal(5)
    expected_w, expected_b = expected(name, w, [gw, gw]), expected(name, b, [gb, gb])

    def check(params, grads):
        arrays = {"w": w.copy(), "b": b.copy()}
        optimizer = make(name, params(arrays))
        for _ in range(2):
            assert optimizer.step(grads) is None
        assert optimizer.step_count == 2
        np.testing.assert_array_equal(arrays["w"], expected_w)
        np.testing.assert_array_equal(arrays["b"], expected_b)

    check(lambda a: [a["w"], a["b"]], [gw, gb])
    check(lambda a: (a["w"], a["b"]), (gw, gb))
    check(lambda a: a, {"b": gb, "w": gw})
    check(lambda a: a.values(), [gw, gb])
    check(lambda a: iter([a["w"], a["b"]]), [gw, gb])
    check(lambda a: [{"params": a["w"]}, {"params": [a["b"]]}], [gw, [gb]])
    check(lambda a: [{"params": a}], [{"w": gw, "b": gb}])


def test_groups_have_their_own_hyper_parameters():
    w, b = np.ones(3), np.ones(2, np.float32)
    gw, gb = np.full(3, 0.5), np.full(2, 0.5, np.float32)
    optimizer = fastadam.Adam(
        [{"params": w, "lr": 0.1, "amsgrad": True}, {"params": [b], "weight_decay": 0.2}], lr=0.01
    )
    optimizer.step([gw, [gb]])
    np.testing.assert_array_equal(w, expected("Adam", np.ones(3), [gw], lr=0.1, amsgrad=True))
    np.testing.assert_array_equal(
        b, expected("Adam", np.ones(2, np.float32), [gb], lr=0.01, weight_decay=0.2)
    )
    assert optimizer.lr == [0.1, 0.01]
    assert optimizer.param_groups[1]["weight_decay"] == 0.2
    optimizer.lr = 0.3
    assert optimizer.lr == 0.3


def test_lists_are_not_held_by_reference():
    params = [np.ones(2)]
    optimizer = fastadam.Adam(params)
    params.append(np.ones(3))
    optimizer.step([np.ones(2)])
    assert optimizer.step_count == 1


# ---------------------------------------------------------------------------------------------
# Hyper-parameters
# ---------------------------------------------------------------------------------------------


def test_lr_may_be_a_callable_of_the_step():
    seen = []

    def lr(step):
        seen.append(step)
        return 0.1 / step

    p, q = np.ones(3), np.ones(3)
    optimizer, manual = fastadam.Adam(p, lr=lr), fastadam.Adam(q, lr=1.0)
    for step in range(1, 5):
        optimizer.step(p.copy())
        manual.lr = 0.1 / step
        manual.step(q.copy())
    assert seen == [1, 2, 3, 4]
    assert optimizer.lr is lr
    np.testing.assert_array_equal(p, q)


@pytest.mark.fault(number=20)
def test_the_rate_in_force_is_told_and_the_schedule_asked_once_a_step():
    asked = []

    def halving(step):
        asked.append(step)
        return 0.5**step

    w, b = np.ones(2), np.ones(3)
    grads = [np.ones(2), np.ones(3)]
    groups = [{"params": w}, {"params": b, "lr": 0.3}]
    optimizer = fastadam.Adam(groups, lr=halving, nonfinite="raise")
    assert optimizer.current_lr == [0.5, 0.3]  # of the first step
    asked.clear()
    for step in (1, 2, 3):
        optimizer.step(grads)
        assert optimizer.current_lr == [0.5**step, 0.3]
    with pytest.raises(ValueError, match="must be finite"):
        optimizer.param_groups[1]["lr"] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        optimizer.step([np.array([1.0, np.nan]), np.ones(3)])
    assert optimizer.current_lr == [0.125, 0.3]
    assert asked == [1, 2, 3]

    optimizer.lr = 0.75
    assert optimizer.current_lr == 0.75
    optimizer.lr = lambda step: 1.0 / step
    assert optimizer.current_lr == 1 / 3  # of the last step

    resumed = fastadam.Adam([{"params": w}, {"params": b}], lr=halving)
    resumed.load_state_dict(optimizer.state_dict())
    assert resumed.current_lr == 0.125
    resumed.load_state_dict({**optimizer.state_dict(), "group0/lr": 0.1, "group1/lr": 0.1})
    assert resumed.current_lr == 0.1


@pytest.mark.fault(number=20)
def test_a_refused_step_does_not_change_the_rate_in_force():
    """Even if its schedule gives another rate at each look."""
    rates = iter([0.5, 0.25, 0.125])
    fails = iter([0.1, -1.0, -1.0])
    params = [{"params": np.ones(2), "lr": lambda step: next(rates)}]
    params.append({"params": np.ones(2), "lr": lambda step: next(fails)})
    optimizer = fastadam.SGD(params)
    optimizer.step([np.ones(2)] * 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="lr"):
            optimizer.step([np.ones(2)] * 2)
        assert optimizer.current_lr == [0.5, 0.1]


def test_hyper_parameters_can_be_set_between_steps():
    p = np.ones(3)
    optimizer = fastadam.Adam(p)
    group = optimizer.param_groups[0]
    group["betas"] = (0.0, 0.0)
    group.update(lr=0.5, eps=0.0)
    optimizer.step(np.full(3, -7.0))
    np.testing.assert_array_equal(p, 1.5)
    assert dict(group)["lr"] == 0.5


@pytest.mark.parametrize("name", NAMES)
def test_maximize_is_minimising_the_negative(name):
    g = np.array([0.5, -1.0, 2.0])
    up = expected(name, np.ones(3), [g, g], maximize=True)
    np.testing.assert_array_equal(up, expected(name, np.ones(3), [-g, -g]))


def test_repr_tells_what_it_is():
    optimizer = fastadam.Adam({"w": np.ones((2, 3)), "b": np.ones(4)}, lr=0.25)
    optimizer.step({"w": np.ones((2, 3)), "b": np.ones(4)})
    text = repr(optimizer)
    for part in ("Adam(", "10 parameters", "2 array", "lr=0.25", "betas=(0.9, 0.999)", "count=1"):
        assert part in text
    assert "lr=0.5" in repr(fastadam.SGD([{"params": np.ones(1), "lr": 0.5}]))


def test_the_public_names_are_those_of_the_package():
    for name in fastadam.__all__:
        assert hasattr(fastadam, name)
    assert set(NAMES) < set(fastadam.__all__)


# ---------------------------------------------------------------------------------------------
# Gradients that are not finite
# ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", NAMES)
def test_skip_changes_nothing(name, bad, snapshot):
    arrays = [np.ones(3), np.ones(4)]
    optimizer = make(name, arrays, nonfinite="skip")
    optimizer.step([np.ones(3), np.ones(4)])
    before = snapshot(optimizer, arrays)
    optimizer.step([np.ones(3), np.array([1.0, 1.0, bad, 1.0])])
    before.assert_unchanged()
    optimizer.step([np.ones(3), np.ones(4)])
    assert optimizer.step_count == 2


def test_raise_names_the_gradient(snapshot):
    arrays = {"w": np.ones((2, 2)), "b": np.ones(2)}
    optimizer = fastadam.Adam(arrays, nonfinite="raise")
    before = snapshot(optimizer, list(arrays.values()))
    with pytest.raises(ValueError, match=r"grads\['b'\] must be finite, got -inf"):
        optimizer.step({"w": np.ones((2, 2)), "b": np.array([0.0, -np.inf])})
    before.assert_unchanged()
