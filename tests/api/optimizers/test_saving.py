"""Saving and resuming."""

import numpy as np
import pytest

import fastadam
from tests.api.optimizers.optimizers import NAMES, make

pytestmark = pytest.mark.smoke


@pytest.mark.parametrize("amsgrad", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_resuming_is_bit_exact(name, amsgrad, tmp_path):
    keywords = {"amsgrad": amsgrad} if name.startswith("Adam") and name != "Adamax" else {}
    rng = np.random.default_rng(0)
    gradients = [{"w": rng.standard_normal((3, 2)), "s": rng.standard_normal(())} for _ in range(9)]

    def fresh():
        return {"w": np.ones((3, 2), order="F"), "s": np.array(2.0)}

    whole = fresh()
    optimizer = make(name, whole, lr=0.1, **keywords)
    for g in gradients:
        optimizer.step(g)

    params = fresh()
    first = make(name, params, lr=0.1, **keywords)
    for g in gradients[:4]:
        first.step(g)
    np.savez(tmp_path / "state.npz", **first.state_dict())
    second = make(name, params, lr=0.9, **keywords)
    with np.load(tmp_path / "state.npz", allow_pickle=False) as saved:
        second.load_state_dict(saved)
    assert second.step_count == 4
    assert second.lr == 0.1
    for g in gradients[4:]:
        second.step(g)
    for key in whole:
        assert params[key].tobytes() == whole[key].tobytes()


def test_a_state_dict_is_a_copy_of_plain_things():
    p = np.ones((2, 3))
    optimizer = fastadam.NAdam([p])
    optimizer.step([np.ones((2, 3))])
    saved = optimizer.state_dict()
    assert {key: saved[key] for key in ("rule", "step_count", "group0/lr")} == {
        "rule": "NAdam",
        "step_count": 1,
        "group0/lr": 2e-3,
    }
    assert saved["group0/0/m"].shape == (2, 3)
    assert 0 < saved["group0/mu_product"] < 1
    saved["group0/0/m"][:] = 5.0
    assert (optimizer.state_dict()["group0/0/m"] != 5.0).all()


@pytest.mark.fault(number=34)
def test_the_largest_step_count_is_one_that_can_be_gone_on_from():
    p = np.ones(2)
    optimizer = fastadam.SGD(p, lr=0.25)
    optimizer.load_state_dict({**optimizer.state_dict(), "step_count": np.array(2**63 - 2)})
    optimizer.step(np.ones(2))
    assert optimizer.step_count == 2**63 - 1
    np.testing.assert_array_equal(p, 0.75)


def test_a_callable_lr_is_not_saved_and_is_kept():
    p = np.ones(2)
    optimizer = fastadam.Adam(p, lr=lambda step: 0.1 / step)
    optimizer.step(p.copy())
    saved = optimizer.state_dict()
    assert "group0/lr" not in saved
    optimizer.load_state_dict(saved)
    assert callable(optimizer.lr)
    with pytest.raises(ValueError, match="saved with a callable lr"):
        fastadam.Adam(p).load_state_dict(saved)


def test_a_state_dict_is_read_once_and_before_anything_is_written(snapshot):
    """A file that `numpy.load` opened is read at each look, and reading may fail."""
    p = np.ones(2)
    optimizer = fastadam.Adam(p)
    optimizer.step(np.ones(2))
    reads = []

    class File(dict):
        def __getitem__(self, key):
            reads.append(key)
            if reads.count(key) > 1 or key == failing:
                raise OSError(f"cannot read {key}")
            return super().__getitem__(key)

    saved = {
        key: value * 2 if "/0/" in key else value for key, value in optimizer.state_dict().items()
    }
    before = snapshot(optimizer, [p])
    failing = "group0/0/v"
    with pytest.raises(OSError, match="group0/0/v"):
        optimizer.load_state_dict(File(saved))
    before.assert_unchanged()
    failing = None
    reads.clear()
    optimizer.load_state_dict(File(saved))
    np.testing.assert_array_equal(optimizer.state_dict()["group0/0/v"], saved["group0/0/v"])
