"""The cases in which fastadam and PyTorch are compared."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import fastadam

TABLES = Path(__file__).with_name("tables.json")
SIZE = 7
CHECKPOINTS = (1, 2, 5, 6, 10, 100, 1000)  # RAdam becomes adaptive at step 6
TOLERANCE = {"float64": 1e-12, "float32": 2e-6}


@dataclass(frozen=True)
class Case:
    """One rule with some flags; the keywords are the same in fastadam and torch."""

    optimizer: str
    keywords: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        flags = ", ".join(f"{key}={value}" for key, value in self.keywords.items())
        return f"{self.optimizer}({flags})"


CASES = [
    Case("Adam"),
    Case("Adam", {"lr": 0.1, "betas": (0.5, 0.9), "eps": 1e-3}),
    Case("Adam", {"betas": (0.0, 0.0)}),
    Case("Adam", {"weight_decay": 0.1}),
    Case("Adam", {"amsgrad": True}),
    Case("Adam", {"amsgrad": True, "weight_decay": 0.1, "maximize": True}),
    Case("Adam", {"maximize": True, "weight_decay": 0.1}),
    Case("AdamW"),
    Case("AdamW", {"lr": 0.01, "weight_decay": 0.5}),
    Case("AdamW", {"amsgrad": True, "lr": 0.01, "weight_decay": 0.5}),
    Case("AdamW", {"maximize": True}),
    Case("NAdam"),
    Case("NAdam", {"weight_decay": 0.1, "momentum_decay": 0.1}),
    Case("NAdam", {"momentum_decay": 0.0, "maximize": True}),
    Case("RAdam"),
    Case("RAdam", {"weight_decay": 0.1, "betas": (0.8, 0.99)}),
    Case("RAdam", {"betas": (0.9, 0.5), "maximize": True}),
    Case("Adamax"),
    Case("Adamax", {"weight_decay": 0.1, "maximize": True}),
    Case("RMSprop"),
    Case("RMSprop", {"alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    Case("RMSprop", {"maximize": True, "lr": 1e-3}),
    Case("RMSprop", {"momentum": 0.9}),
    Case("RMSprop", {"centered": True, "eps": 1e-3, "weight_decay": 0.1}),
    Case("RMSprop", {"centered": True, "momentum": 0.5, "alpha": 0.9, "maximize": True}),
    Case("SGD"),
    Case("SGD", {"weight_decay": 0.1, "maximize": True}),
    Case("SGD", {"momentum": 0.9}),
    Case("SGD", {"momentum": 0.9, "dampening": 0.5, "weight_decay": 0.1}),
    Case("SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    Case("SGD", {"momentum": 0.5, "nesterov": True, "maximize": True}),
]


def start(dtype: str) -> np.ndarray:
    """Return the starting point: multiples of 1/8, exact in every dtype."""
    return ((np.arange(SIZE) * 5 % 11 - 4) / 8).astype(dtype)


def gradient(step: int, dtype: str) -> np.ndarray:
    """Return the gradient of a step: multiples of 1/64 in [-2, 2], 0 throughout in one entry."""
    i = np.arange(SIZE)
    values = ((37 * i + 101 * step + 13 * i * step) % 257 - 128) / 64
    values[3] = 0.0
    return values.astype(dtype)


def fastadam_path(case: Case, dtype: str) -> np.ndarray:
    """Return fastadam's parameters at the checkpoints."""
    p = start(dtype)
    optimizer = getattr(fastadam, case.optimizer)(p, **case.keywords)
    path = []
    for step in range(1, CHECKPOINTS[-1] + 1):
        optimizer.step(gradient(step, dtype))
        if step in CHECKPOINTS:
            path.append(p.copy())
    return np.array(path)


def torch_path(case: Case, dtype: str) -> np.ndarray:
    """Return PyTorch's parameters at the checkpoints (default implementation, CPU)."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(getattr(torch, dtype))  # NAdam keeps its scalars in this dtype
    try:
        p = torch.nn.Parameter(torch.from_numpy(start(dtype)))
        optimizer = getattr(torch.optim, case.optimizer)([p], **case.keywords)
        path = []
        for step in range(1, CHECKPOINTS[-1] + 1):
            p.grad = torch.from_numpy(gradient(step, dtype))
            optimizer.step()
            if step in CHECKPOINTS:
                path.append(p.detach().numpy().copy())
    finally:
        torch.set_default_dtype(before)
    return np.array(path)


def relative_difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest difference at a checkpoint over the largest number there."""
    difference = np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max(axis=1)
    return float((difference / np.abs(theirs).max(axis=1)).max())


def load_tables() -> dict[str, dict[str, Any]]:
    """Return the tables: ``tables[dtype][case name]``, a row a checkpoint."""
    return json.loads(TABLES.read_text())
