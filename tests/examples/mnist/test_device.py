"""``--device cuda``: what is missing is named; and the run itself, with NumPy in place of CuPy."""

import sys
from types import ModuleType

import numpy as np
import pytest

from examples.mnist.__main__ import main
from examples.mnist.settings import Settings
from fastadam._numba import gpu as target
from workloads.mnist.data import load_bundled_digits
from workloads.mnist.training import train

SMALL = ["--hidden", "8", "--epochs", "1"]


@pytest.fixture
def stand_in():
    """Return a module that is not NumPy and has its functions, as CuPy has them."""
    module = ModuleType("cupy")
    for name in dir(np):
        if not name.startswith("_"):
            setattr(module, name, getattr(np, name))

    def take(a, indices, axis, out):  # CuPy's has no `mode`
        assert isinstance(a, np.ndarray)
        return np.take(a, indices, axis=axis, out=out)

    module.take = take
    return module


def assert_one_line(capsys, *words):
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("python -m examples.mnist: error: ")
    assert err.count("\n") == 1
    for word in words:
        assert word in err


def test_without_cupy(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main([*SMALL, "--device", "cuda"]) == 1
    assert_one_line(capsys, "--device cuda", "CuPy", "pip install cupy")


def test_without_a_gpu(monkeypatch, capsys, stand_in):
    def missing():
        raise RuntimeError("CUDA needs an NVIDIA GPU")

    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setattr(target, "load_cuda", missing)
    assert main([*SMALL, "--device", "cuda"]) == 1
    assert_one_line(capsys, "--device cuda", "an NVIDIA GPU")


def test_a_device_that_does_not_exist(capsys):
    with pytest.raises(SystemExit):
        main(["--device", "tpu"])
    assert "invalid choice: 'tpu'" in capsys.readouterr().err


def test_runs_can_be_saved_and_go_on_on_the_other_device(monkeypatch, capsys, tmp_path, stand_in):
    monkeypatch.setitem(sys.modules, "cupy", stand_in)
    monkeypatch.setattr(target, "load_cuda", lambda: None)
    files = [str(tmp_path / "cpu.npz"), str(tmp_path / "cuda.npz")]
    for path, device in zip(files, ("cpu", "cuda"), strict=True):
        assert main([*SMALL, "--save", path, "--device", device]) == 0
        other = "cpu" if device == "cuda" else "cuda"
        assert main(["--load", path, "--epochs", "1", "--save", path, "--device", other]) == 0
    capsys.readouterr()
    with np.load(files[0]) as expected, np.load(files[1]) as found:
        assert expected.files == found.files
        for name in expected.files:
            np.testing.assert_array_equal(found[name], expected[name], err_msg=name)


def test_on_a_gpu():
    cupy = pytest.importorskip("cupy", reason="needs CuPy")
    if not target.is_available():
        pytest.skip("needs a GPU")
    digits, settings = load_bundled_digits(), Settings(batch_size=32)
    losses = []
    for xp in (np, cupy):
        model = settings.make_model(digits, xp)
        optimizer = settings.make_optimizer(model)
        assert isinstance(model.flat_params, xp.ndarray)
        *_, result = train(model, optimizer, digits, epochs=3, batch_size=32)
        losses.append((result.loss, result.accuracy, result.averaged_accuracy))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-2)
