"""Numba's own threads."""

from __future__ import annotations

import numba


def count_threads() -> int:
    """Count the threads that Numba would use, without starting them.

    To be asked, Numba would start its threads, which a process that forks later can do without.
    Before they are there, nobody has set another number.
    """
    try:
        from numba.np.ufunc import parallel

        has_started = parallel._is_initialized
    except (ImportError, AttributeError):
        has_started = True
    return int(numba.get_num_threads() if has_started else numba.config.NUMBA_NUM_THREADS)
