"""The cases in which fastadam and the authors' packages are compared."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import fastadam
from tests.torch_tables.cases import gradient, start

TABLES = Path(__file__).with_name("tables.json")
CHECKPOINTS = (1, 2, 3, 10, 50)
TOLERANCE = 1e-12


class Case(NamedTuple):
    """One rule with some arguments, and what its author's package calls it and them."""

    optimizer: str
    keywords: dict[str, Any]
    package: str
    theirs: dict[str, Any]

    @property
    def name(self) -> str:
        given = ", ".join(f"{key}={value}" for key, value in self.keywords.items())
        return f"{self.optimizer}({given})"


def adopt_bound(step: int) -> float:
    """The bound in the paper and in the authors' own code, where the first step is step 0."""
    return (step - 1) ** 0.25


LION = {"lr": 0.01, "betas": (0.8, 0.95), "weight_decay": 0.1}
ADOPT = {"lr": 0.01, "betas": (0.8, 0.95), "eps": 0.5, "weight_decay": 0.1}
ADEMAMIX = {"lr": 0.01, "betas": (0.8, 0.9, 0.99), "alpha": 8.0, "weight_decay": 0.1}
SCHEDULE_FREE = {
    "lr": 0.01,
    "betas": (0.8, 0.95),
    "weight_decay": 0.1,
    "warmup_steps": 7,
    "r": 1.5,
    "weight_lr_power": 1.5,
}
CASES = [
    Case("Lion", {}, "pytorch_optimizer", {}),
    Case("Lion", LION, "pytorch_optimizer", LION),
    Case("ADOPT", {}, "pytorch_optimizer", {"clip_lambda": adopt_bound}),
    Case("ADOPT", ADOPT, "pytorch_optimizer", {**ADOPT, "clip_lambda": adopt_bound}),
    Case("AdEMAMix", {}, "pytorch_optimizer", {}),
    Case(
        "AdEMAMix",
        {**ADEMAMIX, "warmup_steps": 20},
        "pytorch_optimizer",
        {**ADEMAMIX, "t_alpha_beta3": 20, "weight_decouple": True},
    ),
    Case("ScheduleFreeAdamW", {}, "schedulefree", {}),
    Case("ScheduleFreeAdamW", SCHEDULE_FREE, "schedulefree", SCHEDULE_FREE),
]


def follow(optimizer: Any, p: np.ndarray, take_step: Any) -> np.ndarray:
    """Return the parameters at the checkpoints, and those to evaluate at last, if others."""
    path = []
    for step in range(1, CHECKPOINTS[-1] + 1):
        take_step(gradient(step, "float64"))
        if step in CHECKPOINTS:
            path.append(p.copy())
    if hasattr(optimizer, "eval"):
        optimizer.eval()
        path.append(p.copy())
    return np.array(path)


def fastadam_path(case: Case) -> np.ndarray:
    """Follow fastadam."""
    p = start("float64")
    optimizer = getattr(fastadam, case.optimizer)(p, **case.keywords)
    return follow(optimizer, p, optimizer.step)


def author_path(case: Case) -> np.ndarray:
    """Follow the author's package."""
    import pytorch_optimizer
    import schedulefree
    import torch

    values = start("float64")
    p = torch.nn.Parameter(torch.from_numpy(values))  # of the same memory
    if case.package == "schedulefree":
        optimizer = schedulefree.AdamWScheduleFree([p], **case.theirs)
        optimizer.train()
    else:
        optimizer = getattr(pytorch_optimizer, case.optimizer)([p], **case.theirs)

    def take_step(g: np.ndarray) -> None:
        p.grad = torch.from_numpy(g)
        optimizer.step()

    return follow(optimizer, values, take_step)


def load_tables() -> dict[str, Any]:
    """Return the tables by the cases' names: a row a checkpoint."""
    return json.loads(TABLES.read_text())
