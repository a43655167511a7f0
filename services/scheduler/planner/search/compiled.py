"""The two decorators by which functions are compiled.

Compiled code is kept: beside the source when that folder can be written, else in the user's cache folder, or in
`NUMBA_CACHE_DIR`. numba itself looks at the file of the called function only and would keep the code of a function whose
callees in other files changed, so the stamp here is of all files of this folder that
compiled code is made of. Nothing compiled here allocates, so arrays are not counted
(`_nrt=False`), which spares most of the compiler's time; the callers keep them alive. A function that only compiled code
calls stays as it was translated until an entry is compiled (`_Part`). A number that stands in a call is for the compiler a type
of its own, and the function would be compiled again for each: here it is a number like any other.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba.core import types
from numba.core.codegen import JITCodeLibrary
from numba.core.compiler import Compiler

F = TypeVar("F", bound=Callable[..., Any])

NOT_COMPILED = {
    "__init__.py", "agenda.py", "budget.py", "crew.py", "dual.py", "exact.py", "freed.py", "merge.py", "nearness.py", "polish.py",
    "regions.py", "run.py", "together.py",
}  # fmt: skip
"""Files of this folder from which compiled code takes nothing."""

SOURCES = sha256(
    b"".join(file.read_bytes() for file in sorted(Path(__file__).parent.glob("*.py")) if file.name not in NOT_COMPILED)
).hexdigest()

_njit: Callable[..., Any] = numba.njit
_number: Callable[[Any], Any] = types.unliteral


class _Nowhere:
    """Where a part would be run from: it is not."""

    def set_env(self, name: str, env: object) -> None:
        """Nothing outside of compiled code would ask for it."""


class _Part(JITCodeLibrary):
    """Code that waits to be linked into an entry, and is optimised and made machine code only there.

    numba does both for every function by itself with all that it calls, so for what ten others call in turn it does them ten
    times, and most of the compiler's time goes into code that nobody runs.
    """

    def _optimize_final_module(self) -> None:
        """The entry's turn."""

    def _finalize_final_module(self) -> None:
        """Neither given to the engine nor compiled."""
        self._finalized = True

    def get_pointer_to_function(self, name: str) -> int:
        """None: it has no address."""
        return 0

    @property
    def codegen(self) -> _Nowhere:
        """What would set it up to be run."""
        return _Nowhere()


class _PartCompiler(Compiler):
    """numba's own, into a `_Part`."""

    def define_pipelines(self) -> Any:
        """The usual passes."""
        state, usual, part = cast("Any", self.state), cast("Any", super()), cast("Any", _Part)
        state.library = part(state.targetctx.codegen(), state.func_id.func_qualname)
        return usual.define_pipelines()


def compiled(function: F) -> F:
    """Compile for other compiled functions only."""
    made = _njit(
        error_model="numpy", _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, pipeline_class=_PartCompiler
    )(function)
    template = made.get_call_template

    def one_version(arguments: Sequence[Any], named: dict[str, Any]) -> Any:
        return template(tuple(map(_number, arguments)), {k: _number(v) for k, v in named.items()})

    made.get_call_template = one_version
    return cast("F", made)


def entry(function: F) -> F:
    """Compile on first use for calls from Python; without the interpreter's lock, so that cancelling goes on beside it."""
    made = _njit(cache=True, nogil=True, error_model="numpy", _nrt=False)(function)
    kept = getattr(made, "_cache", None)
    if kept is not None:
        kept._cache_file._source_stamp = SOURCES  # noqa: SLF001  there is no public way
    return cast("F", made)
