"""The contenders of the `sparse` suite: one optimiser each, with a table of its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import cycle
from typing import Any, NamedTuple

import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, LR, Array


class Batch(NamedTuple):
    """Some rows of a table, and a gradient for each; rows may be there several times."""

    rows: Array
    grads: Array


@dataclass
class Contender:
    """A table, how it is stepped, and with which batches it was.

    Parameters
    ----------
    table : array
        Of float32, a row for each word.
    step : callable
        Takes one step with a batch.
    finish : callable
        Brings the table to the last step.
    is_lazy : bool
        Whether rows without a gradient stay as they are.
    """

    table: Array
    step: Callable[[Batch], object]
    finish: Callable[[], object] = lambda: None
    is_lazy: bool = True
    log: list[Batch] = field(default_factory=list)

    def make_call(self, batches: list[Batch]) -> Callable[[], None]:
        """Make the call that steps with one batch after the other, over and over."""
        following = cycle(batches)

        def call() -> None:
            batch = next(following)
            self.log.append(batch)
            self.step(batch)

        return call


def fastadam_rows(table: Array, sparse: str = "lazy") -> Contender:
    """Step rows by `fastadam.Adam.step_rows`."""
    from fastadam import Adam

    optimizer: Any = Adam(table, lr=LR, betas=(BETA1, BETA2), eps=EPS, sparse=sparse)  # type: ignore[arg-type]
    optimizer.step_rows(np.arange(len(table)), np.ones_like(table))  # all memory is there by now
    return Contender(
        table,
        lambda batch: optimizer.step_rows(*batch),
        optimizer.catch_up,
        is_lazy=sparse == "lazy",
        log=[],
    )


def fastadam_dense(table: Array) -> Contender:
    """Step all rows by `fastadam.Adam.step`, with a gradient that is 0 in most of them."""
    from fastadam import Adam

    optimizer = Adam(table, lr=LR, betas=(BETA1, BETA2), eps=EPS)
    gradient = np.ones_like(table)
    optimizer.step(gradient)
    gradient.fill(0.0)

    def step(batch: Batch) -> None:
        np.add.at(gradient, batch.rows, batch.grads)
        optimizer.step(gradient)
        gradient[batch.rows] = 0.0

    return Contender(table, step, is_lazy=False)


def torch_sparse(table: Array) -> Contender:
    """Step rows by `torch.optim.SparseAdam`, with gradients as an embedding leaves them."""
    import torch

    tensor = torch.nn.Parameter(torch.from_numpy(table))
    optimizer = torch.optim.SparseAdam([tensor], lr=LR, betas=(BETA1, BETA2), eps=EPS)
    # NumPy asks for huge pages and torch does not: as in the `step` suite it gets them, too.
    optimizer.state[tensor] = {
        "step": 0,
        "exp_avg": torch.from_numpy(np.zeros_like(table)),
        "exp_avg_sq": torch.from_numpy(np.zeros_like(table)),
    }

    def step(batch: Batch) -> None:
        rows, grads = torch.from_numpy(batch.rows)[None], torch.from_numpy(batch.grads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of checks that it leaves out
            tensor.grad = torch.sparse_coo_tensor(rows, grads, table.shape)
        optimizer.step()

    step(Batch(np.arange(len(table)), np.ones_like(table)))
    return Contender(table, step)


CONTENDERS: dict[str, Callable[[Array], Contender]] = {
    "fastadam": fastadam_rows,
    "fastadam exact": lambda table: fastadam_rows(table, "exact"),
    "fastadam dense": fastadam_dense,
    "torch SparseAdam": torch_sparse,
}
