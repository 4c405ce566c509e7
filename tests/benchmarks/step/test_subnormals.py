import numpy as np
import pytest

from benchmarks.harness.timing import Effort
from benchmarks.step import subnormals
from benchmarks.step.subnormals import KINDS, STEPS, find_error

SIZE = 1_000


@pytest.fixture
def case():
    return subnormals._fastadam(SIZE, threads=1)


@pytest.mark.parametrize("kind", KINDS)
def test_fastadam_passes(case, kind):
    assert find_error(case, SIZE, kind, may_keep=False) is None


@pytest.mark.parametrize("kind", ["m decaying", "m and v decaying"])
def test_states_are_full_of_numbers_that_become_subnormal(kind):
    tiny = np.finfo(np.float32).tiny
    m, _ = subnormals._moments(SIZE, kind)
    assert np.mean(np.abs(m) > tiny) > 0.3  # normal at first
    assert np.mean(np.abs(m) * 0.9**STEPS < tiny) > 0.9  # and no more at the end


@pytest.mark.parametrize("kind", KINDS)
def test_each_sample_starts_from_the_same_state(case, kind):
    case.reset(kind)
    start = [moment.copy() for moment in case.moments()]
    case.steps()
    assert not np.array_equal(case.moments()[0], start[0])
    case.reset("normal" if kind != "normal" else "m decaying")
    case.steps()
    case.reset(kind)
    assert all(map(np.array_equal, case.moments(), start))


def plant_moments(case, change):
    honest = case.moments
    case.moments = lambda: change(*honest())
    return case


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda m, v: (np.full_like(m, 1e-40), v), "subnormals left in m"),
        (lambda m, v: (m, np.full_like(v, 1e-40)), "subnormals left in v"),
        (lambda m, v: (m + np.float32(1e-3), v), "wrong m"),
        (lambda m, v: (m, 1.01 * v + 1e-4), "wrong v"),
    ],
)
def test_wrong_state_is_found(case, change, error):
    kind = "normal" if error.startswith("wrong") else "m and v decaying"
    assert find_error(plant_moments(case, change), SIZE, kind, may_keep=False) == error


def test_steps_without_effect_are_found(case):
    case.steps = lambda: None
    assert find_error(case, SIZE, "normal", may_keep=False) == "wrong parameters"


def test_wrong_case_fails_the_verdict_and_has_no_time(monkeypatch, hasty, one_thread):
    monkeypatch.setattr(
        subnormals, "find_error", lambda case, size, kind, may_keep: "bad" * (kind == "normal")
    )
    result = subnormals.decaying_subnormals(SIZE, Effort(5, 1, 0.0))
    assert [verdict.reached for verdict in result.verdicts] == [False] * 4
    assert {row.timing for row in result.rows if row.contender.endswith("normal")} == {None}
