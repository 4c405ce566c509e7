"""Minimisation of functions with SciPy's contract."""

from .minimize import minimize
from .minimize_batch import minimize_batch
from .multistart import multistart
from .scipy_method import scipy_method

__all__ = ["minimize", "minimize_batch", "multistart", "scipy_method"]
