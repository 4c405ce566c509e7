"""Files of every version that there was are read, for ever."""

from pathlib import Path

import numpy as np

import fastadam
from fastadam._checkpoint.files import VERSION
from fastadam.schedules import ReduceOnPlateau


def make():
    """Return the optimiser of the files, its arrays and a schedule, before its first step."""
    w, b = np.arange(6.0).reshape(2, 3), np.array([1, -2], dtype=np.float32)
    lr = ReduceOnPlateau(0.5, factor=0.5, patience=0)
    groups = [{"params": {"w": w}}, {"params": [b], "lr": lr}]
    return fastadam.NAdam(groups, lr=0.25), (w, b), lr


def train(optimizer, schedule):
    optimizer.step([{"w": np.ones((2, 3))}, [np.array([2, -1], dtype=np.float32)]])
    schedule.report(1.0)
    schedule.report(1.0)


def test_files_of_all_versions_are_loaded():
    """Each was written after a step. A new version comes with a file of its own."""
    expected, expected_arrays, expected_lr = make()
    train(expected, expected_lr)
    for version in range(1, VERSION + 1):
        path = Path(__file__).with_name(f"version_{version}.safetensors")
        optimizer, arrays, lr = make()
        fastadam.load(path, optimizer)
        assert lr == expected_lr
        for array, other in zip(arrays, expected_arrays, strict=True):
            np.testing.assert_allclose(array, other, rtol=1e-6)  # powers differ with the machine
        assert optimizer.step_count == 1
        state = expected.state_dict()
        for key, value in optimizer.state_dict().items():
            assert value == state[key] if isinstance(value, str) else np.allclose(value, state[key])
        weights = fastadam.load(path)
        np.testing.assert_equal(weights, {"group0/w": arrays[0], "group1/0": arrays[1]})
