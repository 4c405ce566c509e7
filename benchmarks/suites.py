"""The suites. To add one, write a module like these and put it into the table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from .batch import suite as batch
from .cuda import suite as cuda
from .fit import suite as fit
from .harness.report import Options, SuiteResult
from .minimize import suite as minimize
from .mnist import suite as mnist
from .sparse import suite as sparse
from .startup import suite as startup
from .step import suite as step
from .torch import suite as torch
from .training import suite as training


class Suite(NamedTuple):
    """What a suite module provides.

    Parameters
    ----------
    run : callable
        Measures.
    draw : callable
        Draws what was measured into a folder and returns the files.
    """

    run: Callable[[Options], SuiteResult]
    draw: Callable[[SuiteResult, Path], list[Path]]


SUITES: dict[str, Suite] = {
    "step": Suite(step.run, step.draw),
    "sparse": Suite(sparse.run, sparse.draw),
    "training": Suite(training.run, training.draw),
    "mnist": Suite(mnist.run, mnist.draw),
    "startup": Suite(startup.run, startup.draw),
    "minimize": Suite(minimize.run, minimize.draw),
    "batch": Suite(batch.run, batch.draw),
    "fit": Suite(fit.run, fit.draw),
    "cuda": Suite(cuda.run, cuda.draw),
    "torch": Suite(torch.run, torch.draw),
}
