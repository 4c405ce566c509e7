"""The Adam that everybody steps: its constants, who takes part, and what a step has to compute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from numpy.typing import NDArray

from .reference import Reference

Array = NDArray[Any]

LR = 1e-3
BETA1, BETA2 = 0.9, 0.999
EPS = 1e-8


class Expected(Protocol):
    """What a contender has to compute, in float64."""

    p: Array

    def step(self, g: Array) -> None:
        """Update the parameters."""


#: Begins at some parameters.
ExpectFrom = Callable[[Array], Expected]

#: Adam, straight from the formulas; what almost every contender is checked against.
adam_from: ExpectFrom = partial(Reference, "Adam", lr=LR, betas=(BETA1, BETA2), eps=EPS)


@dataclass
class Contender:
    """One step of somebody's Adam, ready to be called.

    Parameters
    ----------
    step : callable
        Takes one step with the gradients as they stand.
    params, grads : list of array
        The contender's own arrays; ``step`` updates the first in place.
    expect_from : callable
        What it has to compute.
    """

    step: Callable[[], object]
    params: list[Array]
    grads: list[Array]
    expect_from: ExpectFrom = adam_from


#: Makes a contender of its own copies of parameters and gradients.
Make = Callable[[list[Array], list[Array]], Contender]


def build(
    makers: dict[str, Make], start: Sequence[Array], gradient: Sequence[Array]
) -> tuple[dict[str, Contender], list[str]]:
    """Make the contenders, each on copies of its own.

    Returns
    -------
    contenders : dict of str to Contender
    notes : list of str
        One line for each contender that was left out because it cannot be imported.
    """
    contenders, notes = {}, []
    for name, make in makers.items():
        try:
            contenders[name] = make([p.copy() for p in start], [g.copy() for g in gradient])
        except ImportError as error:
            notes.append(f"{name} left out: {error}")
    return contenders, notes
