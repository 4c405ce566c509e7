"""The method of Nelder and Mead, which asks for values alone, one evaluation at a time.

It is for where slopes tell little: the bottom of a narrow kink, a fractal, rounding. Each vertex
takes a row of the memory that is the metric's otherwise, so that variables have to be few. Their
values are in the row of the curvatures, but for that of the first.
"""

from __future__ import annotations

import math

from .._numba.options import register_jitable
from .._objective.layout import BEST_X, CURVATURE, LOWER, ORIGIN, SIZE, TRIAL, UPPER, VALUE, X
from .requests import ask, go_to

#: What the point at hand is: a vertex, one of a simplex that has shrunk, or a move of the worst.
#: The stages of a descent come before.
VERTEX, SHRUNK, MOVE = range(7, 10)

#: Where a move goes: so many times as far as the worst vertex is from the centre of the others.
REFLECTION, EXPANSION, OUTSIDE, INSIDE = 1.0, 2.0, 0.5, -0.5
#: No move, since one has been made, or since all vertices but the lowest have to.
MADE, SHRINK = 0.0, math.inf
#: The first edges, in sizes; the last ones where values differ by no more than a part of the lowest
#: or of the fall so far; and the last of all.
EDGE, SHORT, SHORTEST = 0.05, 1e-4, 1e-9
SPREAD, SPREAD_FALL = 1e-9, 1e-16
#: More variables are too many for it.
MOST_VARIABLES = 10
#: The most moves, for each variable: of a simplex that is to get somewhere, and of one that only
#: looks around where a descent has arrived.
MOST_MOVES, MOST_LOOKS = 200, 2
#: No moves yet, nor vertices.
UNBEGUN = -1


@register_jitable
def begin(s, vectors):
    """Ask for the first vertex beside the best point, of which at least one coordinate is free."""
    s.width, s.origin_f, s.probe, s.points = 0.0, s.best_f, 0, UNBEGUN
    for i in range(vectors.shape[1]):
        vectors[ORIGIN, i] = vectors[BEST_X, i]
    _place_edge(s, vectors)
    return ask(s, VERTEX, VALUE)


@register_jitable
def advance(s, vectors, simplex):
    """Take in a value and ask for the next; tell whether the simplex goes on."""
    if s.points == UNBEGUN:
        _fill(s, vectors, simplex)
    step = MADE
    if s.stage == MOVE:
        step = _take_move(s, vectors, simplex)
    else:
        _keep(s, vectors, simplex, s.probe, s.f)
    if step == SHRINK:
        _put_lowest_first(s, vectors, simplex)
        s.stage, s.probe = SHRUNK, 0
    if s.stage == VERTEX and _place_edge(s, vectors):
        return ask(s, VERTEX, VALUE)
    if s.stage == SHRUNK and _place_half_way(s, vectors, simplex):
        return ask(s, SHRUNK, VALUE)
    if step in (MADE, SHRINK):
        if _is_small(s, vectors, simplex):
            return False
        s.points += 1
        step = REFLECTION
    _place_move(s, vectors, simplex, step)
    return ask(s, MOVE, VALUE)


@register_jitable
def _fill(s, vectors, simplex):
    """Let all vertices be the first, but higher: moves replace those that bounds hold there."""
    s.points = 0
    for k in range(vectors.shape[1] + 1):
        for i in range(vectors.shape[1]):
            simplex[k, i] = vectors[ORIGIN, i]
            vectors[CURVATURE, i] = math.inf


@register_jitable
def _take_move(s, vectors, simplex):
    """Take in the value of a move: tell the next, or that it has been made."""
    worst, lowest, second = _rank(s, vectors)
    f, highest = s.f, _value(s, vectors, worst)
    if s.step == REFLECTION:
        s.low_f = f
        if f < lowest:
            return EXPANSION
        if not f < second:
            return OUTSIDE if f < highest else INSIDE
    elif s.step == EXPANSION:
        if not f < s.low_f:
            _place_move(s, vectors, simplex, REFLECTION)
            f = s.low_f
    elif not f < (s.low_f if s.step == OUTSIDE else highest):
        return SHRINK
    _keep(s, vectors, simplex, worst, f)
    return MADE


