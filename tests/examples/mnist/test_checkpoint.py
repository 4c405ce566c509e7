import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.mnist.checkpoint import (
    Checkpoint,
    CheckpointError,
    load_checkpoint,
    restore,
    save_checkpoint,
)
from examples.mnist.settings import OPTIMIZERS, Settings
from workloads.mnist.data import load_bundled_digits
from workloads.mnist.training import train


@pytest.fixture(scope="module")
def digits():
    return load_bundled_digits()


@pytest.fixture
def kept(digits, tmp_path):
    """Return a run of two epochs as it stands, and the file it was saved in."""
    settings = Settings(hidden=16, seed=7)
    model = settings.make_model(digits)
    optimizer = settings.make_optimizer(model)
    history = list(train(model, optimizer, digits, epochs=2, seed=7))
    path = tmp_path / "run.npz"
    checkpoint = Checkpoint.of(settings, 2, model, optimizer, history)
    save_checkpoint(path, checkpoint)
    return checkpoint, path


def go_on(checkpoint, path, data, epochs):
    settings = checkpoint.settings
    model = settings.make_model(data)
    optimizer = settings.make_optimizer(model)
    restore(path, checkpoint, model, optimizer)
    first = checkpoint.epoch + 1
    options = {"batch_size": settings.batch_size, "seed": settings.seed, "first_epoch": first}
    history = list(train(model, optimizer, data, epochs=epochs, **options))
    return model, optimizer, history


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_cut_and_resumed_ends_with_the_same_bits(digits, tmp_path, name):
    settings = Settings(name, hidden=16, batch_size=100, seed=5)
    model = settings.make_model(digits)
    optimizer = settings.make_optimizer(model)
    path = tmp_path / "run.npz"
    history = []
    for result in train(model, optimizer, digits, epochs=3, batch_size=100, seed=5):
        history.append(result)
        if result.epoch == 1:
            save_checkpoint(path, Checkpoint.of(settings, 1, model, optimizer))

    resumed, resumed_optimizer, rest = go_on(load_checkpoint(path), path, digits, 2)
    np.testing.assert_array_equal(resumed.flat_params, model.flat_params)
    assert [(r.epoch, r.loss, r.accuracy) for r in rest] == [
        (r.epoch, r.loss, r.accuracy) for r in history[1:]
    ]
    state, resumed_state = optimizer.state_dict(), resumed_optimizer.state_dict()
    assert state.keys() == resumed_state.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(resumed_state[key], value, err_msg=key)


def test_what_is_read_is_what_was_written(kept):
    written, path = kept
    read = load_checkpoint(path)
    assert (read.settings, read.epoch) == (written.settings, 2)
    for one, other in zip(read.history, written.history, strict=True):
        assert (one.epoch, one.loss, one.accuracy) == (other.epoch, other.loss, other.accuracy)
        assert type(one.epoch) is int
    assert [type(v) for v in vars(read.settings).values()] == [str, float, int, int, int]
    for part, written_part in (
        (read.weights, written.weights),
        (read.average, written.average),
        (read.state, written.state),
    ):
        assert part.keys() == written_part.keys()
        for key, value in written_part.items():
            np.testing.assert_array_equal(part[key], value)


def test_files_of_before_the_history_was_kept_are_read(kept):
    _, path = kept
    with np.load(path) as arrays:
        save_arrays(path, drop(dict(arrays), "history"))
    assert (load_checkpoint(path).epoch, load_checkpoint(path).history) == (2, ())


def test_the_file_holds_no_pickle_and_nothing_is_left_beside_it(kept):
    _, path = kept
    with np.load(path, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)
    assert os.listdir(path.parent) == [path.name]


def test_a_failed_write_leaves_the_old_file(kept, monkeypatch):
    checkpoint, path = kept
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half of it")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(path, checkpoint)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_reader_of_the_old_file_is_not_disturbed(kept):
    checkpoint, path = kept
    before = path.read_bytes()
    with open(path, "rb") as reader:
        save_checkpoint(path, dataclasses.replace(checkpoint, epoch=3))
        assert reader.read() == before
    assert load_checkpoint(path).epoch == 3


def test_a_link_stays_a_link(kept):
    checkpoint, path = kept
    link = path.with_name("link.npz")
    link.symlink_to(path)
    path.write_bytes(b"old")
    save_checkpoint(link, checkpoint)
    assert link.is_symlink()
    assert load_checkpoint(path).epoch == 2


