"""Steps that leave arrays alone: gradients of None, frozen groups, groups that are added later."""

import importlib.util

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.optimizers import NAMES, expected, make

G = np.array([0.5, -1.0, 2.0])


def state_of(optimizer, prefix):
    state = optimizer.state_dict().items()
    return {key: value.tobytes() for key, value in state if key.startswith(prefix)}


@pytest.mark.parametrize("layout", ["view", "copied"])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("nonfinite", ["propagate", "raise"])
def test_none_leaves_an_array_and_its_state_alone(layout, threads, nonfinite):
    w = np.ones(3) if layout == "view" else np.ones(6)[::2]
    params = {"w": w, "deep": [np.ones(3), {"b": np.ones(3)}]}
    optimizer = fastadam.Adam(params, lr=0.1, threads=threads, nonfinite=nonfinite)
    optimizer.step({"w": G, "deep": [G, {"b": G}]})
    before, w_before = state_of(optimizer, "group0/deep/"), w.copy()
    deep = [params["deep"][0].copy(), params["deep"][1]["b"].copy()]
    optimizer.step({"w": G, "deep": None})
    assert state_of(optimizer, "group0/deep/") == before
    np.testing.assert_array_equal([params["deep"][0], params["deep"][1]["b"]], deep)
    assert (w != w_before).all()
    np.testing.assert_array_equal(w, expected("Adam", np.ones(3), [G, G], lr=0.1))
    w.flags.writeable = False
    optimizer.step({"w": None, "deep": [G, {"b": None}]})
    np.testing.assert_array_equal(params["deep"][1]["b"], deep[1])
    assert (params["deep"][0] != deep[0]).all()
    assert optimizer.step_count == 3