@register_jitable
def _value(s, vectors, k):
    """Give the value of a vertex."""
    return s.origin_f if k == 0 else vectors[CURVATURE, k - 1]


@register_jitable
def _keep(s, vectors, simplex, k, f):
    """Let the point at hand be a vertex."""
    f = f if f == f else math.inf
    if k == 0:
        s.origin_f = f
    else:
        vectors[CURVATURE, k - 1] = f
    for i in range(vectors.shape[1]):
        simplex[k, i] = vectors[X, i]


@register_jitable
def _rank(s, vectors):
    """Find the vertex with the highest value, the lowest value, and the highest of the others."""
    worst, lowest, second = 0, s.origin_f, -math.inf
    for k in range(1, vectors.shape[1] + 1):
        f, highest = _value(s, vectors, k), _value(s, vectors, worst)
        lowest = min(lowest, f)
        if f > highest:
            worst, second = k, highest
        else:
            second = max(second, f)
    return worst, lowest, second


@register_jitable
def _put_lowest_first(s, vectors, simplex):
    """Swap the vertex with the lowest value with the first."""
    at = 0
    for k in range(1, vectors.shape[1] + 1):
        if _value(s, vectors, k) < _value(s, vectors, at):
            at = k
    if at > 0:
        vectors[CURVATURE, at - 1], s.origin_f = s.origin_f, vectors[CURVATURE, at - 1]
        for i in range(vectors.shape[1]):
            simplex[0, i], simplex[at, i] = simplex[at, i], simplex[0, i]


@register_jitable
def _place_edge(s, vectors):
    """Go an edge away from the origin along the next coordinate; tell whether there is one."""
    s.probe += 1
    while s.probe <= vectors.shape[1]:
        at = s.probe - 1
        if vectors[LOWER, at] < vectors[UPPER, at]:
            go_to(s, vectors, ORIGIN, s.origin_f)
            p = vectors[ORIGIN, at] + EDGE * vectors[SIZE, at]
            if p > vectors[UPPER, at]:
                p = max(vectors[ORIGIN, at] - EDGE * vectors[SIZE, at], vectors[LOWER, at])
            vectors[X, at] = vectors[TRIAL, at] = p
            return True
        s.probe += 1
    return False


@register_jitable
def _place_half_way(s, vectors, simplex):
    """Go half-way to the first vertex from the next one; tell whether there is one."""
    s.probe += 1
    if s.probe > vectors.shape[1]:
        return False
    for i in range(vectors.shape[1]):
        p = simplex[0, i] + 0.5 * (simplex[s.probe, i] - simplex[0, i])
        vectors[X, i] = vectors[TRIAL, i] = p
    return True


@register_jitable
def _place_move(s, vectors, simplex, step):
    """Go from the centre of all vertices but the worst away from that, within the bounds."""
    worst, n = _rank(s, vectors)[0], vectors.shape[1]
    s.step = step
    for i in range(n):
        total = 0.0
        for k in range(n + 1):
            total += simplex[k, i] if k != worst else 0.0
        p = total / n + step * (total / n - simplex[worst, i])
        p = min(max(p, vectors[LOWER, i]), vectors[UPPER, i])
        vectors[X, i] = vectors[TRIAL, i] = p


@register_jitable
def _is_small(s, vectors, simplex):
    """Tell whether the simplex is as small as it need be, or has moved for too long."""
    n, length = vectors.shape[1], 0.0
    for k in range(1, n + 1):
        for i in range(n):
            length = max(length, abs(simplex[k, i] - simplex[0, i]) / vectors[SIZE, i])
    worst, lowest, _ = _rank(s, vectors)
    near = max(SPREAD * abs(lowest), SPREAD_FALL * (s.first_f - lowest))
    is_flat = _value(s, vectors, worst) - lowest <= near
    most = MOST_LOOKS if s.settled == 1 else MOST_MOVES
    return length <= (SHORT if is_flat else SHORTEST) or s.points >= most * n
