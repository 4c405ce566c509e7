"""What the tests of the minimisers share."""

import inspect

import numpy as np
import scipy
from numba.core import event

import fastadam

SCIPY = tuple(int(part) for part in scipy.__version__.split(".")[:2])


def seeded(rng):
    """Return the keyword for random numbers of SciPy's global methods: `rng` from 1.15 on."""
    return {"rng" if SCIPY >= (1, 15) else "seed": rng}


NAN, INF = float("nan"), float("inf")
FOREVER = 2 * 10**9  # iterations: minutes

# Each rule with the class that does the same in place, with options and without.
RULES = [
    ("adam", "Adam", {}),
    ("adam", "Adam", {"betas": (0.5, 0.9), "epsilon": 1e-3, "weight_decay": 0.1}),
    ("adam", "Adam", {"amsgrad": True}),
    ("adamw", "AdamW", {}),
    ("adamw", "AdamW", {"weight_decay": 0.3, "amsgrad": True}),
    ("nadam", "NAdam", {"momentum_decay": 0.1}),
    ("radam", "RAdam", {"betas": (0.8, 0.99)}),
    ("adamax", "Adamax", {}),
    ("rmsprop", "RMSprop", {"alpha": 0.9}),
    ("sgd", "SGD", {}),
    ("sgd", "SGD", {"momentum": 0.7, "dampening": 0.2}),
    ("momentum", "SGD", {"momentum": 0.9}),
    ("momentum", "SGD", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1}),
]
METHODS = list(dict.fromkeys(method for method, _, _ in RULES))

SCALES = np.array([1.0, 4.0, 10.0])
CENTRE = np.array([0.3, -1.2, 2.0])
X0 = np.array([1.0, 1.0, -0.5])


def quadratic(x):
    return float(np.sum(SCALES * (x - CENTRE) ** 2))


def quadratic_der(x):
    return 2.0 * SCALES * (x - CENTRE)


def forms(fun, jac):
    """Return every way to say the same function, as (fun, jac)."""

    def in_place(x, grad):
        grad[:] = jac(x)
        return fun(x)

    return {
        "callable": (fun, jac),
        "true": (lambda x: (fun(x), jac(x)), True),
        "in-place": (in_place, "in-place"),
        "default": (fun, None),
        "false": (fun, False),
        "2-point": (fun, "2-point"),
        "3-point": (fun, "3-point"),
    }


class Recorder:
    """A function that remembers where it was called."""

    def __init__(self, function):
        self.function, self.points = function, []

    def __call__(self, x, *args):
        self.points.append(x.copy())
        return self.function(x, *args)

    def __len__(self):
        return len(self.points)

    @property
    def distinct(self):
        """How many different points there were."""
        return len({point.tobytes() for point in self.points})


def run(fun=quadratic, x0=X0, jac=quadratic_der, **arguments):
    """Call `minimize` with options as keywords; those of its own arguments stay what they are."""
    own = set(inspect.signature(fastadam.minimize).parameters)
    options = {name: arguments.pop(name) for name in list(arguments) if name not in own}
    return fastadam.minimize(fun, x0, jac=jac, options=options, **arguments)


def stop_after(k):
    """Return a callback that stops at its k-th call."""
    calls = []

    def callback(x):
        calls.append(x)
        if len(calls) == k:
            raise StopIteration

    return callback


class MineError(Exception):
    pass


class Compilations(event.Listener):
    """The functions that Numba compiles, as (module, name)."""

    def __init__(self):
        self.seen = []

    def on_start(self, e):
        function = e.data["dispatcher"].py_func
        self.seen.append((function.__module__, function.__qualname__))

    def on_end(self, e):
        pass

    @property
    def of_the_solver(self):
        """Those of the package."""
        return [name for module, name in self.seen if module.startswith("fastadam")]
