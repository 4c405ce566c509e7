"""Digits that are at hand, and a run on them with the file it is in."""

import pytest

from examples.mnist.checkpoint import save_checkpoints
from examples.mnist.run import Run
from examples.mnist.settings import Settings
from workloads.mnist import data
from workloads.mnist.data import load_bundled_digits


@pytest.fixture(autouse=True)
def bundled_digits(monkeypatch):
    """Load the bundled digits at once, where no folder is named."""

    def fail(say):
        raise data.DownloadError("no connection")

    monkeypatch.setattr(data, "fetch_mnist", fail)


@pytest.fixture(scope="module")
def digits():
    return load_bundled_digits()


@pytest.fixture
def kept(digits, tmp_path):
    """Return a run of two epochs as it stands, and the file it was saved in."""
    run = Run(Settings(hidden=16, seed=7), digits)
    assert [result.epoch for result in run.train(2)] == [1, 2]
    path = tmp_path / "run.npz"
    save_checkpoints(path, [run.checkpoint()])
    return run.checkpoint(), path