def test_damage_anywhere_is_an_error_that_names_the_file(kept):
    _, path = kept
    content = path.read_bytes()
    # A spread of places: headers of members, their data, and the directory at the end.
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"run\.npz"):
            load_checkpoint(path)


def save_arrays(path, arrays):
    with open(path, "wb") as file:
        np.savez(file, **arrays)


def save_array(path, array):
    with open(path, "wb") as file:
        np.save(file, array)


# One row a case: what is written in the checkpoint's place, and what the error says.
FOREIGN = [
    ("text", lambda p, a: p.write_text("weights"), "damaged, or not a checkpoint"),
    ("empty", lambda p, a: p.write_bytes(b""), "damaged, or not a checkpoint"),
    ("npy", lambda p, a: save_array(p, np.zeros(3)), "not a checkpoint of this"),
    ("other npz", lambda p, a: save_arrays(p, {"x": np.zeros(3)}), "not a checkpoint of this"),
    ("other format", lambda p, a: save_arrays(p, {**a, "format": "2"}), "not a checkpoint of this"),
    ("pickle", lambda p, a: save_arrays(p, {**a, "epoch": np.array([{}])}), "not a checkpoint"),
    ("no epoch", lambda p, a: save_arrays(p, drop(a, "epoch")), "'epoch'"),
    ("no epochs", lambda p, a: save_arrays(p, {**a, "epoch": np.arange(3)}), "not a complete"),
    ("lion", lambda p, a: save_arrays(p, {**a, "settings/optimizer": "lion"}), "'lion'"),
    ("setting", lambda p, a: save_arrays(p, {**a, "settings/dropout": 0.5}), "dropout"),
    ("batch", lambda p, a: save_arrays(p, {**a, "settings/batch_size": 0}), "batch_size 0"),
    ("wide", lambda p, a: save_arrays(p, {**a, "history": np.ones((2, 4))}), "not a complete"),
    ("twice", lambda p, a: save_arrays(p, {**a, "history": np.ones((2, 3))}), "not in order"),
]


def save_bomb(path, arrays):
    """Write eight gigabytes of zeros that unpack from eight megabytes: here by what they say."""
    save_arrays(path, arrays)
    content = bytearray(path.read_bytes())
    for start in [i for i in range(len(content)) if content[i : i + 4] == b"PK\x01\x02"]:
        content[start + 24 : start + 28] = (2**32 - 2).to_bytes(4, "little")  # unpacked size
    path.write_bytes(content)


def times(arrays, prefix, factor):
    return {
        key: value * factor if key.startswith(prefix) else value for key, value in arrays.items()
    }


NO_INTEGER = "is no integer"
# The same, of what was accepted, or ended in a traceback.
FOREIGN_BEFORE = [
    ("bomb", save_bomb, "unpacked it has more than"),
    ("hole", lambda p, a: os.truncate(p, 2**36), "too large"),
    ("epoch inf", lambda p, a: save_arrays(p, {**a, "epoch": np.inf}), "epoch holds NaN or inf"),
    ("epoch 1.0", lambda p, a: save_arrays(p, {**a, "epoch": 1.0}), NO_INTEGER),
    ("epoch -1", lambda p, a: save_arrays(p, {**a, "epoch": -1}), NO_INTEGER),
    ("epoch True", lambda p, a: save_arrays(p, {**a, "epoch": True}), NO_INTEGER),
    ("epoch 2**62", lambda p, a: save_arrays(p, {**a, "epoch": 2**62}), NO_INTEGER),
    ("hidden", lambda p, a: save_arrays(p, {**a, "settings/hidden": 10**12}), "hidden 1000000000"),
    ("float", lambda p, a: save_arrays(p, {**a, "settings/batch_size": 64.0}), "batch_size 64.0"),
    ("lr", lambda p, a: save_arrays(p, {**a, "settings/lr": 1j}), "not a complete"),
    ("seed", lambda p, a: save_arrays(p, {**a, "settings/seed": np.uint64(2**63)}), NO_INTEGER),
    ("nan", lambda p, a: save_arrays(p, times(a, "weights/", np.float32("nan"))), "NaN or inf"),
]


def drop(arrays, name):
    return {key: value for key, value in arrays.items() if key != name}


