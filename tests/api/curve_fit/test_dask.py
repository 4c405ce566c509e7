"""`curve_fit` inside of Dask and of xarray, as they call any function of blocks."""

import numpy as np
import pytest

import fastadam

from .curves import T, jitted, make

dask_array = pytest.importorskip("dask.array", reason="needs Dask: pip install distributed")

Y = make(4, 6)[0]

pytestmark = pytest.mark.slow


def fit(block, t):
    found = fastadam.curve_fit(jitted, t, block)
    return found.x, found.stderr


@pytest.fixture(scope="module")
def whole():
    return fit(Y, T)


def test_map_blocks(whole):
    blocks = dask_array.from_array(Y, chunks=(2, 3, T.size))
    found = blocks.map_blocks(lambda block: fit(block, T)[0], chunks=(2, 3, 3), dtype=float)
    np.testing.assert_array_equal(found.compute(scheduler="threads"), whole[0])


def test_apply_ufunc(whole):
    xarray = pytest.importorskip("xarray", reason="needs xarray: pip install xarray")
    image = xarray.DataArray(Y, dims=("row", "column", "time"), coords={"time": T})
    found = xarray.apply_ufunc(
        fit,
        image.chunk(row=2, column=3),
        image.time,
        input_core_dims=[["time"], ["time"]],
        output_core_dims=[["parameter"], ["parameter"]],
        dask="parallelized",
        output_dtypes=[float, float],
        dask_gufunc_kwargs={"output_sizes": {"parameter": 3}},
    )
    for ours, expected in zip(found, whole, strict=True):
        assert ours.dims == ("row", "column", "parameter")
        np.testing.assert_array_equal(ours.compute(), expected)
