"""How functions are compiled."""

from numba.extending import register_jitable

# Inlined, the functions of an iteration keep their arguments, some hundred words with all the
# fields of the arrays, out of the stack: 70 instead of 82 ns an iteration.
inline = register_jitable(forceinline=True)
