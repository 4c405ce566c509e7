"""Minimisation of one function many times."""

from .minimize_batch import minimize_batch
from .multistart import multistart

__all__ = ["minimize_batch", "multistart"]
