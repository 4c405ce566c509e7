"""Files of arrays and texts: all damage is noticed, and nothing is ever half written."""

import os
import stat
import sys

import numpy as np
import pytest

from fastadam import CheckpointError
from fastadam._checkpoint import files

ARRAYS = {
    "matrix": np.arange(6.0).reshape(2, 3),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "number": np.array(-0.0),
    "nothing": np.zeros((0, 3)),
    "flags": np.array([True, False]),
    "halves": np.array([1.5, np.nan], dtype=np.float16),
    "counts": np.array([2**63 - 1, -1]),
}
TEXTS = {"kind": "a test", "ä": '{"x": [1]}'}


@pytest.fixture
def path(tmp_path):
    files.write(tmp_path / "run.safetensors", ARRAYS, TEXTS)
    return tmp_path / "run.safetensors"


def test_what_is_read_is_what_was_written(path):
    arrays, texts = files.read(path)
    assert texts == TEXTS
    assert arrays.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (array.dtype, array.shape)
        assert arrays[name].tobytes() == array.tobytes()
        assert arrays[name].flags.writeable


def test_other_programs_read_the_arrays(path):
    safetensors = pytest.importorskip("safetensors.numpy")
    np.testing.assert_array_equal(safetensors.load_file(path)["matrix"], ARRAYS["matrix"])


def refuse(path, data):
    """Require that a file with some contents is refused, by its name."""
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as refusal:
        files.read(path)
    assert str(path) in str(refusal.value)
    return str(refusal.value)


@pytest.fixture
def small(tmp_path):
    files.write(tmp_path / "small", {"w": np.array([0.5, -2.0])}, {})
    return tmp_path / "small"


def test_every_truncation_is_noticed(small):
    path, data = small, small.read_bytes()
    for length in range(len(data)):
        refuse(path, data[:length])
    refuse(path, data + b"\0")


def test_a_flipped_bit_in_any_byte_is_noticed(small):
    path, data, rng = small, small.read_bytes(), np.random.default_rng(0)
    for i in range(len(data)):
        damaged = bytearray(data)
        damaged[i] ^= 1 << int(rng.integers(8))
        assert "damaged" in (text := refuse(path, bytes(damaged))) or "is of version" in text


@pytest.mark.parametrize("header", [2**63, 2**40, 10**8 - 1])
def test_sizes_that_no_file_has_are_not_read(path, header):
    refuse(path, header.to_bytes(8, "little") + b"{" * 100)


def test_what_is_no_checkpoint_is_refused(path, tmp_path):
    safetensors = pytest.importorskip("safetensors.numpy")
    refuse(path, b"")
    refuse(path, b"PK\x03\x04" + bytes(100))
    refuse(path, safetensors.save({"w": np.ones(3)}))
    refuse(path, safetensors.save({"w": np.ones(3)}, {"format": "pt"}))
    with pytest.raises(CheckpointError, match="is not a file"):
        files.read(tmp_path)
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "missing")
    with pytest.raises(TypeError):
        files.read(3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CheckpointError, match="pipe is not a file"):
        files.read(tmp_path / "pipe")
    with pytest.raises(ValueError, match="pipe is not a file"):
        files.write(tmp_path / "pipe", ARRAYS, TEXTS)


def test_a_newer_version_is_refused_by_its_number(path, monkeypatch):
    monkeypatch.setattr(files, "VERSION", files.VERSION + 1)
    files.write(path, ARRAYS, TEXTS)
    monkeypatch.undo()
    newer, known = files.VERSION + 1, files.VERSION
    with pytest.raises(CheckpointError, match=f"of version {newer}, .* up to {known}"):
        files.read(path)


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(path, monkeypatch, failing):
    def fail(*args):
        raise OSError("no space left")

    before = path.read_bytes()
    monkeypatch.setattr(files.os, failing, fail)
    with pytest.raises(OSError, match="no space left"):
        files.write(path, {"w": np.ones(2)}, {})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_an_array_that_files_do_not_have_is_refused(path):
    before = path.read_bytes()
    for array in (np.array([1j]), np.array(["a"]), np.array([1.0], dtype=">f8"), np.array([None])):
        with pytest.raises(TypeError, match="w cannot be saved: its dtype is"):
            files.write(path, {"w": array}, {})
    assert path.read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_permissions_are_those_of_a_new_file_or_of_the_old_one(tmp_path):
    old = os.umask(0o027)
    try:
        files.write(tmp_path / "run", ARRAYS, TEXTS)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o640
    os.chmod(tmp_path / "run", 0o604)
    os.symlink("run", tmp_path / "link")
    files.write(tmp_path / "link", {"w": np.ones(2)}, TEXTS)
    assert stat.S_IMODE(os.stat(tmp_path / "run").st_mode) == 0o604
    assert os.path.islink(tmp_path / "link")
    assert list(files.read(tmp_path / "run")[0]) == ["w"]


@pytest.mark.skipif(os.name == "nt", reason="Windows removes no file that is open")
def test_what_killed_processes_have_left_is_removed(path):
    own, gone = (
        path.with_name(f"{files._prefix(path)}{process}-0123.tmp")
        for process in (os.getpid(), 2**22 + 1)  # more than Linux has
    )
    for each in (own, gone):
        each.write_bytes(b"half")
    files.write(path, ARRAYS, TEXTS)
    assert own.exists()
    assert not gone.exists()


def test_without_safetensors_the_extra_is_named(path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for call in (lambda: files.read(path), lambda: files.write(path, {}, {})):
        with pytest.raises(ImportError, match=r"fastadam\[checkpoints\]"):
            call()
