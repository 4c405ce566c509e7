"""All schedules of `fastadam.schedules` over a hundred steps."""

import matplotlib.pyplot as plt

from fastadam import schedules

STEPS = range(1, 101)
SCHEDULES = [
    schedules.Linear(1.0, 0.2, steps=80),
    schedules.Cosine(1.0, steps=100),
    schedules.CosineRestarts(1.0, steps=14, growth=2),
    schedules.OneCycle(1.0, steps=100),
    schedules.Exponential(1.0, 0.97),
    schedules.Polynomial(1.0, steps=99, power=2.0),
    schedules.InverseSquareRoot(1.0, steps=10),
    schedules.Step(1.0, every=25, factor=0.5),
    schedules.MultiStep(1.0, after=[20, 80], factor=0.3),
    schedules.Piecewise(1.0, {30: 0.2, 60: 0.6}),
    schedules.ReduceOnPlateau(1.0, factor=0.5, patience=5),
    schedules.Warmup(20, then=schedules.Cosine(1.0, steps=80)),
]

figure, axes = plt.subplots(3, 4, figsize=(7.2, 4.6), sharex=True, sharey=True)
for ax, schedule in zip(axes.flat, SCHEDULES):
    rates = []
    for step in STEPS:
        rates.append(schedule(step))
        if isinstance(schedule, schedules.ReduceOnPlateau):
            schedule.report(max(0.3, 1.0 - step / 40))  # no better from step 28 on
    ax.plot(STEPS, rates, color="#0072B2")
    ax.set_title(type(schedule).__name__, fontsize=9)
    ax.grid(alpha=0.3)
for ax in axes[-1]:
    ax.set_xlabel("step")
for ax in axes[:, 0]:
    ax.set_ylabel("rate")
