"""Threads: how many can work at once, work shared out in order or as it comes, and BLAS kept to one of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from recsys.core.launch import ranks_on_this_host

if TYPE_CHECKING:
    from threadpoolctl import LibController

S = TypeVar("S")
T = TypeVar("T")


def usable_cores() -> int:
    """Cores that this process may use, which can be fewer than the machine has; ranks on one host share them out."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS and Windows
    n_cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, n_cores // ranks_on_this_host())


def ordered_map(work: Callable[[S], T], items: Iterable[S], *, n_threads: int, ahead: int) -> Generator[T]:
    """work(item) of each item, in order, computed by threads while the results before it are used.

    Args:
        ahead: finished or running results that wait for the caller at most; `items` is drawn from no faster.
    """
    waiting: deque[Future[T]] = deque()
    with ThreadPoolExecutor(n_threads) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            del item  # a large one lives no longer than its work
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


class Workers:
    """So many threads, of which the calling one is the first, since to wake another takes as long as a small task."""

    def __init__(self, n_threads: int) -> None:
        self._n_threads = n_threads
        self._others = ThreadPoolExecutor(max(n_threads - 1, 1))  # starts no thread before there is work

    def beside(self, work: Callable[[], None], meanwhile: Callable[[], T]) -> T:
        """Does work() in every thread, in the calling one after meanwhile(), and returns what the latter returns."""
        others = [self._others.submit(work) for _ in range(self._n_threads - 1)]
        try:
            result = meanwhile()
            work()
        finally:
            for other in others:
                other.result()
        return result

    def aside(self, work: Callable[[], T], meanwhile: Callable[[], None]) -> T:
        """Does work() in another thread, where there is one, and meanwhile() in the calling one."""
        other = self._others.submit(work) if self._n_threads > 1 else None
        try:
            meanwhile()
        finally:
            result = work() if other is None else other.result()
        return result

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


class _Limit:
    """Products on one thread for as long as anyone needs it: how many a library takes is one number for the process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._n_holders = 0
        self._before: list[tuple[LibController, int]] = []

    def take(self) -> None:
        """One more who needs it."""
        with self._lock:
            self._n_holders += 1
            if self._n_holders == 1:
                self._before = [(library, library.get_num_threads()) for library in _libraries()]
                for library, _ in self._before:
                    _set_threads(library, 1)

    def give_back(self) -> None:
        """One less; after the last there are as many threads as before the first."""
        with self._lock:
            self._n_holders -= 1
            if self._n_holders == 0:
                for library, n_threads in self._before:
                    _set_threads(library, n_threads)


_LIMIT = _Limit()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While it lasts, in any thread, a matrix product uses the calling thread alone.

    OpenBLAS' threads spin for some 30 ms after each product, on the cores that our own threads are to run on. And the
    last bits of a product depend on how many of them there are.
    """
    _LIMIT.take()
    try:
        yield
    finally:
        _LIMIT.give_back()


def _set_threads(library: LibController, n_threads: int) -> None:
    # threadpoolctl lets one thread alone change the number, the first that did; this is for all of them.
    clear = getattr(library, "clear_controlling_thread", lambda *, force: None)
    clear(force=True)
    library.set_num_threads(n_threads)
    clear(force=True)


@cache
def _libraries() -> list[LibController]:
    from threadpoolctl import ThreadpoolController

    return [library for library in ThreadpoolController().lib_controllers if library.user_api == "blas"]
