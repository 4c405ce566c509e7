"""100,000 decay curves, a fit each: beside SciPy's one by one, and other batches.

The curves, our call and that of `curve_fit` are those of ``python -m examples.fit_pixels``, and so
are the starts, which all have: guessed from the data. Nobody is tuned but plain Adam, ours and
others', with constants that were chosen for these curves. SciPy's methods fit a sample; batches
that are not compiled by Numba every tenth curve, a number that suits their caches better than all.
What is reported is the time of a fit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.optimize

from workloads import decays
from workloads.decays import LOWER, PARAMETERS, TIMES, UPPER

from ..harness.adam import Array
from ..harness.progress import say
from ..harness.report import Options, SuiteResult, Verdict
from ..harness.rows import divided, fraction, keeping, make_rows, speedup
from ..harness.timing import Effort, Record, Summary, interleave
from ..harness.watch import watched
from .checks import alone, find_difference, some
from .fitters import (
    ADAM,
    BOUNDED,
    FREE,
    JAX,
    LEVENBERG,
    OURS,
    TUNED,
    UNBOUNDED,
    VALUES,
    Curves,
    contenders,
    fit,
    fit_values,
    make_curves,
)
from .levenberg import MAKERS, NDOPTIMIZE

#: Times as fast as `curve_fit`.
LIMIT = 100.0
#: Microseconds a fit, by contender; evaluations a fit; and times as long as ndoptimize.
TIME_LIMITS = {OURS: 4.0, VALUES: 15.0}
EVALUATIONS_LIMIT = 25.0
NDOPTIMIZE_LIMIT = 0.6
#: "No worse", in percent: both stop short of the minimum, which changes the errors by less.
ERROR_LIMIT = 0.5

#: Rows that `minimize` solves alone, too.
ALONE = 100

#: A fit is right if its misfit is, but for this share, as low as that of the best within bounds.
TOLERANCE = 1e-3
#: The share of the sample that has to be right: what is left ran out of iterations.
RIGHT = 0.97


def select_sample(curves: Curves, x: Array, rows: Array) -> Array:
    """Return a contender's parameters of the sample; `rows` are the curves that it fitted."""
    return x[np.searchsorted(rows, curves.sample)]


def find_wrong(curves: Curves, found: dict[str, Array]) -> dict[str, str]:
    """Check the fits of the sample: their misfits, and that they keep the bounds."""

    def misfits(x: Array) -> Array:
        a, r, c = x.T[:, :, None]
        squares = (a * np.exp(-r * TIMES) + c - curves.scene.y[curves.sample]) ** 2
        return squares.mean(axis=1)

    with np.errstate(over="ignore"):
        values = {name: misfits(x) for name, x in found.items()}
    wrong = {
        name: f"{np.sum((x < LOWER) | (x > UPPER))} parameters break the bounds"
        for name, x in found.items()
        if name not in UNBOUNDED and not np.all((x >= LOWER) & (x <= UPPER))
    }
    kept = [f for name, f in values.items() if name not in UNBOUNDED and name not in wrong]
    if not kept:
        return wrong
    highest = (1.0 + TOLERANCE) * np.min(kept, axis=0)
    for name in found.keys() - wrong.keys():
        right = np.mean(values[name] <= highest)
        if not right >= RIGHT:
            wrong[name] = f"{1.0 - right:.1%} of the fits end higher than others'"
    return wrong


def check_alone(curves: Curves, found: Any) -> str:
    """Compare our rows with `minimize` on its own, to the last bit; return what is wrong.

    Parameters
    ----------
    curves : Curves
    found : OptimizeResult
        Our fits of all curves, with the gradient.
    """
    rows, y = curves.sample[:ALONE], curves.scene.y
    by_itself = alone(
        decays.misfit,
        curves.starts,
        rows,
        args=(TIMES,),
        batch_args=(y,),
        jac="in-place",
        bounds=scipy.optimize.Bounds(LOWER, UPPER),
    )
    return find_difference(some(found, rows), by_itself, "minimize alone")


def errors(curves: Curves, x: Array) -> Array:
    """Return the median absolute errors of the parameters in the sample."""
    return np.median(np.abs(x - curves.scene.truth[curves.sample]), axis=0)


