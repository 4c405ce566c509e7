"""Steps that leave arrays alone: the bits of the CPU's."""

import numpy as np
import pytest

import fastadam
from tests.gpu.family import assert_same_state, gradients
from tests.gpu.host import HostArray

pytestmark = pytest.mark.usefixtures("gpu")


@pytest.mark.parametrize("keywords", [{}, {"nonfinite": "raise", "average": "equal"}])
def test_none_frozen_and_added_groups_and_nested_trees(keywords):
    shapes = [(2, 3), (3,), (4,), (2,)]
    host = [np.ones(shape) for shape in shapes]
    there = [HostArray(array.copy()) for array in host]

    def make(arrays):
        tree = {"layers": [{"w": arrays[0], "b": arrays[1]}], "scale": (arrays[2],)}
        overrides = {"*/b": {"weight_decay": 0.5}}
        optimizer = fastadam.NAdam(tree, lr=0.1, overrides=overrides, **keywords)
        optimizer.param_groups[1]["frozen"] = True
        return optimizer

    cpu, gpu = make(host), make(there)
    steps = zip(*[gradients(shape, float, 6) for shape in shapes], strict=True)
    for step, g in enumerate(steps):
        if step == 2:
            cpu.add_param_group({"params": host[3]})
            gpu.add_param_group({"params": there[3]})
            cpu.param_groups[1]["frozen"] = gpu.param_groups[1]["frozen"] = False
        for optimizer, wrap in ((cpu, np.asarray), (gpu, HostArray)):
            w, b, s, added = map(wrap, g)
            tree = {"layers": [{"w": w, "b": b}], "scale": None if step == 1 else [s]}
            optimizer.step(tree if step < 2 else [tree, added])
    for ours, theirs in zip(there, host, strict=True):
        assert ours.array.tobytes() == theirs.tobytes()
    assert_same_state(gpu, cpu)
    assert gpu.state_dict()["group2/missed_steps"] == 2


def test_a_group_that_is_elsewhere_or_shares_memory_is_refused():
    p = np.ones(4)
    optimizer = fastadam.Adam({"w": HostArray(p)})
    with pytest.raises(ValueError, match=r"params\['w'\] is on a GPU and param_groups\[1\]"):
        optimizer.add_param_group({"params": np.ones(2)})
    with pytest.raises(ValueError, match=r"param_groups\[1\].*share memory"):
        optimizer.add_param_group({"params": HostArray(p[2:])})
    optimizer.step({"w": HostArray(np.ones(4))})


def test_nested_trees_are_packed():
    flat, views = fastadam.pack({"a": [HostArray(np.ones(2))], "b": (HostArray(np.zeros((1, 2))),)})
    assert flat.shape == (4,)
    assert views["a"][0].shape == (2,)
    assert views["b"][0].shape == (1, 2)
