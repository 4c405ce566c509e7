"""
Fit a decay in every pixel
==========================

An image whose pixels decay, each at its own rate: ten thousand problems in one call. Each is solved
by itself, with its own number of steps, on all cores.
"""

import matplotlib.pyplot as plt
import numpy as np
from numba import njit

import fastadam

# %%
# The truth: a rate for each pixel, in two overlapping discs. The camera sees 24 frames, with noise.
rng = np.random.default_rng(0)
v, u = np.mgrid[-1:1:100j, -1:1:100j]
rate = 0.6 + 1.0 * (np.hypot(u + 0.3, v) < 0.5) + 1.6 * (np.hypot(u - 0.3, v) < 0.5)
t = np.linspace(0, 4, 24)
frames = np.exp(-rate[..., None] * t) + rng.normal(0, 0.03, (*rate.shape, t.size))


# %%
# The misfit of one pixel and its gradient, which costs less than differences.
@njit
def misfit(p, grad, t, y):
    value = 0.0
    grad[:] = 0.0
    for i in range(t.size):
        decay = np.exp(-p[1] * t[i])
        residual = p[0] * decay - y[i]
        value += residual**2
        grad[0] += 2 * residual * decay
        grad[1] -= 2 * residual * p[0] * t[i] * decay
    return value


# %%
# A row for each pixel: a start, and its data in ``batch_args``.
y = frames.reshape(-1, t.size)
result = fastadam.minimize_batch(
    misfit,
    np.ones((len(y), 2)),
    args=(t,),
    batch_args=(y,),
    jac="in-place",
    bounds=[(0, 4), (0.05, 6)],
)
print(result.message)
fitted = result.x[:, 1].reshape(rate.shape)

# %%
# What is true, what was fitted, and the difference. Pixels that failed would be grey.
fitted[~result.success.reshape(rate.shape)] = np.nan
figure, axes = plt.subplots(1, 3, figsize=(8, 2.9), layout="constrained", sharex=True, sharey=True)
panels = [
    ("true", rate, "viridis", 0, 4),
    ("fitted", fitted, "viridis", 0, 4),
    ("fitted - true", fitted - rate, "PuOr", -0.5, 0.5),
]
for ax, (title, values, colours, low, high) in zip(axes, panels):
    ax.set_facecolor("0.6")
    image = ax.imshow(values, cmap=colours, vmin=low, vmax=high)
    ax.set(title=title, xticks=[], yticks=[])
    figure.colorbar(image, ax=ax, label="rate (1/s)", shrink=0.8)
plt.show()
