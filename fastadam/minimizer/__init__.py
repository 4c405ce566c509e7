"""Minimisation of functions with SciPy's contract."""

from .minimize import minimize
from .scipy_method import scipy_method

__all__ = ["minimize", "scipy_method"]
