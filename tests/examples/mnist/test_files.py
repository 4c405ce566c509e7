"""Checkpoints as files: those of the first format, and what is none or damaged."""

import dataclasses
import os

import numpy as np
import pytest

from examples.mnist.checkpoint import CheckpointError, load_checkpoints, save_checkpoints


def load_one(path):
    (checkpoint,) = load_checkpoints(path)
    return checkpoint


def as_the_first_format(arrays):
    """Return what a file of one run held in the first format: one accuracy, and no momentum."""
    first = {name.removeprefix("0/"): array for name, array in arrays.items()}
    first = drop(first, "settings/momentum")
    return {
        **first,
        "format": f"{first['format']}"[:-1] + "1",
        "history": first["history"][:, [0, 1, 3]],
    }


def test_files_of_the_first_format_are_read_and_written_anew(kept):
    """Their accuracy is that of the averaged weights; the first ones kept no history."""
    written, path = kept
    with np.load(path) as arrays:
        first = as_the_first_format(dict(arrays))
    save_arrays(path, first)
    for _ in range(2):  # and as the second format
        read = load_one(path)
        assert (read.settings, read.epoch) == (written.settings, 2)
        for one, other in zip(read.history, written.history, strict=True):
            assert np.isnan(one.accuracy)
            known = dataclasses.replace(one, accuracy=other.accuracy, seconds=other.seconds)
            assert known == other
        save_checkpoints(path, [read])
    save_arrays(path, drop(first, "history"))
    assert (load_one(path).epoch, load_one(path).history) == (2, ())


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
    ("pickle", lambda p, a: save_arrays(p, {**a, "0/epoch": np.array([{}])}), "not a checkpoint"),
    ("no epoch", lambda p, a: save_arrays(p, drop(a, "0/epoch")), "'epoch'"),
    ("no epochs", lambda p, a: save_arrays(p, {**a, "0/epoch": np.arange(3)}), "not a complete"),
    ("lion", lambda p, a: save_arrays(p, {**a, "0/settings/optimizer": "lion"}), "'lion'"),
    ("setting", lambda p, a: save_arrays(p, {**a, "0/settings/dropout": 0.5}), "dropout"),
    ("batch", lambda p, a: save_arrays(p, {**a, "0/settings/batch_size": 0}), "batch_size 0"),
    ("wide", lambda p, a: save_arrays(p, {**a, "0/history": np.ones((2, 5))}), "its history is"),
    ("twice", lambda p, a: save_arrays(p, {**a, "0/history": np.ones((2, 4))}), "not in order"),
    ("long", lambda p, a: save_arrays(p, {**a, "0/epoch": 1}), "not in order"),
    ("loss", lambda p, a: save_arrays(p, times(a, "0/history", np.nan)), "history holds NaN"),
    ("no run", lambda p, a: save_arrays(p, {"format": a["format"]}), "its runs are"),
    ("gap", lambda p, a: save_arrays(p, {**a, "2/epoch": 1}), "its runs are"),
    ("same", lambda p, a: save_arrays(p, twice(a)), "two of its runs have one name"),
    (
        "part",
        lambda p, a: save_arrays(p, twice(a, {"1/settings/lr": 0.5, "1/history": np.ones((0, 4))})),
        "missing",
    ),
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


def twice(arrays, changed=()):
    """Return the arrays of a run as those of two."""
    second = {name.replace("0/", "1/"): a for name, a in arrays.items() if name[:2] == "0/"}
    return {**arrays, **second, **dict(changed)}


NO_INTEGER = "is no integer"
# The same, of what was accepted, or ended in a traceback.
FOREIGN_BEFORE = [
    ("bomb", save_bomb, "unpacked it has more than"),
    ("hole", lambda p, a: os.truncate(p, 2**36), "too large"),
    (
        "epoch inf",
        lambda p, a: save_arrays(p, {**a, "0/epoch": np.inf}),
        "0/epoch holds NaN or inf",
    ),
    ("epoch 1.0", lambda p, a: save_arrays(p, {**a, "0/epoch": 1.0}), NO_INTEGER),
    ("epoch -1", lambda p, a: save_arrays(p, {**a, "0/epoch": -1}), NO_INTEGER),
    ("epoch True", lambda p, a: save_arrays(p, {**a, "0/epoch": True}), NO_INTEGER),
    ("epoch 2**62", lambda p, a: save_arrays(p, {**a, "0/epoch": 2**62}), NO_INTEGER),
    (
        "hidden",
        lambda p, a: save_arrays(p, {**a, "0/settings/hidden": 10**12}),
        "hidden 1000000000",
    ),
    ("float", lambda p, a: save_arrays(p, {**a, "0/settings/batch_size": 64.0}), "batch_size 64.0"),
    ("lr", lambda p, a: save_arrays(p, {**a, "0/settings/lr": 1j}), "not a complete"),
    ("seed", lambda p, a: save_arrays(p, {**a, "0/settings/seed": np.uint64(2**63)}), NO_INTEGER),
    ("nan", lambda p, a: save_arrays(p, times(a, "0/weights/", np.float32("nan"))), "NaN or inf"),
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
        load_checkpoints(path)
    assert str(path) in str(caught.value)
