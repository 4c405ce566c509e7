"""The two modes of `ScheduleFreeAdamW`; its steps are among those of all rules."""

import numpy as np
import pytest

import fastadam

LAYOUTS = {
    "scalar": lambda: np.array(2.0),
    "float32": lambda: np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4),
    "fortran": lambda: np.asfortranarray(np.linspace(-1, 1, 12).reshape(3, 4)),
    "strided": lambda: np.linspace(-1, 1, 24).reshape(3, 8)[:, ::2],
}


def trained(**keywords):
    """Return parameters in some layouts and groups, after some steps."""
    p = {name: make() for name, make in LAYOUTS.items()}
    groups = [{"params": p, "betas": (0.75, 0.9)}, {"params": [np.ones(3)]}]
    optimizer = fastadam.ScheduleFreeAdamW(groups, lr=0.1, **keywords)
    for k in range(6):
        g = {name: np.asarray(np.cos(each + k), each.dtype) for name, each in p.items()}
        optimizer.step([g, [np.full(3, k - 2.0)]])
    return optimizer, [*p.values(), *groups[1]["params"]]


def test_there_and_back():
    optimizer, params = trained()
    before, state = [each.copy() for each in params], optimizer.state_dict()
    optimizer.eval()
    averages = [each.copy() for each in params]
    for key, y, x in zip([*LAYOUTS, "0"], before, averages, strict=True):
        group = int(key == "0")
        z = y + state[f"group{group}/{key}/d"]
        beta1 = (0.75, 0.9)[group]
        np.testing.assert_allclose((1 - beta1) * z + beta1 * x, y, rtol=1e-6)
        assert not np.array_equal(x, y)
    optimizer.eval()  # once more: nothing
    for each, x in zip(params, averages, strict=True):
        assert each.tobytes() == x.tobytes()
    optimizer.train()
    optimizer.train()
    for each, y in zip(params, before, strict=True):
        assert each.tobytes() == y.tobytes()
    ones = [np.ones_like(each) for each in params]
    optimizer.step([dict(zip(LAYOUTS, ones[:-1], strict=True)), ones[-1:]])
    assert optimizer.step_count == 7


def test_evaluation_mode_refuses_what_needs_the_parameters_of_training():
    optimizer, params = trained()
    state = optimizer.state_dict()
    optimizer.eval()
    before = [each.copy() for each in params]
    for method, arguments in (("step", [params]), ("state_dict", []), ("load_state_dict", [state])):
        with pytest.raises(RuntimeError, match=f"^{method} is of training mode: call train"):
            getattr(optimizer, method)(*arguments)
    for each, x in zip(params, before, strict=True):
        np.testing.assert_array_equal(each, x)
    assert optimizer.step_count == 6


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_parameters_that_became_read_only_are_left_alone(mode):
    optimizer, params = trained()
    if mode == "train":
        optimizer.eval()
    before = [each.copy() for each in params]
    params[-1].flags.writeable = False
    with pytest.raises(ValueError, match=r"params\[1\]\['params'\]\[0\] is read-only"):
        getattr(optimizer, mode)()
    for each, x in zip(params, before, strict=True):
        np.testing.assert_array_equal(each, x)
    params[-1].flags.writeable = True
    getattr(optimizer, mode)()
    assert not np.array_equal(params[-1], before[-1])


@pytest.mark.parametrize("kind", ["bfloat16", "uint8"])
def test_states_whose_differences_count_are_kept_whole(kind):
    p = np.ones(2, np.float32)
    with pytest.raises(ValueError, match=f"state_dtype must be None.*schedule_free.*{kind}"):
        fastadam.ScheduleFreeAdamW(p, state_dtype=kind)
    with pytest.raises(ValueError, match=f"state_dtype must be None.*centered.*{kind}"):
        fastadam.RMSprop([{"params": p, "centered": True}], state_dtype=kind)


def test_it_has_no_other_average():
    with pytest.raises(ValueError, match=r"average must be None.*eval\(\).*got 0\.9"):
        fastadam.ScheduleFreeAdamW(np.ones(2), average=0.9)


def test_steps_of_size_0_have_no_weight():
    p = np.ones(2)
    optimizer = fastadam.ScheduleFreeAdamW(p, lr=lambda step: 0.1 * (step > 2))
    for _ in range(2):
        optimizer.step(np.ones(2))
        np.testing.assert_array_equal(p, 1.0)
    optimizer.step(np.ones(2))
    optimizer.eval()
    np.testing.assert_allclose(p, 0.9)


@pytest.mark.parametrize("key", ["lr_max", "weight_sum"])
def test_what_a_step_hands_on_is_saved_and_checked(key, snapshot):
    p = np.ones(2)
    optimizer = fastadam.ScheduleFreeAdamW(p, lr=0.5, warmup_steps=4)
    for _ in range(2):
        optimizer.step(np.ones(2))
    state = optimizer.state_dict()
    assert state[f"group0/{key}"] == {"lr_max": 0.25, "weight_sum": 0.125**2 + 0.25**2}[key]
    optimizer.lr = 0.3
    assert optimizer.state_dict()[f"group0/{key}"] == state[f"group0/{key}"]
    before = snapshot(optimizer, [p])
    with pytest.raises(ValueError, match=f"group0/{key}.*-1"):
        optimizer.load_state_dict({**state, f"group0/{key}": -1.0})
    before.assert_unchanged()
