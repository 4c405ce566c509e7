"""Train a perceptron of PyTorch's on handwritten digits: ``python -m examples.mnist_torch``.

The script that everybody writes first, with one import changed: ``optim`` is `fastadam.torch`
instead of ``torch.optim``. It prints the test accuracy after each epoch.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from workloads.mnist.data import Dataset, load_data
from workloads.mnist.idx import DataError

from ._shared.command import path, positive_int, report_errors

HIDDEN = 128
BATCH = 64
LR = 1e-3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m examples.mnist_torch",
        description="Train a perceptron of PyTorch's on MNIST with fastadam.torch.",
    )
    parser.add_argument(
        "--data", type=path, metavar="DIR", help="folder of MNIST's four files (a download)"
    )
    parser.add_argument(
        "--epochs", type=positive_int, metavar="N", default=5, help="passes over the data (5)"
    )
    options = parser.parse_args(arguments)
    return report_errors(parser, lambda: _work(options.data, options.epochs), (DataError,))


def _work(folder: Path | None, epochs: int) -> None:
    import torch  # before the data are loaded: it may be missing

    torch.manual_seed(0)
    data = load_data(folder)
    print(data.name)
    for epoch, accuracy in enumerate(train(data, epochs), start=1):
        print(f"epoch {epoch}: {accuracy:.2%} of the test images are recognised", flush=True)


def train(data: Dataset, epochs: int) -> Iterator[float]:
    """Train, and give the test accuracy after each epoch."""
    import torch
    from torch import nn

    import fastadam.torch as optim  # instead of: from torch import optim

    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    x_test, y_test = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    model = nn.Sequential(
        nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, data.n_classes)
    )
    loss_of = nn.CrossEntropyLoss()
    optimizer = optim.Adam(model.parameters(), lr=LR)
    for _ in range(epochs):
        for batch in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            loss_of(model(x[batch]), y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            yield (model(x_test).argmax(1) == y_test).double().mean().item()


if __name__ == "__main__":
    sys.exit(main())
