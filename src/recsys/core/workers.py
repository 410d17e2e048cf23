"""Threads that share out numbered pieces of work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Workers:
    """So many threads, of which the calling one is the first, since to wake another takes as long as a small piece."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._others = ThreadPoolExecutor(max(n_threads - 1, 1))  # starts no thread before there is work

    def beside(self, work: Callable[[], None], meanwhile: Callable[[], T]) -> T:
        """Does work() in every thread, in the calling one after meanwhile(), and returns what the latter returns."""
        others = [self._others.submit(work) for _ in range(self._n_threads - 1)]
        try:
            found = meanwhile()
            work()
        finally:
            for other in others:
                other.result()
        return found

    def aside(self, work: Callable[[], T], meanwhile: Callable[[], None]) -> T:
        """Does work() in another thread, where there is one, and meanwhile() in the calling one."""
        other = self._others.submit(work) if self._n_threads > 1 else None
        try:
            meanwhile()
        finally:
            found = work() if other is None else other.result()
        return found

    def each(self, work: Callable[[int], None], n: int) -> None:
        """Does work(0) … work(n − 1), in any order, and returns when all of it is done."""
        numbers = iter(range(n))  # its steps are atomic

        def take() -> None:
            for number in numbers:
                work(number)

        others = [self._others.submit(take) for _ in range(min(self._n_threads, n) - 1)]
        try:
            take()
        finally:
            for other in others:
                other.result()
