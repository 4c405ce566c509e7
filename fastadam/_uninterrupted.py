"""Calls that no signal comes between.

Python runs the handlers of signals in the main thread, between two instructions of Python code,
and the default one of Ctrl-C raises KeyboardInterrupt there. A step that it left half-way would
have moved some arrays and not others. Blocking signals is no help: they reach the process through
any other thread, and a handler of the user's can be one of any signal. So what a step writes is
written by functions in C that are called from C, and the exception comes before or after it.
"""

from __future__ import annotations

import operator
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import starmap
from typing import Any

#: A function in C, and its arguments. (In Python it may be interrupted, and its caller with it.)
Call = tuple[Any, ...]

#: ``exhaust(call_each(calls))`` makes the calls one after the other. `call_each` gives an iterator
#: of what they return, which makes one at each turn.
exhaust: Callable[[Iterator[Any]], None] = deque[Any](maxlen=0).extend
call_each: Callable[[Iterable[Call]], Iterator[Any]]

if sys.version_info >= (3, 11):
    call_each = partial(starmap, operator.call)
else:
    from contextvars import copy_context

    def call_each(calls: Iterable[Call]) -> Iterator[Any]:
        """Give the iterator of above."""
        return starmap(copy_context().run, calls)  # in C as well, and calls what it is given
