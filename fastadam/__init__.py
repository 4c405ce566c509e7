"""Adam for NumPy and SciPy, compiled by Numba.

**Minimise a function**, with SciPy's contract:

- `minimize`: one problem, from one start;
- `minimize_batch`: one function many times, each problem with a start and data of its own;
- `curve_fit`: a model to a curve, or to many, with SciPy's arguments, and errors;
- `multistart`: from many starts in a box;
- `compiled`: a search that functions compiled by Numba call;
- `scipy_method`: a `method` for `scipy.optimize.minimize` and what calls it;
- `uncertainty`: standard errors and covariances of what they found; `report`: it all, to read;
- `problems`: named test functions.

**Train a model**, in place on NumPy arrays or arrays on a GPU:

- `Adam`, `AdamW`, `NAdam`, `RAdam`, `Adamax`, `RMSprop`, `SGD`, with PyTorch's conventions;
- `Lion`, `ADOPT`, `AdEMAMix`, `ScheduleFreeAdamW`, with those of their authors; `Optimizer` is what
  all have in common;
- `pack`: many arrays in one buffer;
- `Rows`: the gradient of some rows of an array;
- `lr_find`: a learning rate to begin with;
- `load`: what `Optimizer.save` wrote; `CheckpointError`: what a damaged file gives;
- `schedules`: learning rates that change from step to step;
- `cuda`: whether there is a GPU.

`typing` has the types for annotations. ``help(fastadam.minimize)`` and the like tell the rest.
"""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING

from . import schedules, typing
from ._backend import Rows
from ._checkpoint.files import CheckpointError
from ._optimizers.adam import Adam, Adamax, AdamW, NAdam, RAdam
from ._optimizers.ademamix import AdEMAMix
from ._optimizers.adopt import ADOPT
from ._optimizers.base import Optimizer
from ._optimizers.lion import Lion
from ._optimizers.loading import load
from ._optimizers.packing import pack
from ._optimizers.range_test import lr_find
from ._optimizers.schedule_free import ScheduleFreeAdamW
from ._optimizers.sgd import SGD, RMSprop

__version__ = "0.1.0"

# fmt: off
__all__ = [
    "ADOPT", "SGD", "AdEMAMix", "Adam", "AdamW", "Adamax", "CheckpointError", "Lion", "NAdam",
    "Optimizer", "RAdam", "RMSprop", "Rows", "ScheduleFreeAdamW", "compiled", "cuda", "curve_fit",
    "load", "lr_find", "minimize", "minimize_batch", "multistart", "pack", "problems", "report",
    "schedules", "scipy_method", "typing", "uncertainty",
]
# fmt: on

if TYPE_CHECKING:
    from . import cuda, problems
    from ._batch.api import minimize_batch
    from ._batch.multistart import multistart
    from ._fit.api import curve_fit
    from ._inside.api import compiled
    from ._minimize.api import minimize
    from ._minimize.scipy_method import scipy_method
    from ._names.reports import report
    from ._uncertainty.api import uncertainty

else:  # which would tell type checkers that there is a value of any name
    _LATER = {
        "compiled": "._inside.api",
        "curve_fit": "._fit.api",
        "minimize": "._minimize.api",
        "minimize_batch": "._batch.api",
        "multistart": "._batch.multistart",
        "report": "._names.reports",
        "scipy_method": "._minimize.scipy_method",
        "uncertainty": "._uncertainty.api",
    }

    def __getattr__(name):
        """Import what is not always needed: the minimiser takes 0.2 s, for scipy.optimize."""
        if name in ("cuda", "problems"):
            value = _import_module(f".{name}", __name__)
        elif name in _LATER:
            value = getattr(_import_module(_LATER[name], __name__), name)
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
        return value

    def __dir__():
        return sorted([*__all__, "__version__"])
