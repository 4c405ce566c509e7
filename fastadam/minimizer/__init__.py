"""Minimisation of functions with SciPy's contract."""

from .minimize import minimize
from .minimize_batch import minimize_batch
from .scipy_method import scipy_method

__all__ = ["minimize", "minimize_batch", "scipy_method"]
