"""Compiles a function for one signature, with numba's cache on disk where there is a place for it."""

from __future__ import annotations

import hashlib
import logging
import pickle
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.runtime import rtsys

F = TypeVar("F", bound=Callable[..., Any])

ROOT = Path(__file__).parent.parent
COMPILING = "compiling for this processor, once"

log = logging.getLogger(__name__)


def compiled(signature: Any, *, name: str, fastmath: set[str] | Literal[False] = False) -> Callable[[F], F]:
    """A decorator that compiles at once and releases the interpreter's lock while the function runs.

    The machine code is kept in NUMBA_CACHE_DIR, else beside the source, else in the user's cache folder, else (all
    of them read-only, full or damaged) only in memory. Before it compiles, it tells the log.

    Args:
        signature: numba's: a string or a type, with the result in front.
        name: of the files in the cache; another one for each set of constants that the function is compiled with,
            or two processes that compile at the same moment could take each other's code.
        fastmath: the flags of LLVM that numba.njit takes; False: none.
    """

    def compile_(function: F) -> F:
        function.__qualname__ = name
        try:
            return _njit(function, signature, _Cache(function), fastmath)
        except (RuntimeError, OSError, EOFError, pickle.PickleError):
            return _njit(function, signature, None, fastmath)

    return compile_


def readable(kind: str) -> Any:
    """The type of an array that is only read, one-dimensional, of "int32" or the like: read-only ones are taken too."""
    return numba.types.Array(getattr(numba.types, kind), 1, "C", readonly=True)


def _njit(function: F, signature: Any, cache: FunctionCache | None, fastmath: set[str] | Literal[False]) -> F:
    kernel = numba.njit(nogil=True, error_model="numpy", fastmath=fastmath)(function)
    if cache is not None:
        kernel._cache = cache  # noqa: SLF001 -- numba takes no other one
    else:
        log.info(COMPILING)
    kernel.compile(signature)
    kernel.disable_compile()
    typed_kernel: F = kernel
    return typed_kernel


class _Cache(FunctionCache):  # type: ignore[misc] # numba has no types
    """Loads machine code as it is, if no kernel's source has changed since.

    Numba would first set up all that its compiler knows of Python and NumPy, which takes longer than all else that a
    kernel needs before it runs; a kernel that is not in the cache still has that, from the compiler itself. And it
    would look at the file of the function alone, not at those of what it calls.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp(), _source(_folder_of(Path(function.__code__.co_filename)))
        self._cache_file = IndexDataCacheFile(self._cache_path, self._impl.filename_base, stamp)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        rtsys.initialize(target_context)
        with self._guard_against_spurious_io_errors():
            overload = self._load_overload(sig, target_context)
        if overload is None:
            log.info(COMPILING)
        return overload


def _folder_of(file: Path) -> Path:
    """The folder with all that a kernel calls: of this package, one such as training/."""
    return ROOT / file.relative_to(ROOT).parts[0] if file.is_relative_to(ROOT) else file.parent


@cache
def _source(folder: Path) -> str:
    """What tells one state of the kernels' source from another."""
    files = sorted({Path(__file__), *folder.rglob("*.py")})
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
