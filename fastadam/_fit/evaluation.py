"""A model and its derivatives at a point, for the compiled search.

Each point is evaluated with its derivatives at once, since nearly all steps are good, and a model
that is called for a point with one parameter changed shares most of its work with that call:
compilers see it. After a step that was not good, the values are asked for alone.
"""

from __future__ import annotations

import math

from .._numba.addresses import address_of
from .._numba.options import inline, register_jitable
from .linear import dot
from .state import BESIDE, GRADIENT, INVERSE_STEP, LOWER, SCALE, TRIAL, UNIT, UNSCALE, UPPER

#: sqrt(eps), which balances truncation against rounding in a one-sided difference.
_RELATIVE_STEP = 2.0**-26
#: Steps of a first difference that are so many times too short or too long are taken again.
_WRONG_STEP = 1e3


@register_jitable
def find_step(p, unit):
    """Choose the step of a difference: the unit changes a model by as much as there is of it.

    A model of p - x is known as well as p is: far from 0 steps are longer than the unit's share,
    and shorter than that of p.
    """
    size = abs(p)
    if unit > 0.0:
        size = unit if size < unit else math.sqrt(size * unit)
    return _RELATIVE_STEP * size if size > 0.0 else _RELATIVE_STEP


@inline
def choose_steps(vectors):
    """Choose the points beside TRIAL; those of a parameter whose bounds are equal do not count."""
    for j in range(vectors.shape[1]):
        p = vectors[TRIAL, j]
        h = find_step(p, vectors[UNIT, j])
        if p + h > vectors[UPPER, j]:
            h = -h
        vectors[BESIDE, j] = p + h
        h = vectors[BESIDE, j] - p  # what was really added, after rounding
        is_fixed = vectors[LOWER, j] == vectors[UPPER, j]
        vectors[INVERSE_STEP, j] = 0.0 if is_fixed else 1.0 / h


@register_jitable
def have_steps_been_right(vectors):
    """Tell whether the steps of a difference were of the order that its result asks for."""
    for j in range(vectors.shape[1]):
        h = abs(vectors[BESIDE, j] - vectors[TRIAL, j])
        wanted = find_step(vectors[TRIAL, j], vectors[UNIT, j])
        is_right = h < _WRONG_STEP * wanted and wanted < _WRONG_STEP * h
        if vectors[LOWER, j] < vectors[UPPER, j] and not is_right:
            return False
    return True


@inline
def evaluate(call, task, work, y):
    """Fill in the residuals at TRIAL, maybe their derivatives; add up the squares."""
    s, model, weight, vectors = work.search[0], work.model, work.weight, work.vectors
    has_slopes = s.wants_slopes != 0
    trial, beside = address_of(vectors[TRIAL]), address_of(vectors[BESIDE])
    inverses = address_of(vectors[INVERSE_STEP]) if has_slopes else 0
    s.nfev += model.shape[0] if has_slopes else 1
    if not call(task, trial, beside, inverses, address_of(model)):
        s.trial_f = -1.0
        return
    for i in range(y.size):
        model[0, i] -= y[i]
    rows = model.shape[0] if has_slopes else 1
    for j in range(rows if s.has_weights != 0 else 0):
        row = model[j]
        for i in range(y.size):
            row[i] = row[i] * weight[i] if weight[i] > 0.0 else 0.0
    s.trial_f = dot(model[0], model[0])


@inline
def normalize(work):
    """Fill in J^T J and J^T r of the point that was evaluated, the scales and the units."""
    vectors, model, normal = work.vectors, work.model, work.normal
    for j in range(vectors.shape[1]):
        row = model[j + 1]
        vectors[GRADIENT, j] = dot(row, model[0])
        for k in range(j + 1):
            normal[j, k] = normal[k, j] = dot(row, model[k + 1])
        norm = math.sqrt(normal[j, j])
        if norm > vectors[SCALE, j]:
            vectors[SCALE, j], vectors[UNSCALE, j] = norm, 1.0 / norm
        if norm > 0.0:
            vectors[UNIT, j] = work.search[0].size / norm
