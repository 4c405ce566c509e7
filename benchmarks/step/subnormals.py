"""A state full of decaying subnormals beside one of normal numbers.

With a zero gradient the moments decay geometrically, the first one much sooner than the second:
after 700 steps m is at 1e-32 of what it was while v has lost half. Arithmetic on subnormals takes
some processors up to a hundred times as long. An optimiser that lets them stay in its state pays
at every step; and one that does not may still pay while m is a normal number but lr * m is none.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numba
import numpy as np

from ..harness.adam import BETA1, BETA2, EPS, LR, Array
from ..harness.progress import say
from ..harness.report import OK, WRONG, Row, SuiteResult, Verdict
from ..harness.timing import Effort, Record, interleave, pairwise
from ..harness.watch import watched

#: Steps in a sample: m falls to a thousandth, from wherever it starts.
STEPS = 64
LIMIT = 1.1
NORMAL, SUBNORMAL = (-6.0, -1.0), (-40.0, -35.0)
#: The decades over which m and v are spread at the beginning of a sample.
KINDS = {
    "normal": (NORMAL, NORMAL),
    "m decaying": (SUBNORMAL, NORMAL),
    "m and v decaying": (SUBNORMAL, SUBNORMAL),
}
#: Steps already taken when the state is loaded: the bias corrections are then nearly 1.
_TAKEN = 10_000
#: Smaller moments may be flushed to zero: with eps = 1e-8 they cannot move a parameter.
_NEGLIGIBLE = 1e-30


@dataclass
class _Case:
    """One optimiser for all kinds of state: where its arrays lie is worth ten per cent, too."""

    reset: Callable[[str], object]
    steps: Callable[[], object]
    moments: Callable[[], tuple[Array, Array]]
    params: Array


def _moments(size: int, kind: str) -> tuple[Array, Array]:
    """Return m (of either sign) and v, evenly spread over the decades of ``kind``."""
    rng = np.random.default_rng(1)
    m, v = (10 ** rng.uniform(*decades, size) for decades in KINDS[kind])
    m *= rng.choice([-1.0, 1.0], size)
    return m.astype(np.float32), v.astype(np.float32)


def _fastadam(size: int, threads: int) -> _Case:
    from fastadam import Adam

    params, gradient = np.ones(size, np.float32), np.zeros(size, np.float32)
    optimizer = Adam(params, lr=LR, betas=(BETA1, BETA2), eps=EPS, threads=threads)
    optimizer.step(gradient)
    state = optimizer.state_dict()
    (m_key,) = (key for key in state if key.endswith("/m"))
    (v_key,) = (key for key in state if key.endswith("/v"))
    loaded = {}
    for kind in KINDS:
        m, v = _moments(size, kind)
        loaded[kind] = {**state, "step_count": _TAKEN, m_key: m, v_key: v}

    def reset(kind: str) -> None:
        params.fill(1.0)
        optimizer.load_state_dict(loaded[kind])

    def steps() -> None:
        for _ in range(STEPS):
            optimizer.step(gradient)

    def moments() -> tuple[Array, Array]:
        now = optimizer.state_dict()
        return now[m_key], now[v_key]

    return _Case(reset, steps, moments, params)


def _torch(size: int) -> _Case:
    import torch

    params = np.ones(size, np.float32)
    tensor = torch.nn.Parameter(torch.from_numpy(params))
    tensor.grad = torch.from_numpy(np.zeros(size, np.float32))
    optimizer = torch.optim.Adam([tensor], lr=LR, betas=(BETA1, BETA2), eps=EPS, fused=True)
    starts = {kind: _moments(size, kind) for kind in KINDS}
    m, v, count = np.empty_like(params), np.empty_like(params), torch.tensor(float(_TAKEN))
    optimizer.state[tensor] = {
        "step": count,
        "exp_avg": torch.from_numpy(m),
        "exp_avg_sq": torch.from_numpy(v),
    }

    def reset(kind: str) -> None:
        params.fill(1.0)
        np.copyto(m, starts[kind][0])
        np.copyto(v, starts[kind][1])
        count.fill_(_TAKEN)

    def steps() -> None:
        for _ in range(STEPS):
            optimizer.step()

    return _Case(reset, steps, lambda: (m, v), params)


#: The two loops by themselves: which one ``threads=None`` takes is judged elsewhere, and a
#: change of mind between two samples would be taken for an effect of the state.
_OURS = ("fastadam threads=1", "fastadam threads=all")


def _makers() -> dict[str, Callable[[int], _Case]]:
    return {
        _OURS[0]: partial(_fastadam, threads=1),
        _OURS[1]: partial(_fastadam, threads=numba.get_num_threads()),
        "torch fused": _torch,
    }


def find_error(case: _Case, size: int, kind: str, may_keep: bool) -> str | None:
    """Compare one sample's result with the closed form; return what is wrong."""
    case.reset(kind)
    case.steps()
    wanted = np.ones(size)
    start_m, start_v = (moment.astype(np.float64) for moment in _moments(size, kind))
    for k in range(1, STEPS + 1):
        t = _TAKEN + k
        rate = LR / (1 - BETA1**t)
        wanted -= rate * start_m * BETA1**k / (np.sqrt(start_v * BETA2**k / (1 - BETA2**t)) + EPS)
    if not np.allclose(case.params, wanted, rtol=1e-4, atol=1e-6):
        return "wrong parameters"
    for name, start, beta, moment in zip(
        "mv", (start_m, start_v), (BETA1, BETA2), case.moments(), strict=True
    ):
        if not np.allclose(moment, start * beta**STEPS, rtol=1e-4, atol=_NEGLIGIBLE):
            return f"wrong {name}"
        if not may_keep and np.any((moment != 0) & (np.abs(moment) < np.finfo(np.float32).tiny)):
            return f"subnormals left in {name}"
    return None