@pytest.mark.parametrize(
    ("write", "problem"),
    [row[1:] for row in FOREIGN]
    + [pytest.param(*row[1:], marks=pytest.mark.fault(number=33)) for row in FOREIGN_BEFORE],
    ids=[row[0] for row in FOREIGN + FOREIGN_BEFORE],
)
def test_foreign_files_are_refused(kept, write, problem):
    _, path = kept
    with np.load(path) as arrays:
        write(path, dict(arrays))
    with pytest.raises(CheckpointError, match=problem) as caught:
        load_checkpoint(path)
    assert str(path) in str(caught.value)


def test_a_checkpoint_for_other_images_is_refused_before_anything_changes(kept, digits):
    checkpoint, path = kept
    wider = dataclasses.replace(digits, x_train=np.zeros((10, 784), np.float32))
    model = checkpoint.settings.make_model(wider)
    optimizer = checkpoint.settings.make_optimizer(model)
    before = model.flat_params.copy()
    with pytest.raises(CheckpointError, match=r"run\.npz.*\(64, 16\).*\(784, 16\)"):
        restore(path, checkpoint, model, optimizer)
    np.testing.assert_array_equal(model.flat_params, before)
    assert optimizer.step_count == 0


@pytest.mark.fault(number=33)
@pytest.mark.parametrize("dtype", ["c8", "f8", "i4", "f4,f4"])
def test_weights_of_another_kind_are_refused_before_anything_changes(kept, digits, dtype):
    checkpoint, path = kept
    model = checkpoint.settings.make_model(digits)
    before = model.flat_params.copy()
    weights = {name: array.astype(dtype) for name, array in checkpoint.weights.items()}
    for part in ("weights", "average"):
        other = dataclasses.replace(checkpoint, **{part: weights})
        optimizer = checkpoint.settings.make_optimizer(model)
        with pytest.raises(CheckpointError, match=r"run\.npz: its weights are.*float32"):
            restore(path, other, model, optimizer)
    np.testing.assert_array_equal(model.flat_params, before)


@pytest.mark.fault(number=33)
@pytest.mark.parametrize("count", [np.uint64(2**63), np.int64(2**63 - 1), np.float64(2.0)])
def test_a_step_count_that_cannot_be_gone_on_from_is_refused(kept, digits, count):
    checkpoint, path = kept
    model = checkpoint.settings.make_model(digits)
    state = {**checkpoint.state, "step_count": np.array(count)}
    optimizer = checkpoint.settings.make_optimizer(model)
    with pytest.raises(CheckpointError, match=r"unusable optimiser state.*step_count"):
        restore(path, dataclasses.replace(checkpoint, state=state), model, optimizer)


KILLED = """
import os, signal, sys
from pathlib import Path
from examples._shared.files import replacing
with replacing(Path(sys.argv[1])) as file:
    file.write(b"half of it")
    file.flush()
    print(Path(file.name).name, flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


@pytest.mark.fault(number=36)
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no kill -9")
def test_the_next_save_removes_what_a_killed_one_left(kept):
    checkpoint, path = kept
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", KILLED, str(path)]
    for _ in range(2):
        subprocess.run([*command, "die"], cwd=root, capture_output=True, check=False)
    subprocess.run(
        [sys.executable, "-c", KILLED, str(path.with_name("other.npz")), "die"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    assert len(os.listdir(path.parent)) == 3  # the second of two has removed the first's
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "live"], cwd=root, stdin=pipe, stdout=pipe, text=True) as one:
        alive = one.stdout.readline().strip()
        save_checkpoint(path, checkpoint)
        left = set(os.listdir(path.parent)) - {path.name}
        assert alive in left
        assert len(left) == 2  # that of another file's, which is none of its business
    assert path.read_bytes() == b"half of it"


def test_an_unusable_optimiser_state_is_refused(kept, digits):
    checkpoint, path = kept
    model = checkpoint.settings.make_model(digits)
    before = model.flat_params.copy()
    optimizer = dataclasses.replace(checkpoint.settings, optimizer="sgd").make_optimizer(model)
    with pytest.raises(CheckpointError, match=r"run\.npz: unusable optimiser state"):
        restore(path, checkpoint, model, optimizer)
    np.testing.assert_array_equal(model.flat_params, before)
