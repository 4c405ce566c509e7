"""How functions are compiled."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numba.extending

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

#: Numba's own, which has no types.
register_jitable: Decorator = numba.extending.register_jitable

#: Of every kernel. By default Numba raises ZeroDivisionError half-way through an array instead.
KERNEL_OPTIONS = {"error_model": "numpy", "nogil": True}

# Inlined, the functions of an iteration keep their arguments, some hundred words with all the
# fields of the arrays, out of the stack: 70 instead of 82 ns an iteration.
inline: Decorator = numba.extending.register_jitable(forceinline=True)

# Of sums whose order does not matter: each addition need not wait for the one before.
inline_sum: Decorator = numba.extending.register_jitable(
    forceinline=True, fastmath={"reassoc", "contract"}
)
