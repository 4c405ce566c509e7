"""The steps of `lr="auto"` in a smooth valley and in one with kinks, and where they lead."""

import matplotlib.pyplot as plt
import numpy as np

import fastadam


def smooth(x):
    return 10 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def kinked(x):
    return abs(x[1] - 2 * abs(x[0]) + 1) + abs(1 - x[0]) / 4


figure, axes = plt.subplots(2, 2, figsize=(6.8, 4.4), sharex="col", sharey="row")
for (upper, lower), fun in zip(axes.T, (smooth, kinked)):
    result = fastadam.minimize(fun, [-1.2, 1.0], options={"return_all": True})
    points = np.array(result.allvecs)
    lengths = abs(np.diff(points, axis=0)).max(axis=1)
    upper.semilogy(lengths, ".", color="#0072B2", markersize=2.5)
    upper.set(title=f"{fun.__name__}: {result.nfev:,} evaluations")
    lower.semilogy(np.minimum.accumulate([fun(x) for x in points]), color="#D55E00")
    lower.set(xlabel="iteration")
    for ax in (upper, lower):
        ax.grid(alpha=0.3)
axes[0, 0].set(ylabel="length of the step")
axes[1, 0].set(ylabel="lowest value so far")
