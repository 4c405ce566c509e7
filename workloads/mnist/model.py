"""A perceptron with one hidden layer whose parameters and gradients live in packed buffers.

The network is ``x @ w1 + b1 -> ReLU -> @ w2 + b2 -> softmax``. A training step makes no arrays:
every intermediate result is written into the buffers of a :class:`Batch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

import fastadam

FloatArray = NDArray[np.floating[Any]]
Params = dict[str, FloatArray]

# Enough rows for BLAS to run at full speed, few enough for the intermediate results to stay small.
PREDICT_ROWS = 2000


class MLP:
    """Multi-layer perceptron with one hidden layer of rectified linear units.

    Weights start uniform in ``[-b, b)`` with ``b = sqrt(6/fan_in)`` (He et al., "Delving deep into
    rectifiers", ICCV 2015), biases at 0.

    Parameters
    ----------
    n_inputs, n_hidden, n_classes : int
        Layer widths.
    seed : int
        Seed of the initial parameters; equal seeds give equal networks.
    dtype : dtype
        ``float32`` or ``float64``.
    xp : module
        What its arrays are of: NumPy, or CuPy for a model on a GPU.

    Attributes
    ----------
    xp : module
        The same.
    params, grads : dict of str to ndarray
        ``w1`` (n_inputs, n_hidden), ``b1`` (n_hidden,), ``w2`` (n_hidden, n_classes) and ``b2``
        (n_classes,): views into the two flat arrays.
    average : dict of str to ndarray
        Parameters to predict with: an average of those that training went through, which
        ``training.train`` keeps.
    flat_params, flat_grads : ndarray, shape (n_parameters,)
        What the optimiser works on: one array, hence one kernel call a step.
    flat_average : ndarray, shape (n_parameters,)
        What `average` views.
    """

    def __init__(
        self,
        n_inputs: int,
        n_hidden: int = 128,
        n_classes: int = 10,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
        xp: Any = np,
    ) -> None:
        self.xp = xp
        rng = np.random.default_rng(seed)
        bound1, bound2 = (6 / n_inputs) ** 0.5, (6 / n_hidden) ** 0.5
        start = {
            "w1": rng.uniform(-bound1, bound1, (n_inputs, n_hidden)),
            "b1": np.zeros(n_hidden),
            "w2": rng.uniform(-bound2, bound2, (n_hidden, n_classes)),
            "b2": np.zeros(n_classes),
        }
        zeros = {name: np.zeros_like(array) for name, array in start.items()}
        self.flat_params, self.params = self._pack(start, dtype)
        self.flat_grads, self.grads = self._pack(zeros, dtype)
        self.flat_average, self.average = self._pack(start, dtype)

    def _pack(self, arrays: Mapping[str, Any], dtype: DTypeLike) -> tuple[FloatArray, Params]:
        xp = self.xp
        if xp is np:
            return fastadam.pack(arrays, dtype=dtype)
        flat, views = fastadam.pack({name: xp.asarray(a, dtype) for name, a in arrays.items()})
        # What fastadam made is seen through CuPy, not copied.
        return xp.asarray(flat), {name: xp.asarray(view) for name, view in views.items()}

    def predict(self, x: FloatArray, params: Params) -> NDArray[np.intp]:
        """Return the most likely class of each row of `x` by `params`, shape (n,).

        It is worked out on the host.
        """
        params = {name: to_host(array) for name, array in params.items()}
        classes = np.empty(len(x), np.intp)
        for start in range(0, len(x), PREDICT_ROWS):
            rows = slice(start, start + PREDICT_ROWS)
            hidden = x[rows] @ params["w1"]
            hidden += params["b1"]
            np.maximum(hidden, 0, out=hidden)
            logits = hidden @ params["w2"]
            logits += params["b2"]
            np.argmax(logits, axis=1, out=classes[rows])
        return classes

    def compute_gradients(self, batch: Batch) -> float:
        """Return the mean softmax cross-entropy of `batch` and write its gradient to `grads`.

        With logits z and one-hot targets y, the loss of a row is ``log(sum(exp(z))) - z.y`` and
        its gradient with respect to z is ``softmax(z) - y``. Subtracting the row's maximum from z
        changes neither, and keeps the exponentials from overflowing.
        """
        p, g, xp = self.params, self.grads, self.xp

        xp.matmul(batch.x, p["w1"], out=batch.hidden)
        xp.add(batch.hidden, p["b1"], out=batch.hidden)
        # Against an array of zeros NumPy is three times faster than against the number 0.
        xp.maximum(batch.hidden, batch.zeros, out=batch.hidden)
        logits = xp.matmul(batch.hidden, p["w2"], out=batch.logits)
        xp.add(logits, p["b2"], out=logits)

        logits.max(axis=1, keepdims=True, out=batch.row_scalar)
        xp.subtract(logits, batch.row_scalar, out=logits)
        target_logits = xp.vdot(logits, batch.y)
        xp.exp(logits, out=logits)
        # A product with ones sums faster than a reduction over an axis this short.
        xp.matmul(logits, batch.ones_classes, out=batch.row_scalar)
        probabilities = xp.divide(logits, batch.row_scalar, out=logits)
        xp.log(batch.row_scalar, out=batch.row_scalar)
        loss = float(batch.row_scalar.sum() - target_logits) * batch.scale

        d_logits = xp.subtract(probabilities, batch.y, out=probabilities)
        xp.multiply(d_logits, batch.scale, out=d_logits)
        xp.matmul(batch.hidden.T, d_logits, out=g["w2"])
        xp.matmul(batch.ones_rows, d_logits, out=g["b2"])
        d_hidden = xp.matmul(d_logits, p["w2"].T, out=batch.d_hidden)
        is_active = xp.greater(batch.hidden, batch.zeros, out=batch.is_active)
        xp.multiply(d_hidden, is_active, out=d_hidden)
        xp.matmul(batch.x.T, d_hidden, out=g["w1"])
        xp.matmul(batch.ones_rows, d_hidden, out=g["b1"])
        return loss


class Batch:
    """Inputs, targets and intermediate results of a fixed number of rows.

    Parameters
    ----------
    model : MLP
        The model whose layer widths and dtype the buffers follow.
    rows : int
        Number of examples.

    Attributes
    ----------
    x : ndarray, shape (rows, n_inputs)
        Inputs, to be filled by the caller or `fill`.
    y : ndarray, shape (rows, n_classes)
        One-hot targets, likewise.
    """

    def __init__(self, model: MLP, rows: int) -> None:
        n_inputs, n_hidden = model.params["w1"].shape
        n_classes = len(model.params["b2"])
        xp, dtype = model.xp, model.flat_params.dtype
        self.x = xp.empty((rows, n_inputs), dtype)
        self.y = xp.empty((rows, n_classes), dtype)
        self.hidden = xp.empty((rows, n_hidden), dtype)
        self.d_hidden = xp.empty((rows, n_hidden), dtype)
        self.is_active = xp.empty((rows, n_hidden), bool)
        self.zeros = xp.zeros((rows, n_hidden), dtype)
        self.logits = xp.empty((rows, n_classes), dtype)
        self.row_scalar = xp.empty((rows, 1), dtype)
        self.ones_rows = xp.ones(rows, dtype)
        self.ones_classes = xp.ones((n_classes, 1), dtype)
        self.scale = 1.0 / rows
        self._xp = xp

    def fill(self, x: FloatArray, y: FloatArray, rows: NDArray[np.int64]) -> None:
        """Take rows of inputs and one-hot targets."""
        if self._xp is np:
            # mode="raise" would gather into a temporary array first.
            np.take(x, rows, axis=0, out=self.x, mode="clip")
            np.take(y, rows, axis=0, out=self.y, mode="clip")
        else:
            indices = self._xp.asarray(rows)
            self._xp.take(x, indices, axis=0, out=self.x)
            self._xp.take(y, indices, axis=0, out=self.y)


def to_host(array: Any) -> np.ndarray:
    """Return an array of either kind as a NumPy array."""
    return array if isinstance(array, np.ndarray) else array.get()
