"""A function with ripples: where `lr="auto"` and SciPy's BFGS end, from many starts."""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import minimize

import fastadam


def bowl(x):
    return 0.1 * x[0] ** 2 + 0.3 * np.sin(8 * x[0]) ** 2 + 0.02 * abs(x[0])


starts = np.linspace(-5, 5, 21)
found = {
    "BFGS, from 21 starts": [minimize(bowl, [x], method="BFGS").x for x in starts],
    'lr="auto", from the same': [fastadam.minimize(bowl, [x]).x for x in starts],
}
line = np.linspace(-5.3, 5.3, 2000)
figure, axes = plt.subplots(figsize=(6.8, 3))
axes.plot(line, bowl([line]), color="0.6", linewidth=1)
styles = ({"color": "#D55E00", "marker": "x"}, {"color": "#0072B2", "marker": "o"})
for (label, ends), style in zip(found.items(), styles):
    heights = [bowl(x) for x in ends]
    axes.plot(np.ravel(ends), heights, linestyle="", label=label, **style)
axes.set(xlabel="x", ylabel="f")
axes.legend(frameon=False, loc="upper center")
