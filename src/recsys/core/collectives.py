"""What the ranks of a job do together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.core.communicator import Communicator
from recsys.core.types import Array


def tasks_of_rank(n: int, communicator: Communicator) -> Array:
    """Where the tasks of each rank begin, of n in order, and the end: int64, shape (size + 1,)."""
    edges: Array = np.arange(communicator.size + 1) * n // communicator.size
    return edges


def share_rows(arrays: Sequence[Array], first: Array, communicator: Communicator) -> None:
    """Gives each rank the rows that the others have, in place.

    Args:
        arrays: with the same number of rows.
        first: the row at which each rank's own begin, and the end, shape (size + 1,).
    """
    transfers = []
    for source in range(communicator.size):
        rows = slice(int(first[source]), int(first[source + 1]))
        for tag, part in enumerate(array[rows] for array in arrays):
            if not part.size:
                continue
            if source != communicator.rank:
                transfers.append(communicator.recv(part, source, tag))
                continue
            transfers += [
                communicator.send(part, rank, tag) for rank in range(communicator.size) if rank != communicator.rank
            ]
    for transfer in transfers:
        transfer.wait()


def text_of_first(text: str, communicator: Communicator) -> str:
    """The text of rank 0, on every rank."""
    own = np.frombuffer(text.encode(), np.uint8)
    first: bytes = communicator.all_gather(own)[0].tobytes()
    return first.decode()


def is_so_on_first(condition: bool, communicator: Communicator) -> bool:
    """Whether it is on rank 0, whose clock or disk decides."""
    return bool(communicator.all_gather(np.array([condition]))[0][0])