@watched
def decaying_subnormals(size: int, effort: Effort) -> SuiteResult:
    """Time `STEPS` steps from each kind of state, loaded anew before each sample."""
    title = f"{STEPS} steps on decaying state, {size:,} parameters"
    say(title)
    result = SuiteResult()
    cases: dict[str, _Case] = {}
    wrong: dict[str, str] = {}
    for name, make in _makers().items():
        try:
            case = make(size)
        except ImportError as error:
            result.notes.append(f"{name} left out: {error}")
            continue
        for kind in KINDS:
            error_text = find_error(case, size, kind, may_keep=name not in _OURS)
            if error_text:
                wrong[f"{name}, {kind}"] = error_text
            else:
                cases[f"{name}, {kind}"] = case
    records = interleave(
        {label: case.steps for label, case in cases.items()},
        effort,
        prepare=lambda label: cases[label].reset(label.split(", ")[1]),
    )
    result.rows = _rows(title, size, records, wrong)
    result.verdicts = [
        _verdict(size, name, kind, records) for name in _OURS for kind in KINDS if kind != "normal"
    ]
    return result


def _rows(title: str, size: int, records: dict[str, Record], wrong: dict[str, str]) -> list[Row]:
    """Return all rows, the ones of normal states with the ratios of the others to them."""
    details = {"condition": "subnormals", "parameters": size}
    rows = []
    for label, record in records.items():
        name, kind = label.split(", ")
        others = [f"{name}, {other}" for other in KINDS if other != kind]
        ratios = {
            other: pairwise(records[other], record)
            for other in others
            if kind == "normal" and other in records
        }
        rows.append(Row(title, label, record.summary, OK, ratios, dict(details)))
    for label, error in wrong.items():
        rows.append(Row(title, label, None, WRONG, details={**details, "error": error}))
    return rows


def _verdict(size: int, name: str, kind: str, records: dict[str, Record]) -> Verdict:
    what = f"{size:,} parameters, {name.removeprefix('fastadam ')}, {kind} / normal state"
    pair = [f"{name}, {kind}", f"{name}, normal"]
    missing = [label for label in pair if label not in records]
    if missing:  # they are fastadam's own, which is never absent
        return Verdict(what, LIMIT, None, note=f"{missing[0]} is WRONG", failed=True)
    return Verdict(what, LIMIT, pairwise(records[pair[0]], records[pair[1]]))
