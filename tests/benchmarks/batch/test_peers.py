"""Who solves many problems at once ends where `minimize_batch` does, after as many iterations."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.batch import fitters as fits
from benchmarks.batch import levenberg, starts
from benchmarks.batch import vmap as vmap_peers
from benchmarks.batch.by_hand import numpy_batch, prange_batch
from benchmarks.batch.levenberg import LUMAFIT, NDOPTIMIZE, NDOPTIMIZE_FREE, SCIJIT
from workloads import decays

POINTS = starts.random_starts(30)


@pytest.fixture(scope="module")
def ours():
    return starts.fastadam_batch(starts.rosenbrock_in_place, "in-place")(POINTS)


@pytest.mark.parametrize("name", [starts.PRANGE, starts.NUMPY, starts.JAX])
def test_rosenbrock(name, ours):
    chosen, notes = starts.contenders()
    if name not in chosen:
        pytest.skip(notes[0])
    found = chosen[name](POINTS)
    np.testing.assert_allclose(found.x, ours.x, rtol=0, atol=1e-6)
    # The last of thousands of steps may come sooner or later: rounding.
    np.testing.assert_allclose(found.nit, ours.nit, rtol=0.01)


@pytest.mark.parametrize("most", [0, 7])
def test_iterations_end_where_they_have_to(most):
    plain = replace(starts.PLAIN, maxiter=most)
    for found in (
        numpy_batch(starts.gradients, POINTS, (), plain),
        prange_batch(starts.rosenbrock_in_place, plain)(POINTS),
    ):
        assert set(found.nit.tolist()) == {most}
        assert bool(np.all(found.x == POINTS)) == (most == 0)


@pytest.fixture(scope="module")
def curves():
    scene = decays.make_scene(200, seed=1)
    everything = np.arange(len(scene.y))
    return fits.Curves(scene, decays.guess(scene.y), everything, everything)


@pytest.mark.parametrize("name", [fits.LBFGSB, fits.NUMPY, fits.JAX, fits.TORCH, NDOPTIMIZE])
def test_decay_curves(name, curves):
    calls, which, notes = fits.contenders(curves)
    if name not in calls:
        pytest.skip(next(note for note in notes if name in note))
    x, wanted = calls[name](), calls[fits.ADAM]()
    assert len(x) == len(which[name]) == len(wanted)
    # A few come to a corner of the bounds from another side.
    assert np.mean(np.abs(x - wanted).max(axis=1) < 2e-3) > 0.97


@pytest.mark.parametrize("name", [NDOPTIMIZE_FREE, LUMAFIT, SCIJIT])
def test_decay_curves_without_bounds(name, curves):
    calls, which, notes = fits.contenders(curves)
    if name not in calls:
        pytest.skip(next(note for note in notes if name in note))
    x, wanted = calls[name](), calls[fits.FREE]()
    assert len(x) == len(which[name])
    assert np.mean(np.abs(x - wanted).max(axis=1) < 2e-3) > 0.97


def test_derivatives_of_the_decay():
    p = np.array([1.3, 0.8, 0.2])
    given = levenberg.residual_slopes.py_func(p, decays.TIMES, decays.TIMES)
    steps = 1e-6 * np.eye(3)

    def residuals(p):
        return levenberg.residuals.py_func(p, decays.TIMES, decays.TIMES)

    numeric = [(residuals(p + step) - residuals(p - step)) / 2e-6 for step in steps]
    np.testing.assert_allclose(given, np.transpose(numeric), atol=1e-8)
    np.testing.assert_allclose(residuals(p), decays.model(decays.TIMES, *p) - decays.TIMES)


def test_packages_that_are_missing_are_named(curves, monkeypatch):
    def missing(*_):
        raise ImportError("No module named 'jax'")

    for name in ("jax_batch", "optimistix_batch", "torch_batch"):
        monkeypatch.setattr(fits, name, missing)
    monkeypatch.setattr(levenberg, "MAKERS", dict.fromkeys(levenberg.MAKERS, missing))
    monkeypatch.setattr(starts, "jax_batch", missing)
    _, _, notes = fits.contenders(curves)
    assert [note.partition(" left out: ")[0] for note in notes] == [
        fits.JAX,
        fits.LEVENBERG,
        fits.TORCH,
        *levenberg.MAKERS,
    ]
    assert starts.contenders()[1] == [f"{starts.JAX} left out: No module named 'jax'"]
    assert callable(vmap_peers.jax_batch)
