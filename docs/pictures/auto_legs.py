"""The first 4,700 steps of `lr="auto"` on Rosenbrock's function, and where they lead."""

import matplotlib.pyplot as plt
import numpy as np

import fastadam
from fastadam import problems

problem = problems.rosenbrock()
result = fastadam.minimize(
    problem.fun_and_jac, problem.x0, jac=True, options={"return_all": True, "gtol": 1e-9}
)
points = np.array(result.allvecs)[:4700]
values = np.minimum.accumulate([problem.fun(x) for x in points])
lengths = abs(np.diff(points, axis=0)).max(axis=1)

figure, (upper, lower) = plt.subplots(2, 1, figsize=(6.8, 4.4), sharex=True)
upper.semilogy(lengths, ".", color="#0072B2", markersize=2.5)
upper.set(ylabel="length of the step")
lower.semilogy(values - problem.fmin, color="#D55E00")
lower.set(xlabel="iteration", ylabel="lowest value so far")
for axes in (upper, lower):
    axes.grid(alpha=0.3)
