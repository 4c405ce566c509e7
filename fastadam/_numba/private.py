"""Whether Numba's private parts are as fastadam knows them, or its public interface has to do.

Private parts keep kernels in files that check themselves, and let one compiled loop call any
compiled function by its address; `tests/numba_contract` has each. Where one is missing, or Numba is
newer than what was tested, its own on-disk cache takes over, and loops are compiled for a function.
"""

from __future__ import annotations

import warnings
from functools import cache
from pkgutil import resolve_name

from .version import NUMBA_VERSION, is_newer

#: What is used, by class: what only instances have is seen when it is used.
PARTS = {
    "numba.core.base:BaseContext": (
        "add_dynamic_addr", "add_linking_libs", "cast", "declare_function", "get_abi_sizeof",
        "get_constant", "get_constant_generic", "get_constant_null", "get_data_type",
        "get_value_type", "make_array", "make_tuple",
    ),
    "numba.core.caching:CompileResultCacheImpl": ("check_cachable", "locator", "rebuild", "reduce"),
    "numba.core.callconv:CPUCallConv": (
        "call_function", "get_function_type", "return_status_propagate",
    ),
    "numba.core.cgutils": (
        "alloca_once_value", "create_constant_array", "create_struct_proxy", "global_constant",
        "if_unlikely", "pack_array", "unpack_tuple",
    ),
    "numba.core.codegen:JITCodeLibrary": ("get_pointer_to_function",),
    "numba.core.dispatcher:Dispatcher": ("compile", "get_compile_result"),
    "numba.core.runtime:rtsys": ("initialize",),
    "numba.core.runtime.context:NRTContext": (
        "decref", "incref", "meminfo_data", "meminfo_new_varsize", "meminfo_varsize_realloc",
    ),
    "numba.core.typing": ("fold_arguments",),
    "numba.core.typing:Context": ("resolve_function_type",),
}  # fmt: skip


_problems: list[str] = []
_warned: set[str] = set()


def is_usable() -> bool:
    """Tell whether private parts may be used; warn, once, if they may not."""
    problem = _problems[0] if _problems else find_problem()
    if problem is None:
        return True
    warn_once(
        "private parts",
        f"fastadam: {problem}: Numba's public interface is used, which is slower, and whose files "
        "of compiled code are not checked when they are read",
    )
    return False


def give_up(error: Exception) -> None:
    """Use no private parts from now on, since one of them has failed."""
    _problems.append(f"numba {NUMBA_VERSION} is not as expected ({error!r})")


@cache
def find_problem() -> str | None:
    """Find out why private parts cannot be used; None if they seem to be as expected."""
    if is_newer(NUMBA_VERSION):
        return f"numba {NUMBA_VERSION} is newer than what was tested"
    try:
        for place, names in PARTS.items():
            for name in names:
                getattr(resolve_name(place), name)
    except (AttributeError, ImportError) as error:
        return f"numba {NUMBA_VERSION} is not as expected ({error})"
    return None


def warn_once(kind: str, message: str) -> None:
    """Warn of the first problem of a kind."""
    if kind not in _warned:
        _warned.add(kind)
        warnings.warn(message, RuntimeWarning, stacklevel=3)
