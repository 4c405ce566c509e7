"""What users' functions are given on a GPU: x and the gradient of a thread, its row of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .._numba.options import register_jitable
from .._objective.differences import copy


def make_loan(is_own: bool) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Make ``lend(views, x, grad)`` and ``take_back(views, grad)``, around an evaluation.

    The first puts a thread's own arrays in the place of x and the gradient among the views of
    `evaluation.select_views`, the second copies the gradient back; or neither does anything.
    """
    if not is_own:
        return (
            register_jitable(lambda views, x, grad: views),
            register_jitable(lambda views, grad: None),
        )

    @register_jitable
    def lend(views, x, grad):
        copy(views[1], x)
        copy(views[2], grad)
        return views[:1] + (x, grad) + views[3:]  # noqa: RUF005

    @register_jitable
    def take_back(views, grad):
        copy(grad, views[2])

    return lend, take_back


def make_fetch(count: int) -> Callable[..., None]:
    """Make ``fetch(bases, strips, k, t)``, which copies row ``k`` of each array to thread ``t``.

    Threads that read theirs in step then read memory that lies side by side.
    """
    if count == 0:
        return register_jitable(lambda bases, strips, k, t: None)
    before, last = make_fetch(count - 1), count - 1

    @register_jitable
    def fetch(bases, strips, k, t):
        before(bases, strips, k, t)
        base, strip = bases[last], strips[last]
        for j in range(base.shape[1]):
            strip[j, t] = base[k, j]

    return fetch


def make_pick(dimensions: tuple[int, ...]) -> Callable[..., Any]:
    """Make ``pick(views, t)``: thread ``t``'s part of each array, a number of a vector."""
    if not dimensions:
        return register_jitable(lambda views, t: ())
    before, last, is_vector = make_pick(dimensions[:-1]), len(dimensions) - 1, dimensions[-1] == 1

    @register_jitable
    def pick(views, t):
        own = views[last][t] if is_vector else views[last][..., t]
        return before(views, t) + (own,)  # noqa: RUF005

    return pick
