"""Coordinates of very different size: `lr="auto"` beside plain Adam."""

import matplotlib.pyplot as plt
import numpy as np

import fastadam
from fastadam import problems

problem = problems.brown_badly_scaled()
best = problem.minimizers[0]
figure, axes = plt.subplots(1, 2, figsize=(6.8, 2.8), sharey=True)
titles = ("plain Adam, lr 1", 'lr="auto"')
for ax, title, options in zip(axes, titles, ({"lr": 1}, {})):
    result = fastadam.minimize(
        problem.fun_and_jac,
        problem.x0,
        jac=True,
        options={**options, "return_all": True},
    )
    errors = abs(np.array(result.allvecs) / best - 1)
    for i, (colour, dashes) in enumerate((("#0072B2", "-"), ("#D55E00", "--"))):
        ax.loglog(
            1 + np.arange(len(errors)),
            errors[:, i],
            dashes,
            color=colour,
            linewidth=1,
            label=f"$x_{i + 1}$, {best[i]:.0e} at the minimum",
        )
    ax.set(xlabel="iteration", title=title)
axes[0].set(ylabel="relative error")
axes[1].legend(frameon=False, fontsize=8, loc="lower left")
