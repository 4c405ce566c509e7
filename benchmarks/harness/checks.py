"""Every timed result is checked: a fast wrong answer is reported as WRONG, without a time.

Each contender starts from the same parameters and takes its first steps with gradients that
change from step to step (a constant gradient would hide wrong moments: Adam's step is then
lr * sign(g) whatever the betas). These steps are compared on every element. The timed steps go on
from there with a constant gradient, and the end of them is compared again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from .adam import LR, Array, Contender, ExpectFrom

#: Factors of the gradient in the first, untimed steps; it is 1 in all others.
SCALES = (1.0, -0.5, 2.0, 0.25)

_CHUNK = 65_536

#: Updates of an element that the comparison after the timed steps may cost (about two seconds).
_MOST_UPDATES = 200_000_000


def verify(
    contenders: Mapping[str, Contender],
    start: Array,
    gradient: Array,
    steps: Mapping[str, int],
    *,
    most_updates: int | None = None,
) -> dict[str, str]:
    """Compare contenders with their float64 references.

    Parameters
    ----------
    contenders : mapping of str to Contender
    start, gradient : array
        Where they started and their gradient, flat.
    steps : mapping of str to int
        How many steps each has taken; the first were scaled by `SCALES`.
    most_updates : int, optional
        Compare only evenly spread elements, so few that the reference makes no more updates.

    Returns
    -------
    dict of str to str
        What is wrong, for the contenders that are.
    """
    results = {name: _flat(contender.params) for name, contender in contenders.items()}
    alike: dict[ExpectFrom, list[str]] = defaultdict(list)
    for name in sorted(contenders, key=lambda name: steps[name]):
        alike[contenders[name].expect_from].append(name)
    wrong = {}
    for expect_from, names in alike.items():
        for where in _chunks(start.size, steps[names[-1]], most_updates):
            p_start, g = start[where].astype(np.float64), gradient[where].astype(np.float64)
            expected, taken = expect_from(p_start), 0
            for name in names:
                while taken < steps[name]:
                    expected.step(gradient_scale(taken) * g)
                    taken += 1
                error = np.abs(results[name][where] - expected.p)
                allowed = tolerance(expected.p, p_start, taken)
                if not np.all(error <= allowed):  # NaN is wrong, too
                    worst = np.max(error / allowed)
                    wrong[name] = f"off by {worst:.3g} times the tolerance after {taken} steps"
    return wrong


def gradient_scale(taken: int) -> float:
    """Return the factor of the gradient in the step after so many."""
    return SCALES[taken] if taken < len(SCALES) else 1.0


def tolerance(expected: Array, start: Array, steps: int, lr: float = LR) -> Array:
    """Return how far off float32 parameters may be after so many steps.

    They are rounded at each step; the update's own error is relative to lr: float32's 1 - 0.999
    alone is off by 1.3e-5.
    """
    size = np.maximum(np.abs(expected), np.abs(start))
    return steps * (np.finfo(np.float32).eps * size + 1e-4 * lr)


def _flat(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _chunks(size: int, steps: int, most_updates: int | None) -> Iterator[slice | Array]:
    if most_updates is not None and size * steps > most_updates:
        yield np.unique(np.linspace(0, size - 1, max(2, most_updates // steps)).astype(np.int64))
        return
    for first in range(0, size, _CHUNK):
        yield slice(first, first + _CHUNK)


def check_first_steps(
    contenders: Mapping[str, Contender], start: Array, gradient: Array
) -> dict[str, str]:
    """Take the first steps of all contenders and compare every element.

    Returns
    -------
    dict of str to str
        What is wrong, for the contenders that are.
    """
    for contender in contenders.values():
        originals = [g.copy() for g in contender.grads]
        for scale in SCALES:
            for g, original in zip(contender.grads, originals, strict=True):
                np.multiply(original, np.float32(scale), out=g)
            contender.step()
        for g, original in zip(contender.grads, originals, strict=True):
            np.copyto(g, original)
    return verify(contenders, start, gradient, dict.fromkeys(contenders, len(SCALES)))


def check_timed_steps(
    contenders: Mapping[str, Contender], start: Array, gradient: Array, calls: Mapping[str, int]
) -> dict[str, str]:
    """Compare where the timed steps have led; ``calls`` are those after the first steps."""
    steps = {name: calls[name] + len(SCALES) for name in contenders}
    return verify(contenders, start, gradient, steps, most_updates=_MOST_UPDATES)
