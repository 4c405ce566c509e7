"""The checks of the `training` suite find what is wrong."""

import numpy as np
import pytest

import fastadam
from benchmarks.harness.report import Options
from benchmarks.training import contenders, suite

SIZE = 2_000
RNG = np.random.default_rng(0)
START, GRADIENT = (RNG.standard_normal(SIZE).astype(np.float32) for _ in range(2))


def make(**options):
    p, g = START.copy(), GRADIENT.copy()
    optimizer = fastadam.Adam(p, **{"clip_norm": 1.0, "average": 0.999} | options)

    def average():
        with optimizer.averaged():
            return p.copy()

    return contenders.Trained(lambda: optimizer.step(g), [p], [g], average=average)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, None),
        ({"clip_norm": 10.0}, "parameters off"),
        ({"average": 0.1}, "average off"),
        ({"lr": 2e-3}, "parameters off"),
    ],
)
def test_a_wrong_training_is_found(options, error):
    found = suite.find_training_error(make(**options), START, GRADIENT)
    if error:
        assert found.startswith(error)
    else:
        assert found is None


@pytest.mark.parametrize(("lr", "is_right"), [(1e-3, True), (1.3e-3, False)])
def test_wrong_steps_of_a_narrow_state_are_found(lr, is_right):
    p, g = START.copy(), GRADIENT.copy()
    optimizer = fastadam.Adam(p, lr=lr, state_dtype="uint8")
    contender = contenders.Contender(lambda: optimizer.step(g), [p], [g])
    found = suite.find_narrow_error("fastadam, uint8 state", contender, START, GRADIENT)
    assert (found is None) == is_right


@pytest.mark.slow
def test_the_suite(tmp_path, hasty):
    result = suite.run(Options(quick=True))
    assert {row.status for row in result.rows} == {"ok"}
    assert len(result.verdicts) == 4
    assert suite.draw(result, tmp_path)
