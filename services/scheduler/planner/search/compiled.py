"""The two decorators by which functions are compiled.

Compiled code is kept: beside the source when that folder can be written, else in the user's cache folder, or in
`NUMBA_CACHE_DIR`. It is compiled anew when the source changed. Nothing compiled here allocates, so arrays are not counted
(`_nrt=False`), which spares most of the compiler's time; the callers keep them alive.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

_njit: Callable[..., Any] = numba.njit


def compiled(function: F) -> F:
    """Compile for other compiled functions only."""
    return cast("F", _njit(error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)(function))


def entry(function: F) -> F:
    """Compile on first use for calls from Python; without the interpreter's lock, so that cancelling goes on beside it."""
    return cast("F", _njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function))
