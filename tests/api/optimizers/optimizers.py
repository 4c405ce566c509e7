"""What the tests of the optimisers share."""

import numpy as np

import fastadam

TORCHS = ["Adam", "AdamW", "NAdam", "RAdam", "Adamax", "RMSprop", "SGD"]
NAMES = [*TORCHS, "Lion", "ADOPT", "AdEMAMix", "ScheduleFreeAdamW"]


def make(name, params, **keywords):
    if name == "SGD":
        keywords = {"momentum": 0.9, **keywords}
    return getattr(fastadam, name)(params, **keywords)


def expected(name, p, gradients, **keywords):
    """Return what plain contiguous copies of the parameters become."""
    p = np.ascontiguousarray(p).copy()
    optimizer = make(name, p, **keywords)
    for g in gradients:
        optimizer.step(np.ascontiguousarray(g))
    return p
