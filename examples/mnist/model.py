"""A perceptron with one hidden layer whose parameters and gradients live in packed buffers.

The network is ``x @ w1 + b1 -> ReLU -> @ w2 + b2 -> softmax``. A training step makes no arrays:
every intermediate result is written into the buffers of a :class:`Batch`.
"""

from __future__ import annotations

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

    Attributes
    ----------
    params, grads : dict of str to ndarray
        ``w1`` (n_inputs, n_hidden), ``b1`` (n_hidden,), ``w2`` (n_hidden, n_classes) and ``b2``
        (n_classes,): views into the two flat arrays.
    average : dict of str to ndarray
        Parameters to predict with: an average of those that training went through.
    flat_params, flat_grads : ndarray, shape (n_parameters,)
        What the optimiser works on: one array, hence one kernel call a step.
    """

    def __init__(
        self,
        n_inputs: int,
        n_hidden: int = 128,
        n_classes: int = 10,
        *,
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        rng = np.random.default_rng(seed)
        bound1, bound2 = (6 / n_inputs) ** 0.5, (6 / n_hidden) ** 0.5
        start = {
            "w1": rng.uniform(-bound1, bound1, (n_inputs, n_hidden)),
            "b1": np.zeros(n_hidden),
            "w2": rng.uniform(-bound2, bound2, (n_hidden, n_classes)),
            "b2": np.zeros(n_classes),
        }
        self.flat_params, self.params = fastadam.pack(start, dtype=dtype)
        self.flat_grads, self.grads = fastadam.pack(
            {name: np.zeros_like(array) for name, array in start.items()}, dtype=dtype
        )
        self._flat_average, self.average = fastadam.pack(start, dtype=dtype)

    def add_to_average(self, count: int) -> None:
        """Take the present parameters into the average, as the `count`-th of them."""
        self._flat_average += (self.flat_params - self._flat_average) / count

    def predict(self, x: FloatArray, params: Params) -> NDArray[np.intp]:
        """Return the most likely class of each row of `x` by `params`, shape (n,)."""
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
        p, g = self.params, self.grads

        np.matmul(batch.x, p["w1"], out=batch.hidden)
        np.add(batch.hidden, p["b1"], out=batch.hidden)
        # Against an array of zeros NumPy is three times faster than against the number 0.
        np.maximum(batch.hidden, batch.zeros, out=batch.hidden)
        logits = np.matmul(batch.hidden, p["w2"], out=batch.logits)
        np.add(logits, p["b2"], out=logits)

        np.maximum.reduce(logits, axis=1, keepdims=True, out=batch.row_scalar)
        np.subtract(logits, batch.row_scalar, out=logits)
        target_logits = np.vdot(logits, batch.y)
        np.exp(logits, out=logits)
        # A product with ones sums faster than a reduction over an axis this short.
        np.matmul(logits, batch.ones_classes, out=batch.row_scalar)
        probabilities = np.divide(logits, batch.row_scalar, out=logits)
        np.log(batch.row_scalar, out=batch.row_scalar)
        loss = float(np.add.reduce(batch.row_scalar, axis=None) - target_logits) * batch.scale

        d_logits = np.subtract(probabilities, batch.y, out=probabilities)
        np.multiply(d_logits, batch.scale, out=d_logits)
        np.matmul(batch.hidden.T, d_logits, out=g["w2"])
        np.matmul(batch.ones_rows, d_logits, out=g["b2"])
        d_hidden = np.matmul(d_logits, p["w2"].T, out=batch.d_hidden)
        is_active = np.greater(batch.hidden, batch.zeros, out=batch.is_active)
        np.multiply(d_hidden, is_active, out=d_hidden)
        np.matmul(batch.x.T, d_hidden, out=g["w1"])
        np.matmul(batch.ones_rows, d_hidden, out=g["b1"])
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
        Inputs, to be filled by the caller.
    y : ndarray, shape (rows, n_classes)
        One-hot targets, to be filled by the caller.
    """

    def __init__(self, model: MLP, rows: int) -> None:
        n_inputs, n_hidden = model.params["w1"].shape
        n_classes = len(model.params["b2"])
        dtype = model.flat_params.dtype
        self.x = np.empty((rows, n_inputs), dtype)
        self.y = np.empty((rows, n_classes), dtype)
        self.hidden = np.empty((rows, n_hidden), dtype)
        self.d_hidden = np.empty((rows, n_hidden), dtype)
        self.is_active = np.empty((rows, n_hidden), bool)
        self.zeros = np.zeros((rows, n_hidden), dtype)
        self.logits = np.empty((rows, n_classes), dtype)
        self.row_scalar = np.empty((rows, 1), dtype)
        self.ones_rows = np.ones(rows, dtype)
        self.ones_classes = np.ones((n_classes, 1), dtype)
        self.scale = 1.0 / rows
