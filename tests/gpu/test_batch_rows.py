"""What rows go through before and after searches on a GPU: rounding, and kernels that compile."""

import re

import numpy as np
import pytest
from numba import types

from fastadam._cuda.batches import make_inward

from . import ptx

F32 = np.float32
# fmt: off
EXTREMES = np.array([
    0.0, -0.0, np.inf, -np.inf, np.nan, 1e300, -1e300, 1e-300, -1e-300, 3.4028234e38, 3.4028235e38,
    3.40282355e38, -3.40282355e38, 3.5e38, 1e-45, 7e-46, 2.0**-126, -(2.0**-126), 2.0**-149,
    1.0, 1.0 + 1e-10, 1.0 - 1e-10, -1.0 - 1e-10, 2.0 - 1e-9, 0.1, 0.7, -0.3,
])
# fmt: on


def rounded(lowers, uppers):
    """Round bounds inwards by NumPy's neighbours of numbers."""
    infinity = F32(np.inf)
    lower, upper = lowers.astype(F32), uppers.astype(F32)
    within = np.where(lower < lowers, np.nextafter(lower, infinity), lower)
    below = np.where(upper > uppers, np.nextafter(upper, -infinity), upper)
    apart = within <= below
    lower, upper = np.where(apart, within, lower), np.where(apart, below, upper)
    return np.where(lowers > uppers, infinity, lower), upper


@pytest.mark.filterwarnings("ignore:(overflow|underflow|invalid):RuntimeWarning")
def test_bounds_are_rounded_inwards():
    rng = np.random.default_rng(0)
    random = rng.choice([-1.0, 1.0], 500) * 2.0 ** rng.uniform(-152, 128, 500)
    near = 2.0 ** np.arange(-148.0, 127.0)
    near = np.concatenate([near * (1.0 + 1e-9), near * (1.0 - 1e-9), -near * (1.0 + 1e-9)])
    values = np.concatenate([EXTREMES, random, near])
    pairs = [(low, high) for low in EXTREMES for high in EXTREMES]
    pairs += [(value, np.float64(np.inf)) for value in values]
    pairs += [(np.float64(-np.inf), value) for value in values]
    lowers, uppers = np.array(pairs).T
    inward = make_inward("float32")
    found = np.array([inward(low, high) for low, high in zip(lowers, uppers, strict=True)])
    assert found.dtype == F32
    expected = np.stack(rounded(lowers, uppers), axis=1)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kernel", ["prepare", "rates", "conclude"])
def test_kernels_compile(kernel, monkeypatch):
    """Bounds in float32 and float64, rounded to nearest; the sums of a thread are its own."""
    ptx.require_toolkit()
    from fastadam._cuda import batches

    narrow, wide = (types.Array(kind, 2, "C") for kind in (types.float32, types.float64))
    made = {
        "prepare": lambda: batches.prepare_function("float32", narrow, wide),
        "rates": lambda: batches.rates_function(types.Array(types.float32, 1, "C")),
        "conclude": lambda: batches.conclude_function("float64"),
    }[kernel]()
    text = ptx.compile_ptx(*made, monkeypatch)
    assert not re.search(r"\b(fma|mad)\.|\.approx|\.full|\.ftz|\.rz|rsqrt|rcp", text)
    assert ("cvt.rn.f32.f64" in text) == (kernel == "prepare")
    assert ("atom.global.min.s64" in text) == (kernel == "rates")
    assert ("atom.global.add.u64" in text) == (kernel == "conclude")
