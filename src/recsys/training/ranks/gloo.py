"""A communicator over gloo, the library that torch.distributed has for CPUs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from threading import Lock
from typing import Any, cast
from weakref import WeakSet

import numpy as np
import torch
import torch.distributed as dist

from recsys.core.communicator import AnyArray, Transfer
from recsys.core.errors import LostRankError, RecsysError
from recsys.core.types import Array
from recsys.training.ranks.errors_on_store import from_text, is_final, to_text

PADDED_BYTES = 1 << 20  # arrays up to this size are gathered at once, all as long as the longest
ERROR, NOTICED, FINAL = "error", "noticed", "final"
NOTICE_SECONDS = 20.0  # for rank 0 to notice an error of another rank, and to report it


class Gloo:
    """The ranks of a job, each a process.

    Whoever raises an error writes it to the store and closes its connections: the others are woken where they wait, or
    when they next do, and find it there.
    """

    def __init__(
        self,
        store: Any,
        lasting: Any,
        rank: int,
        size: int,
        seconds: float,
        on_error: Callable[[], object] = lambda: None,
    ) -> None:
        """Not yet connected.

        Args:
            store: a torch.distributed.Store of this attempt.
            lasting: one that is still there when the ranks are started again.
            seconds: that one rank waits for another at most.
            on_error: called on every rank that an error ends, before any of them may leave.
        """
        self.rank, self.size = rank, size
        self._store, self._lasting = store, lasting
        self._lock = Lock()
        self._transfers: WeakSet[_Transfer] = WeakSet()
        self._patience = timedelta(seconds=seconds)
        self._on_error = on_error
        self._is_shared = False
        self._group: Any = None

    def connect(self) -> None:
        """Connects all ranks with each other; returns when they are."""
        self._group = self.checked(lambda: dist.ProcessGroupGloo(self._store, self.rank, self.size, self._patience))

    def send(self, array: Array, rank: int, tag: int) -> Transfer:
        """Sends an array to another rank, which has to receive it."""
        return self._transfer(lambda data: self.group.send([data], rank, tag), array)

    def recv(self, out: Array, rank: int, tag: int) -> Transfer:
        """Receives an array of the shape and type of `out`, and writes it there."""
        assert out.flags.c_contiguous
        assert out.flags.writeable
        return self._transfer(lambda data: self.group.recv([data], rank, tag), out)

    def all_gather(self, array: AnyArray) -> list[AnyArray]:
        """The arrays of all ranks in their order."""
        lengths = [int(length[0]) for length in self._gather(np.array([len(array)]))]
        row = array[:1].nbytes if len(array) else int(np.prod(array.shape[1:])) * array.dtype.itemsize
        if row * max(lengths) <= PADDED_BYTES:
            padded = _empty_like(array, max(lengths))
            padded[: len(array)] = array
            padded[len(array) :] = 0
            return [cast(AnyArray, own[:length]) for own, length in zip(self._gather(padded), lengths, strict=True)]
        arrays = [_empty_like(array, length) for length in lengths]
        arrays[self.rank] = array.copy()
        for rank, own in enumerate(arrays):
            if own.size:
                self._broadcast(own, rank)
        return arrays

    def all_to_all(self, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        """Sends arrays[r] to rank r; returns what each rank has sent here, in their order."""
        lengths = self.all_gather(np.array([[len(array) for array in arrays]]))
        received = [_empty_like(array, int(lengths[rank][0, self.rank])) for rank, array in enumerate(arrays)]
        received[self.rank] = arrays[self.rank].copy()
        others = [rank for rank in range(self.size) if rank != self.rank]
        transfers = [self.recv(received[rank], rank, 0) for rank in others if received[rank].size]
        transfers += [self.send(arrays[rank], rank, 0) for rank in others if arrays[rank].size]
        for transfer in transfers:
            transfer.wait()
        return received

    def barrier(self) -> None:
        """Waits until all ranks are here."""
        self.checked(lambda: self.group.barrier().wait())

    @contextmanager
    def shared_errors(self) -> Iterator[None]:
        """While it lasts, what one rank raises is raised on all of them; the outermost one counts."""
        if self._is_shared:
            yield
            return
        self._is_shared = True
        try:
            yield
        except BaseException as error:
            first = self._share(error)
            if first is not None:
                raise first from None
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Closes the connections to the other ranks, which get an error where they wait for this one."""
        for transfer in list(self._transfers):
            transfer.work = None
        self._group = None

    def _share(self, error: BaseException) -> RecsysError | None:
        """Writes an error to the store, unless there is one already: then returns that."""
        text = to_text(error, self.rank)
        self._on_error()
        with suppress(RuntimeError):  # the store may be gone with rank 0
            first = self._store.compare_set(ERROR, "", text).decode()
            shared = from_text(first)
            if is_final(shared):
                self._lasting.set(FINAL, first)
            self.close()
            if self.rank == 0:
                self._store.set(NOTICED, "")
            elif not isinstance(shared, LostRankError):  # a rank that has left has the launcher end rank 0
                self._store.wait([NOTICED], timedelta(seconds=NOTICE_SECONDS))
            return None if first == text else shared
        return None

    def _transfer(self, start: Callable[[torch.Tensor], Any], array: Array) -> _Transfer:
        data = _bytes(array)[0]
        with self._lock:
            transfer = _Transfer(self, self.checked(lambda: start(data)))
            self._transfers.add(transfer)
        return transfer

    def _gather(self, array: AnyArray) -> list[AnyArray]:
        """Arrays of one shape."""
        gathered = [np.empty_like(array) for _ in range(self.size)]
        if array.size:
            out = [[_bytes(own)[0] for own in gathered]]
            self.checked(lambda: self.group.allgather(out, _bytes(array)).wait())
        return gathered

    def _broadcast(self, array: Array, source: int) -> None:
        options = dist.BroadcastOptions()
        options.rootRank, options.rootTensor = source, 0
        self.checked(lambda: self.group.broadcast(_bytes(array), options).wait())

    @property
    def group(self) -> Any:
        """What connects the ranks."""
        if self._group is None:
            raise RuntimeError("the connections are closed")
        return self._group

    def checked(self, action: Callable[[], Any]) -> Any:
        """What an action gives.

        Raises:
            RecsysError: what another rank has raised; a LostRankError where none did, and it is gone.
        """
        try:
            return action()
        except RuntimeError as error:
            raise self._cause(error) from error

    def _cause(self, error: Exception) -> RecsysError:
        with suppress(RuntimeError):
            if self._store.check([ERROR]):
                return from_text(self._store.get(ERROR).decode())
        reason = str(error).partition("] ")[2].partition(". ")[0] or str(error)
        return LostRankError(
            f"rank {self.rank} of {self.size} has lost another rank: {reason}",
            expected="all ranks, until the run is finished",
            hint="resume the run; with --run-dir and --resume in the command, torchrun --max-restarts does so itself",
        )


class _Transfer:
    """An array on its way; the communicator takes the work away where it closes."""

    def __init__(self, communicator: Gloo, work: Any) -> None:
        self._communicator, self.work = communicator, work

    def wait(self) -> None:
        """Waits until the array is there."""
        self._communicator.checked(self._finish)
        self.work = None

    def _finish(self) -> None:
        if self.work is None:
            raise RuntimeError("the connections are closed")
        self.work.wait()


def _empty_like(array: AnyArray, length: int) -> AnyArray:
    """An array of another length."""
    return cast(AnyArray, np.empty((length, *array.shape[1:]), array.dtype))


def _bytes(array: Array) -> list[torch.Tensor]:
    """An array's own memory; a copy of one that may not be written, which torch would warn of."""
    flat = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
    return [torch.from_numpy(flat if flat.flags.writeable else flat.copy())]