@pytest.mark.parametrize("threads", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_clipping_and_averages_leave_out_what_a_step_leaves_alone(threads):
    """Groups, places of calls and the norm are those of the arrays that take part."""
    params = [np.ones(3), np.full(20_000, 2.0), np.ones(3)]
    optimizer = fastadam.SGD(params, lr=0.5, clip_norm=5.0, average="equal", threads=threads)
    optimizer.step([np.array([6.0, 0.0, 8.0]), None, None])  # of norm 10: halved
    assert optimizer.grad_norm == pytest.approx(10.0)
    np.testing.assert_allclose(params[0], [-0.5, 1.0, -1.0], rtol=1e-6)
    optimizer.step([None, None, None])
    late = np.zeros(20_000)
    optimizer.add_param_group({"params": late})
    optimizer.step([[None, np.full(20_000, 0.01), None], np.full(20_000, 0.01)])
    assert optimizer.grad_norm == pytest.approx(2.0)
    np.testing.assert_allclose(params[1], 1.995, rtol=1e-12)
    assert (params[2] == 1.0).all()
    with optimizer.averaged():
        np.testing.assert_allclose(params[0], [-0.5, 1.0, -1.0], rtol=1e-6)
        np.testing.assert_allclose(params[1], 1.9975, rtol=1e-12)  # of two steps
        np.testing.assert_allclose(late, -0.0025, rtol=1e-12)
        with pytest.raises(RuntimeError, match="add_param_group"):
            optimizer.add_param_group({"params": np.ones(2)})
    np.testing.assert_allclose(late, -0.005, rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_state_of_few_bits_is_left_alone(threads):
    p, g = np.ones((2, 20_000), np.float32), np.full(20_000, 0.5, np.float32)
    keywords = {"lr": 0.1, "state_dtype": "uint8", "clip_norm": 1e9, "average": "equal"}
    optimizer = fastadam.Adam(list(p), threads=threads, **keywords)
    optimizer.step([g, g])
    before, row = state_of(optimizer, "group0/1/"), p[1].copy()
    assert before
    optimizer.step([g, None])
    assert state_of(optimizer, "group0/1/") == before
    assert (p[1] == row).all()
    np.testing.assert_array_equal(p[0], expected("Adam", np.ones_like(g), [g, g], **keywords))


@pytest.mark.parametrize("name", NAMES)
def test_a_step_without_any_gradient_only_counts(name):
    p = [np.ones(3), np.ones(2)]
    optimizer = make(name, p)
    optimizer.step([None, None])
    assert optimizer.step_count == 1
    assert optimizer.state_dict()["group0/missed_steps"] == 1
    optimizer.step([G, np.ones(2)])
    np.testing.assert_array_equal(p[0], expected(name, np.ones(3), [G]))


@pytest.mark.parametrize("name", NAMES)
def test_a_group_that_begins_late_begins_as_a_new_optimiser(name, tmp_path):
    """One is frozen at first, one is added; both resume from a file."""
    w, frozen, added = np.ones(3), np.ones(3), np.ones(3)
    groups = [{"params": w}, {"params": {"b": frozen}, "frozen": True}]
    optimizer = make(name, groups)
    for _ in range(4):
        optimizer.step([G, {"b": np.full(3, np.nan)}])
    assert "frozen=True" in repr(optimizer)
    optimizer.step([G, None])
    assert optimizer.state_dict()["group1/frozen"] is True
    assert (frozen == 1.0).all()
    optimizer.param_groups[1]["frozen"] = False
    optimizer.add_param_group({"params": [added]})
    optimizer.step([G, {"b": G}, [G]])
    saved = tmp_path / "state.npz"
    np.savez(saved, **optimizer.state_dict())

    groups = [{"params": w}, {"params": {"b": frozen}, "frozen": True}, {"params": [added]}]
    resumed = make(name, groups)
    with np.load(saved) as state:
        assert "group1/frozen" not in state
        assert state["group1/missed_steps"] == state["group2/missed_steps"] == 5
        resumed.load_state_dict(state)
    resumed.step([G, {"b": G}, [G]])
    late = expected(name, np.ones(3), [G, G])
    np.testing.assert_array_equal(frozen, late)
    np.testing.assert_array_equal(added, late)
    np.testing.assert_array_equal(w, expected(name, np.ones(3), [G] * 7))
    with pytest.raises(ValueError, match=r"grads\[2\]\[0\]"):
        resumed.step([G, {"b": G}, [np.ones(2)]])


def test_a_group_can_be_added_to_a_plain_tree():
    asked = []
    params, b = {"w": np.ones(3)}, np.ones(2)
    optimizer = fastadam.Adam(params, lr=lambda step: asked.append(step) or 0.25)
    optimizer.step({"w": G})
    before = state_of(optimizer, "group0/w/")
    optimizer.add_param_group({"params": b, "lr": 0.5, "eps": 0.0})
    assert state_of(optimizer, "group0/w/") == before
    optimizer.step([{"w": G}, np.ones(2)])
    np.testing.assert_array_equal(b, 0.5)  # a full step, as its first is
    np.testing.assert_array_equal(params["w"], expected("Adam", np.ones(3), [G, G], lr=0.25))
    assert asked == [1, 2]
    with pytest.raises(ValueError, match=r"grads\[0\]\['w'\] must have the shape"):
        optimizer.step([{"w": np.ones(2)}, np.ones(2)])
    with pytest.raises(TypeError, match="2 parameter groups"):
        optimizer.step({"w": G})


def test_overrides_are_groups_of_one_packed_model():
    rng = np.random.default_rng(0)
    shapes = {"w1": (4, 3), "b1": (3,), "w2": (3, 2), "b2": (2,)}
    model = {key: rng.standard_normal(shape) for key, shape in shapes.items()}
    flat, views = fastadam.pack(model)
    _, gradients = fastadam.pack(model)
    overrides = {"b*": {"weight_decay": 0.0}, "?2": {"lr": 1e-4}}
    optimizer = fastadam.AdamW(views, lr=1e-2, weight_decay=0.1, overrides=overrides)
    for _ in range(3):
        optimizer.step(gradients)
    for key, (lr, decay) in {
        "w1": (1e-2, 0.1), "b1": (1e-2, 0.0), "w2": (1e-4, 0.1), "b2": (1e-4, 0.0)
    }.items():  # fmt: skip
        wanted = expected("AdamW", model[key], [model[key]] * 3, lr=lr, weight_decay=decay)
        np.testing.assert_array_equal(views[key], wanted)
    assert [list(group["params"]) for group in optimizer.param_groups] == [
        ["w1"], ["b1"], ["w2"], ["b2"]
    ]  # fmt: skip
    assert "group3/b2/m" in optimizer.state_dict()
    optimizer.param_groups[2]["frozen"] = True
    before = flat.copy()
    optimizer.add_param_group({"params": np.ones(2)})
    optimizer.step([gradients, np.ones(2)])
    assert (views["w2"].ravel() == before[15:21]).all()
    assert (flat[:15] != before[:15]).all()


def test_overrides_of_a_nested_tree_share_groups():
    layer = {"w": np.ones(2), "b": np.ones(2)}
    params = {"layers": [layer, {key: array.copy() for key, array in layer.items()}]}
    optimizer = fastadam.SGD(params, lr=0.5, overrides={"*/b": {"frozen": True}})
    w_group, b_group = optimizer.param_groups
    assert list(w_group["params"]) == ["layers/0/w", "layers/1/w"]
    assert list(b_group["params"]) == ["layers/0/b", "layers/1/b"]
    optimizer.step({"layers": [{"w": np.ones(2), "b": None}] * 2})
    assert [layer["w"][0], layer["b"][0]] == [0.5, 1.0]


@pytest.mark.slow
@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
@pytest.mark.parametrize("name", ["Adam", "NAdam", "RAdam"])
def test_torch_counts_in_the_same_way(name):
    import torch

    rng = np.random.default_rng(0)
    ours = [rng.standard_normal(5) for _ in range(3)]
    theirs = [torch.from_numpy(array.copy()).requires_grad_() for array in ours]
    mine = make(name, [{"params": ours[0]}, {"params": ours[1], "lr": 0.05}], lr=0.1)
    other = getattr(torch.optim, name)(
        [{"params": [theirs[0]]}, {"params": [theirs[1]], "lr": 0.05}], lr=0.1
    )
    for step in range(12):
        if step == 4:
            mine.add_param_group({"params": ours[2], "weight_decay": 0.1})
            other.add_param_group({"params": [theirs[2]], "weight_decay": 0.1})
        grads = [rng.standard_normal(5) for _ in range(3 if step >= 4 else 2)]
        if step % 3 == 0:
            grads[1] = None
        for tensor, g in zip(theirs, grads, strict=False):
            tensor.grad = None if g is None else torch.from_numpy(g.copy())
        mine.step(grads)
        other.step()
    for array, tensor in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(array, tensor.detach().numpy(), rtol=1e-6)
