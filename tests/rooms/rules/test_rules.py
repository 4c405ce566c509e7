"""Every rule against the plain NumPy reference, over random hyper-parameters."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastadam
from benchmarks.harness.reference import Reference
from fastadam._rules.table import RULES

rates = st.floats(1e-4, 1.0)
betas = st.tuples(st.floats(0.0, 0.99), st.floats(0.0, 0.9999))
epsilons = st.sampled_from([1e-8, 1e-3, 1.0])
decays = st.sampled_from([0.0, 1e-2, 0.5])
flags = st.booleans()

COMMON = {"lr": rates, "weight_decay": decays, "maximize": flags}
WITH_BETAS = {**COMMON, "betas": betas, "eps": epsilons}
HYPER = {
    "Adam": {**WITH_BETAS, "amsgrad": flags},
    "AdamW": {**WITH_BETAS, "amsgrad": flags},
    "NAdam": {**WITH_BETAS, "momentum_decay": st.floats(0.0, 1.0)},
    "RAdam": WITH_BETAS,
    "Adamax": WITH_BETAS,
    "RMSprop": {
        **COMMON,
        "alpha": st.floats(0.5, 0.999),  # near 0 a variance is a difference of equals
        "eps": epsilons,
        "momentum": st.sampled_from([0.0, 0.9]),
        "centered": flags,
    },
    "SGD": {**COMMON, "momentum": st.sampled_from([0.0, 0.5, 0.9]), "dampening": st.floats(0, 1)},
    "Lion": {**COMMON, "betas": betas},
    "ADOPT": {**WITH_BETAS, "decouple": flags},
    "AdEMAMix": {
        **WITH_BETAS,
        "betas": st.tuples(st.floats(0.01, 0.99), st.floats(0.0, 0.9999), st.floats(0.01, 0.9999)),
        "alpha": st.floats(0.0, 10.0),
        "warmup_steps": st.integers(0, 12),
    },
    "ScheduleFreeAdamW": {
        **WITH_BETAS,
        "betas": st.tuples(st.floats(0.01, 0.99), st.floats(0.0, 0.9999)),
        "warmup_steps": st.integers(0, 12),
        "r": st.floats(0.0, 3.0),
        "weight_lr_power": st.floats(0.0, 3.0),
    },
}


@pytest.mark.parametrize("name", HYPER)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_float64_follows_the_equations(name, data):
    hyper = data.draw(st.fixed_dictionaries(HYPER[name]))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    p = rng.standard_normal(5)
    scale = 10.0 ** data.draw(st.integers(-3, 3))
    reference = Reference(name, p, **hyper)
    optimizer = getattr(fastadam, name)(p, **hyper)
    for _ in range(8):
        g = scale * rng.standard_normal(5)
        reference.step(g)
        optimizer.step(g)
    tolerance = 1e-11 * max(1.0, np.abs(reference.p).max())
    np.testing.assert_allclose(p, reference.p, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", HYPER)
def test_float32_follows_the_equations(name):
    rng = np.random.default_rng(1)
    p = rng.standard_normal(101).astype(np.float32)
    optimizer = getattr(fastadam, name)(p)
    hyper = {key: value for key, value in optimizer.param_groups[0].items() if key != "params"}
    reference = Reference(name, p, **hyper)
    for _ in range(50):
        g = rng.standard_normal(101).astype(np.float32)
        reference.step(g)
        optimizer.step(g)
    assert p.dtype == np.float32
    np.testing.assert_allclose(p, reference.p, rtol=3e-6, atol=3e-6)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_rules_are_plain_python_functions_of_scalars(rule):
    h = (0.1,) + (0.5,) * (len(rule.hyper) - 1)
    c = rule.coefficients(h, 3.0)
    p, state = rule.update(1.0, 0.25, (0.5,) * len(rule.state), c)
    assert isinstance(p, float)
    assert p != 1.0
    assert len(state) == len(rule.state)
    assert rule.coefficient_count == len(c)


@pytest.mark.parametrize("name", HYPER)
def test_nan_and_infinity_propagate(name):
    p = np.zeros(3)
    keywords = {"momentum": 0.9} if name == "SGD" else {}
    optimizer = getattr(fastadam, name)(p, **keywords)
    optimizer.step(np.array([np.nan, 1.0, np.nan]))
    optimizer.step(np.array([1.0, 1.0, np.nan]))
    assert np.isnan(p[[0, 2]]).all()
    assert np.isfinite(p[1])


def test_an_infinite_parameter_stays_infinite_without_weight_decay():
    p = np.array([np.inf, 1.0])
    fastadam.Adam(p).step(np.ones(2))
    assert p[0] == np.inf
    assert p[1] < 1.0


def test_large_float32_gradients_do_not_overflow_the_second_moment():
    p = np.zeros(2, np.float32)
    optimizer = fastadam.Adam(p, lr=0.1)
    optimizer.step(np.full(2, 1e20, np.float32))
    np.testing.assert_allclose(p, -0.1, rtol=1e-6)


def test_step_numbers_beyond_32_bits():
    p, reference = np.ones(2), np.ones(2)
    optimizer = fastadam.Adam(p)
    state = {**optimizer.state_dict(), "step_count": 2**33}
    optimizer.load_state_dict(state)
    optimizer.step(np.ones(2))
    assert optimizer.step_count == 2**33 + 1
    # Both bias corrections are 1 by now.
    reference -= 1e-3 * 0.1 / (np.sqrt(0.001) + 1e-8)
    np.testing.assert_allclose(p, reference, rtol=1e-12)
