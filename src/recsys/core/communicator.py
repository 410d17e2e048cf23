"""How the processes of one job exchange arrays: each is a rank, from 0, and all of them run the same program."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from recsys.core.types import Array

AnyArray = TypeVar("AnyArray", bound="Array")


class Transfer(Protocol):
    """An array on its way."""

    def wait(self) -> None:
        """Waits until it has been received, or is no longer needed where it was sent from."""
        ...


class Communicator(Protocol):
    """The ranks of a job, as one of them sees it.

    What is received is the receiver's own memory. Every rank has to call the operations that are not between two ranks,
    all in the same order. Those between two ranks return at once, and may be called from several threads.
    """

    @property
    def rank(self) -> int:
        """Which rank this is: 0 … size − 1."""
        ...

    @property
    def size(self) -> int:
        """How many ranks there are."""
        ...

    def send(self, array: Array, rank: int, tag: int) -> Transfer:
        """Sends an array to another rank, which has to receive it; until then it may not change.

        Args:
            tag: what tells it from other arrays on their way between the same two ranks, at least 0.
        """
        ...

    def recv(self, out: Array, rank: int, tag: int) -> Transfer:
        """Receives an array of the shape and type of `out` from another rank, and writes it there."""
        ...

    def all_gather(self, array: AnyArray) -> list[AnyArray]:
        """The arrays of all ranks in their order. They differ in length at most: along the first axis."""
        ...

    def all_to_all(self, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        """Sends arrays[r] to rank r; returns what each rank has sent here, in their order. Lengths may differ."""
        ...

    def barrier(self) -> None:
        """Waits until all ranks are here."""
        ...

    def shared_errors(self) -> AbstractContextManager[object]:
        """While it lasts, what one rank raises is raised on all of them: where they next wait for another."""
        ...


@dataclass(frozen=True)
class Alone:
    """The only rank of a job in one process."""

    rank = 0
    size = 1

    def send(self, array: Array, rank: int, tag: int) -> Transfer:
        """There is nobody to send to."""
        raise AssertionError(f"rank {rank} of a job with one rank")

    def recv(self, out: Array, rank: int, tag: int) -> Transfer:
        """There is nobody to receive from."""
        raise AssertionError(f"rank {rank} of a job with one rank")

    def all_gather(self, array: AnyArray) -> list[AnyArray]:
        """The array itself."""
        return [array]

    def all_to_all(self, arrays: Sequence[AnyArray]) -> list[AnyArray]:
        """The only array itself."""
        (array,) = arrays
        return [array]

    def barrier(self) -> None:
        """Nobody to wait for."""

    def shared_errors(self) -> AbstractContextManager[object]:
        """Errors are raised as they are."""
        return nullcontext()


ALONE: Communicator = Alone()


@dataclass(frozen=True)
class Traffic:
    """Bytes that all ranks of a job together send while a scorer is trained.

    Attributes:
        epoch: in an epoch.
        evaluation: before an evaluation on the validation set, beside what is predicted.
        end: when it is trained, until all ranks have all parameters.
    """

    epoch: int
    evaluation: int = 0
    end: int = 0


def all_rows_to_all(n_bytes: int, n_ranks: int) -> Traffic:
    """Where each rank makes a share of so many bytes in an epoch, and the others get them."""
    return Traffic(epoch=(n_ranks - 1) * n_bytes)


def share_of(n: int, communicator: Communicator) -> slice:
    """The rows, of n, that are this rank's; the shares of all ranks in their order are all rows."""
    rank, size = communicator.rank, communicator.size
    return slice(n * rank // size, n * (rank + 1) // size)
