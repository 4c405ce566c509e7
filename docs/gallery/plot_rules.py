"""
Compare the rules
=================

Five rules descend into Rosenbrock's valley. `fastadam.minimize` keeps every iterate with
``return_all``; with a number for ``lr`` they are exactly those of the rule. The rates were
tried out: the best for each, of 1, 2 and 5 times powers of ten.
"""

import matplotlib.pyplot as plt
import numpy as np

import fastadam
from fastadam import problems

problem = problems.rosenbrock()
rates = {"adam": 0.5, "nadam": 0.02, "radam": 0.005, "rmsprop": 0.002, "momentum": 0.002}
styles = zip(("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#000000"), ("-", "--", "-.", ":", "-"))

figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for (rule, lr), (colour, dashes) in zip(rates.items(), styles):
    result = fastadam.minimize(
        problem.fun_and_jac,
        problem.x0,
        method=rule,
        jac=True,
        options={"lr": lr, "maxiter": 3000, "return_all": True},
    )
    values = np.minimum.accumulate([problem.fun(x) for x in result.allvecs])
    steps = 1 + np.arange(len(values))
    axes.loglog(steps, values, color=colour, linestyle=dashes, label=f"{rule}, lr {lr:g}")
    print(f"{rule:<9}{result.nit:>5} iterations, f = {result.fun:.1e}")
axes.set(xlabel="iteration", ylabel="lowest value so far")
axes.legend(frameon=False, fontsize=8, loc="lower left")
plt.show()
