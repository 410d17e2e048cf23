"""Compiles a function for one signature, with numba's cache on disk where there is a place for it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def compiled(signature: Any, *, name: str, **options: Any) -> Callable[[F], F]:
    """A decorator that compiles at once and releases the interpreter's lock while the function runs.

    The machine code is kept in NUMBA_CACHE_DIR, else beside the source, else in the user's cache folder, else (all
    of them read-only, full or damaged) only in memory.

    Args:
        signature: numba's: a string or a type, with the result in front.
        name: of the files in the cache; another one for each set of constants that the function is compiled with,
            or two processes that compile at the same moment could take each other's code.
        options: further ones for numba.njit.
    """

    def compile_(function: F) -> F:
        function.__qualname__ = name
        try:
            return _njit(signature, cache=True, **options)(function)
        except (RuntimeError, OSError, EOFError, pickle.PickleError):
            return _njit(signature, **options)(function)

    return compile_


def _njit(signature: Any, **options: Any) -> Callable[[F], F]:
    decorator: Callable[[F], F] = numba.njit(signature, nogil=True, error_model="numpy", **options)
    return decorator
