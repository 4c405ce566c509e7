"""What tests of MNIST share: no network, no user's cache, and small IDX files."""

import gzip
import os
import socket
import struct

import numpy as np
import pytest

from workloads.mnist import data, download

# Taken before any test can change it: one test trains on the real MNIST where this points to it.
REAL_MNIST = os.environ.get(data.ENVIRONMENT_VARIABLE)


@pytest.fixture(autouse=True)
def isolated(monkeypatch, tmp_path):
    """Let no test touch the network, the user's cache or the user's data."""

    def refuse(*args, **kwargs):
        raise OSError("tests have no network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(download, "cache_directory", lambda: tmp_path / "cache")
    monkeypatch.delenv(data.ENVIRONMENT_VARIABLE, raising=False)


@pytest.fixture
def real_mnist():
    if not REAL_MNIST:
        pytest.skip(f"{data.ENVIRONMENT_VARIABLE} is not set")
    return REAL_MNIST


@pytest.fixture
def idx():
    """Return the function that turns an array into the bytes of an IDX file."""

    def encode(array, *, dtype_code=0x08):
        header = struct.pack(">BBBB", 0, 0, dtype_code, array.ndim)
        return header + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()

    return encode


@pytest.fixture
def mnist_arrays():
    """Return arrays for the four files by their names: 40 training and 12 test images."""
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", 40), ("t10k", 12)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        arrays[f"{part}-images-idx3-ubyte"] = images
        arrays[f"{part}-labels-idx1-ubyte"] = np.arange(count, dtype=np.uint8) % 10
    return arrays


@pytest.fixture
def mnist_folder(tmp_path, mnist_arrays, idx):
    """Return a folder with four valid files, two of them compressed."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, array in mnist_arrays.items():
        content = idx(array)
        if name.startswith("train"):
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder
