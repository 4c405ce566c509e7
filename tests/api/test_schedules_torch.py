"""Schedules against torch's, where that is installed: 10,000 steps of each."""

import warnings
from importlib import import_module
from importlib.util import find_spec

import numpy as np
import pytest

from fastadam import schedules

torch = import_module("torch") if find_spec("torch") else None
pytestmark = pytest.mark.skipif(torch is None, reason="torch is not installed")

STEPS = 10_000

# What ours are, and what torch calls them.
PAIRS = {
    "step": (
        schedules.Step(0.5, every=700, factor=0.8),
        lambda t, o: t.StepLR(o, step_size=700, gamma=0.8),
    ),
    "multi-step": (
        schedules.MultiStep(0.5, after=[30, 5000, 5000, 9999], factor=0.3),
        lambda t, o: t.MultiStepLR(o, milestones=[30, 5000, 5000, 9999], gamma=0.3),
    ),
    "exponential": (
        schedules.Exponential(0.5, 0.999),
        lambda t, o: t.ExponentialLR(o, gamma=0.999),
    ),
    "polynomial": (
        schedules.Polynomial(0.5, steps=9000, power=2.5),
        lambda t, o: t.PolynomialLR(o, total_iters=9000, power=2.5),
    ),
    "linear": (
        schedules.Linear(0.5 * 0.1, 0.5 * 0.7, steps=8001),
        lambda t, o: t.LinearLR(o, start_factor=0.1, end_factor=0.7, total_iters=8000),
    ),
    "cosine": (
        schedules.Cosine(0.5, steps=STEPS, last=0.01),
        lambda t, o: t.CosineAnnealingLR(o, T_max=STEPS - 1, eta_min=0.01),
    ),
    "restarts": (
        schedules.CosineRestarts(0.5, steps=300, last=0.01),
        lambda t, o: t.CosineAnnealingWarmRestarts(o, T_0=300, eta_min=0.01),
    ),
    "growing restarts": (
        schedules.CosineRestarts(0.5, steps=7, growth=3),
        lambda t, o: t.CosineAnnealingWarmRestarts(o, T_0=7, T_mult=3),
    ),
    "one cycle": (
        schedules.OneCycle(0.5, steps=STEPS),
        lambda t, o: t.OneCycleLR(o, max_lr=0.5, total_steps=STEPS, cycle_momentum=False),
    ),
    "one cycle, linear": (
        schedules.OneCycle(
            0.5, steps=STEPS, rise=0.21, shape="linear", start_divisor=7.0, end_divisor=30.0
        ),
        lambda t, o: t.OneCycleLR(
            o, 0.5, STEPS, None, None, 0.21, "linear", False, div_factor=7.0, final_div_factor=30.0
        ),
    ),
    "one cycle, three phases": (
        schedules.OneCycle(0.5, steps=STEPS, rise=0.37, three_phases=True),
        lambda t, o: t.OneCycleLR(
            o, max_lr=0.5, total_steps=STEPS, pct_start=0.37, cycle_momentum=False, three_phase=True
        ),
    ),
}


def rates(make, report=None):
    """Return the rate of each step by a scheduler of torch's."""
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.5)
    scheduler = make(torch.optim.lr_scheduler, optimizer)
    found = []
    for step in range(STEPS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < STEPS - 1:
            scheduler.step(*([] if report is None else [report[step]]))
    return found


@pytest.mark.parametrize("name", PAIRS)
def test_every_rate_is_torchs(name):
    ours, make = PAIRS[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = rates(make)
    # torch multiplies from step to step, where ours say each rate by itself.
    found = [ours(step) for step in range(1, STEPS + 1)]
    np.testing.assert_allclose(found, theirs, rtol=1e-12, atol=1e-16)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mode": "max", "factor": 0.5, "patience": 3},
        {"threshold": 0.05, "threshold_mode": "abs", "cooldown": 7, "patience": 2},
        {"mode": "max", "threshold": 0.01, "threshold_mode": "abs", "patience": 0, "factor": 0.9},
        {"factor": 0.5, "patience": 1, "eps": 1e-3},
        {"factor": 0.7, "patience": 4, "cooldown": 2, "last": 1e-3},
    ],
    ids=repr,
)
def test_plateaus_are_torchs(options):
    metrics = np.random.default_rng(0).normal(size=STEPS) * np.geomspace(1.0, 1e-3, STEPS)
    metrics[::97] = np.nan
    ours = schedules.ReduceOnPlateau(0.5, **options)
    named = {"min_lr" if name == "last" else name: value for name, value in options.items()}
    theirs = rates(lambda t, o: t.ReduceLROnPlateau(o, **named), metrics)
    found = []
    for metric in metrics:
        found.append(ours(1))
        ours.report(metric)
    np.testing.assert_allclose(found, theirs, rtol=1e-12)
    assert len(set(found)) > 2
