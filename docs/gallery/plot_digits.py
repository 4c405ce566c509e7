"""
Train a classifier
==================

A softmax regression on scikit-learn's digits, in NumPy, trained by AdamW with a warm-up and a
cosine schedule. The parameters are packed into one buffer, so that a step is one call.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import fastadam
from fastadam.schedules import Cosine, Warmup

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32)
train, test = slice(0, 1500), slice(1500, None)

# %%
# ``pack`` returns the buffer and views into it with the names and shapes of the arrays.
EPOCHS, BATCH = 20, 50
flat, params = fastadam.pack({"w": np.zeros((64, 10), np.float32), "b": np.zeros(10, np.float32)})
flat_grad, grads = fastadam.pack(params)
steps = EPOCHS * 1500 // BATCH
optimizer = fastadam.AdamW(flat, lr=Warmup(steps // 10, then=Cosine(0.02, steps - steps // 10)))


def loss_and_gradients(x, wanted):
    scores = x @ params["w"] + params["b"]
    scores -= scores.max(axis=1, keepdims=True)
    shares = np.exp(scores)
    shares /= shares.sum(axis=1, keepdims=True)
    loss = -np.log(shares[np.arange(len(x)), wanted]).mean()
    shares[np.arange(len(x)), wanted] -= 1
    np.matmul(x.T, shares / len(x), out=grads["w"])
    grads["b"][:] = shares.mean(axis=0)
    return loss


# %%
# The loop is the same as anywhere else; the views in ``params`` see each step.
rng = np.random.default_rng(0)
losses, rates = [], []
for _ in range(EPOCHS):
    for chosen in rng.permutation(1500).reshape(-1, BATCH):
        losses.append(loss_and_gradients(images[train][chosen], labels[train][chosen]))
        optimizer.step(flat_grad)
        rates.append(optimizer.current_lr)

right = (images[test] @ params["w"] + params["b"]).argmax(axis=1) == labels[test]
print(f"{right.mean():.1%} of the digits that it has not seen are right")

# %%
figure, (upper, lower) = plt.subplots(2, 1, figsize=(6.4, 4), layout="constrained", sharex=True)
upper.semilogy(losses, color="#0072B2", linewidth=0.8)
upper.set(ylabel="loss of the batch")
lower.plot(rates, color="#D55E00")
lower.set(xlabel="step", ylabel="learning rate")
plt.show()
