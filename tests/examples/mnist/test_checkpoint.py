import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from examples.mnist.checkpoint import (
    CheckpointError,
    load_checkpoints,
    restore,
    save_checkpoints,
)
from examples.mnist.compare import contenders
from examples.mnist.run import Run
from examples.mnist.settings import OPTIMIZERS, Settings


def load_one(path):
    (checkpoint,) = load_checkpoints(path)
    return checkpoint


def without_times(history):
    return [dataclasses.replace(result, seconds=0.0) for result in history]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_cut_and_resumed_ends_with_the_same_bits(digits, tmp_path, name):
    run = Run(Settings(name, hidden=16, batch_size=100, seed=5), digits)
    path = tmp_path / "run.npz"
    for result in run.train(3):
        if result.epoch == 1:
            save_checkpoints(path, [run.checkpoint()])

    resumed = Run.resumed(path, load_one(path), digits)
    assert [result.epoch for result in resumed.train(3)] == [2, 3]
    np.testing.assert_array_equal(resumed.model.flat_params, run.model.flat_params)
    assert without_times(resumed.history) == without_times(run.history)
    state, resumed_state = run.optimizer.state_dict(), resumed.optimizer.state_dict()
    assert state.keys() == resumed_state.keys()
    for key, value in state.items():
        np.testing.assert_array_equal(resumed_state[key], value, err_msg=key)


def test_what_is_read_is_what_was_written(kept):
    written, path = kept
    read = load_one(path)
    assert (read.settings, read.epoch) == (written.settings, 2)
    assert without_times(read.history) == without_times(written.history)
    assert all(type(result.epoch) is int for result in read.history)
    kinds = [type(value) for value in vars(read.settings).values()]
    assert kinds == [str, float, int, int, int, float]
    for part, written_part in (
        (read.weights, written.weights),
        (read.average, written.average),
        (read.state, written.state),
    ):
        assert part.keys() == written_part.keys()
        for key, value in written_part.items():
            np.testing.assert_array_equal(part[key], value)


def test_a_comparison_is_kept_with_runs_that_have_not_begun(digits, tmp_path):
    runs = [Run(settings, digits) for settings in contenders(Settings(hidden=8))]
    for epochs, run in zip((2, 1), runs, strict=False):
        list(run.train(epochs))
    path = tmp_path / "comparison.npz"
    save_checkpoints(path, [run.checkpoint() for run in runs])
    read = [Run.resumed(path, checkpoint, digits) for checkpoint in load_checkpoints(path)]
    for one, other in zip(read, runs, strict=True):
        assert (one.settings, one.epoch) == (other.settings, other.epoch)
        assert without_times(one.history) == without_times(other.history)
        np.testing.assert_array_equal(one.model.flat_params, other.model.flat_params)


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
        save_checkpoints(path, [checkpoint])
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_a_reader_of_the_old_file_is_not_disturbed(kept):
    checkpoint, path = kept
    before = path.read_bytes()
    with open(path, "rb") as reader:
        save_checkpoints(path, [dataclasses.replace(checkpoint, epoch=3, history=())])
        assert reader.read() == before
    assert load_one(path).epoch == 3


def test_a_link_stays_a_link(kept):
    checkpoint, path = kept
    link = path.with_name("link.npz")
    link.symlink_to(path)
    path.write_bytes(b"old")
    save_checkpoints(link, [checkpoint])
    assert link.is_symlink()
    assert load_one(path).epoch == 2


def test_damage_anywhere_is_an_error_that_names_the_file(kept):
    _, path = kept
    content = path.read_bytes()
    # A spread of places: headers of members, their data, and the directory at the end.
    for length in range(0, len(content), len(content) // 40):
        path.write_bytes(content[:length])
        with pytest.raises(CheckpointError, match=r"run\.npz"):
            load_checkpoints(path)


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
        save_checkpoints(path, [checkpoint])
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
