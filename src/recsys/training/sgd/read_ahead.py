"""Blocks of ratings on disk, read a few ahead of the work: memory for those, and for no others.

Where the columns would take much of the memory that this process can have, a thread of its own reads whole blocks in
the order of the epoch past the page cache (O_DIRECT), which would only copy them once more and push out what is needed.
Else, and where the file system does not allow that, who works on a block reads it from the cache, and the system is
told which blocks come next. Each block's checksums are compared when it is read for the first time.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from threading import Lock

import numpy as np

from recsys.core.errors import RunError
from recsys.core.memory import memory_limit
from recsys.core.regular import open_regular
from recsys.core.types import Array, BoolArray
from recsys.data.prepared import StoredBlocks, block_kinds
from recsys.data.stored_column import StoredColumn
from recsys.training.sgd.blocks import Take
from recsys.training.sgd.kernel import BlockRatings

AHEAD = 4  # blocks for each thread, beside those that are worked on
PAGE = 4096  # bytes: what O_DIRECT reads begins and ends at a multiple of this
CACHED_SHARE = 0.5  # of the memory that this process can have: smaller columns are read through the page cache
_SEEKING = Lock()


class ReadAhead:
    """Stored blocks as SortedRatings.

    Attributes:
        n_ratings: in the blocks of the user ranges that are wanted.
    """

    def __init__(self, stored: StoredBlocks, is_wanted: BoolArray | None, *, n_threads: int) -> None:
        """
        Args:
            is_wanted: of each user range, whether its blocks will be read; None: all will.
        """
        self.start, self.user_first, self.item_first = stored.start, stored.user_first, stored.item_first
        sizes = np.diff(stored.start)
        by_range = sizes.reshape(len(stored.user_first) - 1, -1).sum(axis=1)
        self.n_ratings = int(by_range.sum() if is_wanted is None else by_range[is_wanted].sum())
        self._stored, self._n_ahead, self._n_threads = stored, AHEAD * n_threads, n_threads
        self.kinds = block_kinds(stored.user_first, stored.item_first, stored.levels)
        bytes_of_rating = [column.dtype.itemsize for column in stored.columns]
        self._buffer_bytes = [(n_bytes * int(sizes.max()) // PAGE + 2) * PAGE for n_bytes in bytes_of_rating]
        self._levels = stored.levels.copy()
        self._is_checked = np.zeros(len(sizes), dtype=bool)
        limit = memory_limit()
        self._is_direct = limit is not None and sum(bytes_of_rating) * self.n_ratings > CACHED_SHARE * limit

    @property
    def nbytes(self) -> int:
        """Memory of the blocks that are there at once."""
        n_blocks = self._n_threads + (self._n_ahead + 1) * self._is_direct
        return n_blocks * sum(self._buffer_bytes)

    @contextmanager
    def reading(self, order: Iterable[int]) -> Iterator[Take]:
        """What gives blocks; one that is asked for before its turn is read at once."""
        with ExitStack() as stack:
            files = [stack.enter_context(_File(column, self._is_direct)) for column in self._stored.columns]
            if all(file.is_direct for file in files):
                yield stack.enter_context(_Direct(self, files, order, self._n_ahead)).take
            else:
                yield _Cached(self, files, order, self._n_ahead).take

    def read(self, block: int, files: list[_File], buffers: list[mmap.mmap]) -> BlockRatings:
        """Reads a block into buffers.

        Raises:
            RunError: it cannot be read, or is not what was written.
        """
        low, high = int(self.start[block]), int(self.start[block + 1])
        columns = [file.read(low, high, buffer) for file, buffer in zip(files, buffers, strict=True)]
        if not self._is_checked[block]:
            for column, values in zip(self._stored.columns, columns, strict=True):
                column.check(block, values)
            self._is_checked[block] = True
        user_range, item_range = divmod(block, len(self.user_first) - 1)
        firsts = int(self.user_first[user_range]), int(self.item_first[item_range])
        user_idx, item_idx, rating = columns
        return BlockRatings(user_idx, item_idx, rating, 0, high - low, *firsts, self._levels)

    def buffers(self) -> list[mmap.mmap]:
        """Memory for a block: whole pages, as O_DIRECT needs it."""
        return [mmap.mmap(-1, n_bytes) for n_bytes in self._buffer_bytes]


class _Cached:
    """The blocks of an epoch, in buffers of those who work on them; the system reads a few ahead into its cache."""

    def __init__(self, source: ReadAhead, files: list[_File], order: Iterable[int], n_ahead: int) -> None:
        self._source, self._files, self._order, self._lock = source, files, iter(order), Lock()
        self._free: deque[list[mmap.mmap]] = deque()
        for _ in range(n_ahead):
            self._tell_next()

    @contextmanager
    def take(self, block: int) -> Iterator[BlockRatings]:
        """The columns of a block, for as long as they are needed."""
        with self._lock:
            self._tell_next()
        try:
            buffers = self._free.popleft()
        except IndexError:
            buffers = self._source.buffers()
        yield self._source.read(block, self._files, buffers)
        self._free.append(buffers)

    def _tell_next(self) -> None:
        block = next(self._order, None)
        if block is not None:
            low, high = self._source.start[block : block + 2].tolist()
            for file in self._files:
                file.tell(low, high)


class _Direct:
    """The blocks of an epoch, a few of which are being read or wait to be worked on."""

    def __init__(self, source: ReadAhead, files: list[_File], order: Iterable[int], n_ahead: int) -> None:
        self._source, self._files, self._order = source, files, iter(order)
        self._pool, self._lock = ThreadPoolExecutor(1), Lock()
        self._free: deque[list[mmap.mmap]] = deque()
        self._coming: dict[int, Future[tuple[BlockRatings, list[mmap.mmap]]]] = {}
        self._taken: set[int] = set()  # before their turn
        for _ in range(n_ahead):
            self._ask_for_next()

    def __enter__(self) -> _Direct:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    @contextmanager
    def take(self, block: int) -> Iterator[BlockRatings]:
        """The columns of a block, for as long as they are needed."""
        with self._lock:
            coming = self._coming.pop(block, None)
            if coming is None:
                self._taken.add(block)
            self._ask_for_next()
        columns, buffers = self._read(block) if coming is None else coming.result()
        yield columns
        self._free.append(buffers)

    def _ask_for_next(self) -> None:
        block = next((block for block in self._order if block not in self._taken), None)
        if block is not None:
            self._coming[block] = self._pool.submit(self._read, block)

    def _read(self, block: int) -> tuple[BlockRatings, list[mmap.mmap]]:
        try:
            buffers = self._free.popleft()
        except IndexError:
            buffers = self._source.buffers()
        return self._source.read(block, self._files, buffers), buffers


class _File:
    """The file of a column, open for reading.

    Attributes:
        is_direct: whether it is read past the page cache.
    """

    def __init__(self, column: StoredColumn, is_direct: bool) -> None:
        self._column, self.is_direct = column, is_direct
        with self._naming():
            with open_regular(column.place) as file:
                self._handle = os.dup(file.fileno())
            if is_direct:
                self._open_direct()

    def __enter__(self) -> _File:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._handle)

    def read(self, low: int, high: int, buffer: mmap.mmap) -> Array:
        """The rows low … high − 1, in the buffer."""
        start, end = self._span(low, high)
        begin = start // PAGE * PAGE if self.is_direct else start
        stop = -(-end // PAGE) * PAGE if self.is_direct else end  # or the end of the file
        memory, place = memoryview(buffer), begin
        while place < end:
            with self._naming():
                n_read = _read_at(self._handle, memory[place - begin : stop - begin], place)
            if not n_read:
                raise self._column.damaged("it was cut after it was opened")
            place += n_read
        return np.frombuffer(buffer, self._column.dtype, high - low, start - begin)

    def tell(self, low: int, high: int) -> None:
        """Tells the system that the rows low … high − 1 are read soon, where it can be told."""
        start, end = self._span(low, high)
        if hasattr(os, "posix_fadvise"):
            with contextlib.suppress(OSError):
                os.posix_fadvise(self._handle, start, end - start, os.POSIX_FADV_WILLNEED)

    def _span(self, low: int, high: int) -> tuple[int, int]:
        """Where rows begin in the file, and end."""
        offset, size = self._column.offset, self._column.dtype.itemsize
        return offset + size * low, offset + size * high

    def _open_direct(self) -> None:
        """Opens the file past the page cache, where that is possible."""
        try:
            handle = os.open(self._column.place, os.O_RDONLY | os.O_DIRECT)
            _read_at(handle, memoryview(mmap.mmap(-1, PAGE)), 0)
        except (OSError, AttributeError):  # a file system or a system without it
            self.is_direct = False
            return
        os.close(self._handle)
        self._handle = handle

    @contextlib.contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise RunError(f"cannot read: {error.strerror or error}", where=str(self._column.shown)) from error


def _read_at(handle: int, memory: memoryview, place: int) -> int:
    """Reads from a place in an open file; returns how many bytes."""
    if hasattr(os, "preadv"):
        return os.preadv(handle, [memory], place)
    with _SEEKING:  # Windows
        os.lseek(handle, place, os.SEEK_SET)
        content = os.read(handle, len(memory))
    memory[: len(content)] = content
    return len(content)
