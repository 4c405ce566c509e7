"""The script for PyTorch learns digits, and says what is missing."""

import sys

import pytest

from examples import mnist_torch
from workloads.mnist.data import load_bundled_digits


def test_it_learns(monkeypatch, capsys):
    pytest.importorskip("torch")
    monkeypatch.setattr(mnist_torch, "load_data", lambda folder: load_bundled_digits())
    assert mnist_torch.main(["--epochs", "8"]) == 0
    name, *epochs = capsys.readouterr().out.splitlines()
    assert name == "8x8 images bundled with scikit-learn"
    assert [line.partition(":")[0] for line in epochs] == [f"epoch {n}" for n in range(1, 9)]
    assert float(epochs[-1].split()[2].rstrip("%")) > 90


def test_missing_torch_is_one_line_before_any_work(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(mnist_torch, "load_data", None)
    assert mnist_torch.main([]) == 1
    assert "torch is not installed" in capsys.readouterr().err
