"""
Find all minima
===============

From many starts in a box, spread evenly by a quasi-random sequence, to the distinct minima: how
deep each is and how many starts ended there.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastadam
from fastadam import problems

problem = problems.six_hump_camel()
result = fastadam.multistart(problem.fun, problem.bounds, n_starts=64, rng=0)
for x, value, count in zip(result.minima, result.minima_fun, result.counts):
    print(f"f = {value:7.4f} at ({x[0]:6.3f}, {x[1]:6.3f}), from {count} starts")

# %%
# The area of a circle is the number of starts that ended there. The deepest two are filled.
u, v = (np.linspace(*bounds, 200) for bounds in problem.bounds)
heights = np.array([[problem.fun(np.array([x, y])) for x in u] for y in v])
figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
levels = np.linspace(-1, 6, 15)
drawn = axes.contourf(u, v, heights, levels, cmap="Greys", extend="max", alpha=0.6)
figure.colorbar(drawn, ax=axes, label="f")
best = result.minima_fun < result.fun + 1e-6
axes.scatter(
    *result.minima.T,
    s=20 * result.counts,
    facecolor=np.where(best, "#0072B2", "none"),
    edgecolor=np.where(best, "#0072B2", "#D55E00"),
    linewidth=2,
)
axes.set(xlabel="$x_1$", ylabel="$x_2$", title="minima of the six-hump camel function")
plt.show()
