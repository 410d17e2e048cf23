"""Several ranks as threads of one process: what a communicator has to do, in the plainest way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any, TypeVar

from recsys.core.communicator import AnyArray, Communicator, Transfer
from recsys.core.types import Array

T = TypeVar("T")
SECONDS = 300  # after which ranks that wait for each other have failed


class Job:
    """What the ranks share."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.barrier = threading.Barrier(size, timeout=SECONDS)
        self.places: list[Any] = [None] * size
        self._boxes: dict[tuple[int, int, int], Queue[Array]] = {}
        self.error: BaseException | None = None

    def box(self, source: int, to: int, tag: int) -> Queue[Array]:
        """What is on its way between two ranks; one that only one thread makes."""
        return self._boxes.setdefault((source, to, tag), Queue())


class Arrived:
    """An array that is on its way no longer."""

    def wait(self) -> None:
        pass


@dataclass(frozen=True)
class Arriving:
    """An array that is written where it belongs when it is waited for."""

    out: Array
    box: Queue[Array]
    job: Job

    def wait(self) -> None:
        for _ in range(SECONDS * 10):
            try:
                self.out[:] = self.box.get(timeout=0.1)
            except Empty:
                if self.job.error is not None:
                    raise self.job.error from None
            else:
                return
        raise TimeoutError


class ThreadRank:
    """One rank of a job."""

    def __init__(self, rank: int, job: Job) -> None:
        self.rank, self.size = rank, job.size
        self.sent_bytes = 0
        self._job = job

    def send(self, array: Array, rank: int, tag: int) -> Transfer:
        assert rank != self.rank
        self.sent_bytes += array.nbytes
        self._job.box(self.rank, rank, tag).put(array.copy())
        return Arrived()

    def recv(self, out: Array, rank: int, tag: int) -> Transfer:
        assert rank != self.rank
        return Arriving(out, self._job.box(rank, self.rank, tag), self._job)

    def all_gather(self, array: AnyArray) -> list[AnyArray]:
        return [part.copy() for part in self._exchange(array)]

    def all_to_all(self, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        return [sent[self.rank].copy() for sent in self._exchange(list(arrays))]

    def barrier(self) -> None:
        try:
            self._job.barrier.wait()
        except threading.BrokenBarrierError:
            if self._job.error is not None:
                raise self._job.error from None
            raise

    @contextmanager
    def shared_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self._job.error = self._job.error or error
            self._job.barrier.abort()
            raise

    def _exchange(self, value: Any) -> list[Any]:
        self._job.places[self.rank] = value
        self.barrier()
        values = list(self._job.places)
        self.barrier()
        return values


def on_ranks(size: int, work: Callable[[Communicator], T]) -> list[T | BaseException]:
    """What work(communicator) returns or raises on each rank."""
    job = Job(size)

    def run(rank: int) -> T | BaseException:
        try:
            return work(ThreadRank(rank, job))
        except BaseException as error:
            return error

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))
