"""A GPU and the CPU take the same thousand steps of every rule; how far apart they end."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np

import fastadam

from ..harness.adam import Array
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.timing import Summary
from .arrays import Arrays
from .parts import Case

STEPS, QUICK_STEPS = 1_000, 100
PARAMETERS = 10_007
#: So many gradients take turns.
GRADIENTS = 40

LIMITS = {"float64": 1e-12, "float32": 2e-6}

#: Every rule, and every branch in one.
RULES: dict[str, tuple[Any, dict[str, Any]]] = {
    "Adam": (fastadam.Adam, {}),
    "Adam, L2, maximised": (fastadam.Adam, {"weight_decay": 0.01, "maximize": True}),
    "Adam, amsgrad": (fastadam.Adam, {"amsgrad": True}),
    "AdamW": (fastadam.AdamW, {"weight_decay": 0.1}),
    "AdamW, amsgrad": (fastadam.AdamW, {"amsgrad": True}),
    "NAdam": (fastadam.NAdam, {}),
    "RAdam": (fastadam.RAdam, {}),
    "Adamax": (fastadam.Adamax, {}),
    "RMSprop": (fastadam.RMSprop, {}),
    "RMSprop, momentum": (fastadam.RMSprop, {"momentum": 0.9}),
    "RMSprop, centred": (fastadam.RMSprop, {"centered": True}),
    "RMSprop, centred, momentum": (fastadam.RMSprop, {"centered": True, "momentum": 0.9}),
    "SGD": (fastadam.SGD, {"lr": 1e-3}),
    "SGD, momentum": (fastadam.SGD, {"lr": 1e-3, "momentum": 0.9}),
    "SGD, Nesterov": (fastadam.SGD, {"lr": 1e-3, "momentum": 0.9, "nesterov": True}),
    "Lion": (fastadam.Lion, {"weight_decay": 0.1}),
    "ADOPT": (fastadam.ADOPT, {}),
    "AdEMAMix": (fastadam.AdEMAMix, {"warmup_steps": 50}),
    "Schedule-free AdamW": (fastadam.ScheduleFreeAdamW, {"warmup_steps": 50}),
}


class Agreement(NamedTuple):
    """How near a GPU's parameters are to the CPU's.

    Parameters
    ----------
    difference : float
        The largest, relative to what the parameter is or was at the start, whichever is larger.
    identical : bool
        Whether parameters and state are the same to the bit.
    """

    difference: float
    identical: bool


def cases(options: Options) -> list[Case]:
    """Return the steps in either precision."""
    steps = QUICK_STEPS if options.quick else STEPS
    return [
        Case(f"{steps:,} steps of each rule on both, {name}", partial(agreement, name, steps))
        for name in LIMITS
    ]


def agreement(name: str, steps: int, gpu: Any) -> SuiteResult:
    """Take the steps, and judge them."""
    found = {
        rule: compare_rule(gpu.arrays, rule, np.dtype(name), PARAMETERS, steps) for rule in RULES
    }
    return SuiteResult(verdicts=[agreement_verdict(name, LIMITS[name], steps, found)])


def agreement_verdict(dtype: str, limit: float, steps: int, found: dict[str, Agreement]) -> Verdict:
    """Judge the largest difference of all rules."""
    what = f"{steps:,} steps of {len(found)} rules, {dtype}, GPU from CPU, relative"
    wrong = [rule for rule, each in found.items() if not np.isfinite(each.difference)]
    if wrong:
        return Verdict(what, limit, None, note=f"not finite: {', '.join(wrong)}", failed=True)
    worst = max(found, key=lambda rule: found[rule].difference)
    different = [
        f"{rule} ({each.difference:.2g})" for rule, each in found.items() if not each.identical
    ]
    note = f"not bit-identical: {', '.join(different)}" if different else "all bit-identical"
    return Verdict(what, limit, Summary.of([found[worst].difference]), note=note)


def compare_rule(
    arrays: Arrays, rule: str, dtype: np.dtype[Any], size: int, steps: int
) -> Agreement:
    """Take the same steps on both sides."""
    make, keywords = RULES[rule]
    rng = np.random.default_rng(0)
    start = rng.standard_normal(size).astype(dtype)
    # Of very different sizes, and some that are 0.
    scale = 10.0 ** rng.integers(-6, 4, (GRADIENTS, size)) * (rng.random((GRADIENTS, size)) < 0.9)
    gradients = (rng.standard_normal((GRADIENTS, size)) * scale).astype(dtype)
    there = [arrays.send(gradient) for gradient in gradients]
    p, q = start.copy(), arrays.send(start)
    cpu, gpu = make(p, **keywords), make(q, **keywords)
    for step in range(steps):
        cpu.step(gradients[step % GRADIENTS])
        gpu.step(there[step % GRADIENTS])
    found = arrays.fetch(q)
    return Agreement(difference(found, p, start), same_bits(found, p) and same_state(gpu, cpu))


def difference(found: Array, expected: Array, start: Array) -> float:
    """Return the largest relative difference; NaN where anything is not finite."""
    if not (np.isfinite(found).all() and np.isfinite(expected).all()):
        return float("nan")
    a, b, size = (array.astype(np.float64) for array in (found, expected, start))
    return float(np.max(np.abs(a - b) / np.maximum(np.abs(b), np.abs(size))))


def same_bits(one: Any, other: Any) -> bool:
    """Tell whether two arrays, or numbers, are the same to the bit."""
    a, b = np.asarray(one), np.asarray(other)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def same_state(one: fastadam.Optimizer, other: fastadam.Optimizer) -> bool:
    """Tell whether two optimisers hold the same."""
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(same_bits(a[key], b[key]) for key in a)
