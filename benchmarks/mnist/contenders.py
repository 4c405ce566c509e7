"""The contenders of the `mnist` suite: the same perceptron, trained by four libraries.

Each is a generator of epochs over the same examples in batches of 64, shuffled anew each epoch,
with Adam at its defaults (lr 1e-3). Data preparation happens before the first epoch, evaluation
outside of the timed part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from workloads.mnist.data import Dataset

BATCH = 64
HIDDEN = 128
LR = 1e-3


class Epoch(NamedTuple):
    """Seconds of training, and the test accuracy after it, of the last weights and averaged ones.

    Only our example has averaged ones.
    """

    seconds: float
    accuracy: float
    averaged_accuracy: float = float("nan")


def train_fastadam(data: Dataset, seed: int) -> Iterator[Epoch]:
    """Train as our own example does, in its own loop, the averaging of the weights included."""
    from fastadam import Adam
    from workloads.mnist.model import MLP
    from workloads.mnist.training import train

    model = MLP(data.x_train.shape[1], HIDDEN, data.n_classes, seed=seed)
    optimizer = Adam(model.flat_params, lr=LR)
    endless = train(model, optimizer, data, epochs=2**31, batch_size=BATCH, seed=seed)
    return (Epoch(r.seconds, r.accuracy, r.averaged_accuracy) for r in endless)


def train_torch(data: Dataset, seed: int) -> Iterator[Epoch]:
    """Train in torch as fast as plain torch goes: preloaded tensors, fused Adam."""
    import torch
    from torch import nn

    torch.manual_seed(seed)
    x, y = torch.from_numpy(data.x_train), torch.from_numpy(data.y_train)
    x_test, y_test = torch.from_numpy(data.x_test), torch.from_numpy(data.y_test)
    model = nn.Sequential(
        nn.Linear(x.shape[1], HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, data.n_classes)
    )
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR, fused=True)

    def epochs() -> Iterator[Epoch]:
        while True:
            start = perf_counter()
            order = torch.randperm(len(x))
            for rows in order.split(BATCH):
                loss = loss_of(model(x[rows]), y[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            seconds = perf_counter() - start
            with torch.no_grad():
                right = (model(x_test).argmax(1) == y_test).float().mean().item()
            yield Epoch(seconds, right)

    return epochs()


def train_sklearn(data: Dataset, seed: int) -> Iterator[Epoch]:
    """Train scikit-learn's MLPClassifier, an epoch a ``partial_fit``."""
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (HIDDEN,), alpha=0.0, batch_size=BATCH, learning_rate_init=LR, random_state=seed
    )
    classes = np.arange(data.n_classes)

    def epochs() -> Iterator[Epoch]:
        while True:
            start = perf_counter()
            # One pass in shuffled batches; unlike ``fit`` with ``warm_start`` it goes on with
            # the moments of the last, and unlike ``fit`` it does not judge convergence.
            model.partial_fit(data.x_train, data.y_train, classes=classes)
            seconds = perf_counter() - start
            yield Epoch(seconds, model.score(data.x_test, data.y_test))

    return epochs()


def train_optax(data: Dataset, seed: int) -> Iterator[Epoch]:
    """Train with optax on JAX: one jitted function a step, data on the device beforehand."""
    import jax
    import jax.numpy as jnp
    import optax

    rng = np.random.default_rng(seed)
    widths = (data.x_train.shape[1], HIDDEN, data.n_classes)
    params = [
        (
            jnp.asarray(rng.uniform(-(n**-0.5), n**-0.5, (n, k)), jnp.float32),
            jnp.zeros(k, jnp.float32),
        )
        for n, k in pairwise(widths)
    ]
    optimizer = optax.adam(LR)
    x, y = jnp.asarray(data.x_train), jnp.asarray(data.y_train.astype(np.int32))

    def logits(params: Any, x: Any) -> Any:
        (w1, b1), (w2, b2) = params
        return jax.nn.relu(x @ w1 + b1) @ w2 + b2

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(logits(params, x), y).mean()

    @jax.jit
    def step(params: Any, state: Any, x: Any, y: Any, rows: Any) -> Any:
        grads = jax.grad(loss_of)(params, x[rows], y[rows])
        updates, state = optimizer.update(grads, state, params)
        return optax.apply_updates(params, updates), state

    def epochs() -> Iterator[Epoch]:
        nonlocal params
        state = optimizer.init(params)
        while True:
            start = perf_counter()
            order = rng.permutation(len(x))
            for first in range(0, len(order), BATCH):
                params, state = step(params, state, x, y, order[first : first + BATCH])
            jax.block_until_ready(params)
            seconds = perf_counter() - start
            predicted = np.asarray(logits(params, data.x_test)).argmax(1)
            yield Epoch(seconds, float(np.mean(predicted == data.y_test)))

    return epochs()


CONTENDERS: dict[str, Callable[[Any, int], Iterator[Epoch]]] = {
    "fastadam": train_fastadam,
    "torch fused": train_torch,
    "scikit-learn": train_sklearn,
    "optax on JAX": train_optax,
}
