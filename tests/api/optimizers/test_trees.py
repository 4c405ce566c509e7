"""Nested trees of arrays: the same structure out, and the same steps as of a flat list."""

from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadam

Layer = namedtuple("Layer", "w b")

SHAPES = [(), (3,), (0,), (2, 2)]
leaves = st.sampled_from(SHAPES).map(lambda shape: np.full(shape, 2.0))
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.tuples(inner, inner).map(lambda pair: Layer(*pair))
        | st.dictionaries(st.text("ab/0", max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)


def members(tree):
    return list(tree.values()) if isinstance(tree, dict) else list(tree)


def flatten(tree):
    """List the arrays in a tree, in order."""
    if isinstance(tree, np.ndarray):
        return [tree]
    return [array for member in members(tree) for array in flatten(member)]


def outline(tree):
    """Describe a tree without its arrays' elements."""
    if isinstance(tree, np.ndarray):
        return tree.shape
    keys = list(tree) if isinstance(tree, dict) else None
    return type(tree), keys, [outline(member) for member in members(tree)]


@settings(max_examples=60, deadline=None)
@given(trees.filter(flatten))
def test_what_is_packed_has_the_structure_of_what_was_given(tree):
    flat, views = fastadam.pack(tree)
    if type(tree) is tuple and all(isinstance(member, np.ndarray) for member in tree):
        tree = list(tree)  # as ever
    assert outline(views) == outline(tree)
    arrays = flatten(views)
    assert all(view.base is flat for view in arrays)
    flat[:] = np.arange(flat.size)
    np.testing.assert_array_equal(np.concatenate([view.ravel() for view in arrays]), flat)


def model():
    return {
        "layers": [{"w": np.ones((2, 3)), "b": np.zeros(3)}, Layer(np.ones((3, 1)), np.zeros(1))],
        "none": (),
        "scale": np.array(2.0),
    }


def random_like(tree, rng):
    if isinstance(tree, np.ndarray):
        return rng.standard_normal(tree.shape)
    if isinstance(tree, dict):  # in another order
        return {key: random_like(tree[key], rng) for key in reversed(tree)}
    return [random_like(member, rng) for member in tree]


def test_steps_are_those_of_a_flat_list():
    nested, flat = model(), flatten(model())
    one, other = fastadam.NAdam(nested, lr=0.1), fastadam.NAdam(flat, lr=0.1)
    assert outline(one.param_groups[0]["params"]) == outline(nested)
    assert one.param_groups[0]["params"]["layers"][1].w is nested["layers"][1].w
    rng = np.random.default_rng(0)
    for _ in range(3):
        g = random_like(nested, rng)
        one.step(g)
        w0, b0, w1, b1 = (g["layers"][i][key] for i, key in ((0, "w"), (0, "b"), (1, 0), (1, 1)))
        other.step([w0, b0, w1, b1, g["scale"]])
    for ours, theirs in zip(flatten(nested), flat, strict=True):
        assert ours.tobytes() == theirs.tobytes()


def test_a_list_of_mappings_without_params_is_a_tree():
    layers = [{"w": np.ones(2), "b": np.ones(1)}, {"w": np.ones(2)}]
    optimizer = fastadam.SGD(layers, lr=0.5)
    optimizer.step([{"w": np.ones(2), "b": np.ones(1)}, {"w": np.ones(2)}])
    assert [array[0] for array in flatten(layers)] == [0.5, 0.5, 0.5]


def test_saving_names_the_path(tmp_path):
    params = model()
    optimizer = fastadam.Adam(params)
    g = random_like(params, np.random.default_rng(0))
    optimizer.step(g)
    np.savez(tmp_path / "state.npz", **optimizer.state_dict())
    second = fastadam.Adam(params)
    with np.load(tmp_path / "state.npz") as saved:
        assert {"group0/layers/0/w/m", "group0/layers/1/0/v", "group0/scale/m"} <= set(saved)
        second.load_state_dict(saved)
    np.testing.assert_allclose(
        second.state_dict()["group0/layers/1/1/m"], 0.1 * g["layers"][1][1], rtol=1e-15
    )


@pytest.mark.parametrize("tree", [{"a/b": np.ones(2)}, [np.ones(2)], np.ones(2)])
def test_keys_of_one_level_are_as_ever(tree):
    key = "a/b" if isinstance(tree, dict) else "0"
    assert {f"group0/{key}/m", f"group0/{key}/v"} < set(fastadam.Adam(tree).state_dict())