@watched
def fits(options: Options) -> SuiteResult:
    """Time a fit of each contender, and check all of them on the sample."""
    curves = make_curves(options.quick)
    total = len(curves.starts)
    case = f"{total:,} decay curves, 3 parameters, {TIMES.size} points, a fit"
    say(case)
    calls, which, notes = contenders(curves)
    kept, results = keeping(calls)
    for solve in (fit, fit_values):
        solve(curves.starts[:1], curves.scene.y[:1])  # compiles
    for name in (JAX, LEVENBERG, *MAKERS):
        if name in kept:
            kept[name]()
    records = interleave(kept, Effort(rounds=5, samples=1, budget=0.0), warmup=0)
    each = {name: divided(record, len(which[name])) for name, record in records.items()}
    found = {name: select_sample(curves, x, which[name]) for name, x in results.items()}
    wrong = find_wrong(curves, found)
    ours = fit(curves.starts, curves.scene.y)
    different = check_alone(curves, ours)
    if different and OURS not in wrong:
        wrong[OURS] = different
    medians = {name: errors(curves, x) for name, x in found.items()}
    details = {
        name: {
            "fits": len(which[name]),
            "median_errors": dict(zip(PARAMETERS, medians[name].tolist(), strict=True)),
        }
        for name in calls
    }
    result = SuiteResult(make_rows(case, each, wrong, (OURS,), details), notes=notes)
    result.notes += [
        f"{ADAM}: {TUNED}; so are the batches that are plain Adam",
        f"{OURS}: {np.mean(~ours.success):.2%} of {total:,} fits do not succeed",
        f"fits: SciPy's methods {len(curves.sample):,}, one by one; those in NumPy, JAX and "
        f"torch {len(curves.part):,}; the others all",
        *(
            f"median errors of {name:<40} "
            + ", ".join(f"{p} {e:.5f}" for p, e in zip(PARAMETERS, medians[name], strict=True))
            for name in calls
        ),
    ]
    for theirs in (BOUNDED, FREE):
        what = f"{total:,} decay fits, {theirs}, one by one / {OURS}"
        result.verdicts.append(speedup(what, LIMIT, each, wrong, OURS, theirs))
    result.verdicts += [
        *(time_verdict(name, each, wrong) for name in TIME_LIMITS),
        evaluations_verdict(ours.nfev, wrong),
        fraction(
            f"decay fits, {OURS} / {NDOPTIMIZE}", NDOPTIMIZE_LIMIT, each, wrong, OURS, NDOPTIMIZE
        ),
        error_verdict(medians, wrong),
    ]
    return result


def time_verdict(name: str, each: dict[str, Record], wrong: dict[str, str]) -> Verdict:
    """Judge the time of a fit."""
    times = Summary.of(1e6 * s for samples in each[name].rounds.values() for s in samples)
    return Verdict(
        f"decay fits, {name}, a fit",
        TIME_LIMITS[name],
        None if name in wrong else times,
        " µs",
        note=wrong.get(name, ""),
        failed=name in wrong,
    )


def evaluations_verdict(evaluations: Array, wrong: dict[str, str]) -> Verdict:
    """Judge the evaluations of our fits with the gradient."""
    summary = Summary.of(evaluations.tolist())
    return Verdict(
        f"decay fits, {OURS}, evaluations a fit",
        EVALUATIONS_LIMIT,
        None if OURS in wrong else summary,
        note=wrong.get(OURS, f"mean {summary.mean:.3g}"),
        failed=OURS in wrong,
    )


def error_verdict(medians: dict[str, Array], wrong: dict[str, str]) -> Verdict:
    """Judge the worst of our median errors against those of `curve_fit` with the same bounds."""
    failed = OURS in wrong
    known = not failed and BOUNDED not in wrong
    more = 100.0 * (np.max(medians[OURS] / medians[BOUNDED]) - 1.0)
    return Verdict(
        "decay fits, median parameter error more than curve_fit's, worst parameter",
        ERROR_LIMIT,
        Summary.of([float(more)]) if known else None,
        " %",
        note="" if known else wrong.get(OURS, wrong.get(BOUNDED, "")),
        failed=failed,
    )
