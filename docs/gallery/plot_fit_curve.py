"""
Fit a curve
===========

A decay with noise, fitted without a gradient and without a learning rate, and again with a misfit
on which outliers have little weight. Both searches start far away and stay inside their bounds.
"""

import matplotlib.pyplot as plt
import numpy as np
from numba import njit

import fastadam

# %%
# The data: fifty points of a decay, with noise, and five of them far off.
rng = np.random.default_rng(2)
t = np.linspace(0, 4, 50)
y = 2.5 * np.exp(-1.3 * t) + 0.5 + rng.normal(0, 0.08, t.size)
y[rng.choice(t.size, 5, replace=False)] += 1.5


# %%
# Two functions to minimise: the second grows like a square near 0, and like ``abs`` far away.
@njit
def squares(p, t, y):
    return np.sum((p[0] * np.exp(-p[1] * t) + p[2] - y) ** 2)


@njit
def robust(p, t, y):
    return np.sum(np.sqrt(1 + ((p[0] * np.exp(-p[1] * t) + p[2] - y) / 0.1) ** 2) - 1)


bounds = [(0, 10), (0, 5), (-1, 1)]
fits = {
    function.__name__: fastadam.minimize(function, [8.0, 4.0, 0.0], args=(t, y), bounds=bounds)
    for function in (squares, robust)
}
for name, fit in fits.items():
    print(f"{name:<8}{fit.x.round(2)}, {fit.nfev:,} evaluations: {fit.message}")

# %%
# The least squares are pulled up by the outliers; the robust fit is not.
figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
axes.plot(t, y, "o", color="0.55", markersize=4, label="data")
axes.plot(t, 2.5 * np.exp(-1.3 * t) + 0.5, color="black", label="truth")
for (name, fit), colour, dashes in zip(fits.items(), ("#D55E00", "#0072B2"), ("--", "-.")):
    a, b, c = fit.x
    axes.plot(t, a * np.exp(-b * t) + c, dashes, color=colour, label=name)
axes.set(xlabel="time (s)", ylabel="signal (V)")
axes.legend(frameon=False)
plt.show()
