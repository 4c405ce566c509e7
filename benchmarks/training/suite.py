"""A step with clipping and averages beside torch's, and steps with state in fewer bits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..harness.adam import LR, Array, Contender, adam_from, build
from ..harness.compare import Comparison
from ..harness.plots import draw_points
from ..harness.progress import say
from ..harness.report import Options, SuiteResult
from ..harness.timing import Effort, interleave
from ..harness.watch import watched
from ..step.suite import start_and_gradient
from .contenders import NARROW, TRAINED, Trained, expect_training

SIZE, NARROW_SIZE, QUICK_SIZE = 10_000_000, 50_000_000, 100_000
#: The figures asked for: at most so many times that contender.
TRAINED_LIMITS = {"traffic probe": 1.05, "torch, clip + fused + EMA": 0.8}
NARROW_LIMITS = {"fastadam, bfloat16 state": 0.80, "fastadam, uint8 state": 0.65}
#: How far the movement of all parameters may be from what float64 gives, relative to it: rounding
#: at random moves single ones by more.
ALLOWED = {"bfloat16": 0.02, "uint8": 0.15, "float32": 1e-4}

CHECKED_STEPS = 5


def run(options: Options) -> SuiteResult:
    """Measure both cases."""
    quick = options.quick
    effort = Effort(6, 2, 0.3) if quick else Effort(40, 3, 12.0)
    result = SuiteResult()
    result.extend(trained(QUICK_SIZE if quick else SIZE, effort))
    result.extend(narrow(QUICK_SIZE if quick else NARROW_SIZE, effort))
    return result


@watched
def trained(size: int, effort: Effort) -> SuiteResult:
    """Step with clipped gradients and averaged parameters."""
    case = f"clipped and averaged step, {size:,} parameters"
    say(case)
    start, gradient = start_and_gradient([size])
    contenders, notes = build(TRAINED, start, gradient)
    wrong = {
        name: error
        for name, contender in contenders.items()
        if isinstance(contender, Trained) and contender.average
        and (error := find_training_error(contender, start[0], gradient[0]))
    }  # fmt: skip
    comparison = time_right_ones(case, contenders, wrong, notes, effort, size)
    result = comparison.result("fastadam")
    for peer, limit in TRAINED_LIMITS.items():
        what = f"{size:,} parameters, clipped and averaged / {peer}"
        result.verdicts.append(comparison.verdict(what, limit, "fastadam", peer))
    return result


def find_training_error(contender: Trained, start: Array, gradient: Array) -> str | None:
    """Take the first steps and compare them with float64; return what is wrong."""
    gradients = []
    for n in range(1, CHECKED_STEPS + 1):
        gradients.append(np.float32(1.0 / n) * gradient)
        contender.grads[0][:] = gradients[-1]
        contender.step()
    contender.grads[0][:] = gradient
    assert contender.average is not None
    found = contender.params[0], contender.average()
    for name, own, expected in zip(
        ("parameters", "average"), found, expect_training(start, gradients), strict=True
    ):
        error = float(np.max(np.abs(own - expected)))
        if not error <= 1e-3 * LR * CHECKED_STEPS + 1e-6:
            return f"{name} off by {error:.3g}"
    return None


@watched
def narrow(size: int, effort: Effort) -> SuiteResult:
    """Step with state in fewer bits."""
    case = f"state in fewer bits, {size:,} parameters"
    say(case)
    start, gradient = start_and_gradient([size])
    contenders, notes = build(NARROW, start, gradient)
    wrong = {
        name: error
        for name, contender in contenders.items()
        if name.startswith("fastadam")
        and (error := find_narrow_error(name, contender, start[0], gradient[0]))
    }
    comparison = time_right_ones(case, contenders, wrong, notes, effort, size)
    result = comparison.result("fastadam, float32 state")
    for name, limit in NARROW_LIMITS.items():
        what = f"{size:,} parameters, {name.removeprefix('fastadam, ')} / traffic probe"
        result.verdicts.append(comparison.verdict(what, limit, name, "traffic probe"))
    return result


def find_narrow_error(name: str, contender: Contender, start: Array, gradient: Array) -> str | None:
    """Take the first steps and compare where they lead with float64; return what is wrong."""
    some = slice(0, 1_000_000)
    expected = adam_from(start[some].astype(np.float64))
    for n in range(1, CHECKED_STEPS + 1):
        scale = np.float32((-1.0) ** n / n)
        contender.grads[0][:] = scale * gradient
        contender.step()
        expected.step(float(scale) * gradient[some].astype(np.float64))
    contender.grads[0][:] = gradient
    error = np.linalg.norm(contender.params[0][some] - expected.p)
    error /= np.linalg.norm(expected.p - start[some])
    kind = next(kind for kind in ALLOWED if kind in name)
    return None if error <= ALLOWED[kind] else f"steps off by {error:.3g} of their length"


def time_right_ones(
    case: str,
    contenders: dict[str, Contender],
    wrong: dict[str, str],
    notes: list[str],
    effort: Effort,
    size: int,
) -> Comparison:
    """Time the contenders with right results."""
    calls = {name: each.step for name, each in contenders.items() if name not in wrong}
    return Comparison(case, interleave(calls, effort), wrong, notes, {"parameters": size})


def draw(result: SuiteResult, folder: Path) -> list[Path]:
    """Draw the times of both cases."""
    return draw_points(result.rows, "A step of training", folder / "training.png")
