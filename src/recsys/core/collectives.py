"""What the ranks of a job do together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import cast

import numpy as np

from recsys.core.communicator import AnyArray, Communicator, Transfer
from recsys.core.errors import RecsysError
from recsys.core.types import Array, Int64Array, State


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
        for tag, array in enumerate(arrays):
            transfers += share_part(array[rows], source, tag, communicator)
    for transfer in transfers:
        transfer.wait()


def gather_state(state: State, communicator: Communicator) -> State:
    """The state with all rows on every rank, in its own arrays."""
    transfers, n_tags = [], 0
    for name in sorted(state.rows_here):
        array = state.model[name]
        own = np.array([(rows.start, rows.stop) for rows in state.rows_here[name]], np.int64).reshape(-1, 2)
        for source, ranges in enumerate(communicator.all_gather(own)):
            for start, stop in ranges.tolist():
                transfers += share_part(array[start:stop], source, n_tags, communicator)
                n_tags += 1
    for transfer in transfers:
        transfer.wait()
    return replace(state, rows_here={})


def add_up(counts: Int64Array, communicator: Communicator) -> Int64Array:
    """The sum of what all ranks have, shape (n,), on every rank; each adds up a share of it."""
    edges = tasks_of_rank(len(counts), communicator)
    shares = communicator.all_to_all([counts[start:stop] for start, stop in pairwise(edges.tolist())])
    return np.concatenate(communicator.all_gather(np.sum(shares, axis=0)))


def number_of_each(number: int, communicator: Communicator) -> list[int]:
    """The numbers of all ranks, in their order."""
    return [int(own[0]) for own in communicator.all_gather(np.array([number]))]


def is_so_on_any(condition: bool, communicator: Communicator) -> bool:
    """Whether it is on one rank at least."""
    return any(bool(own[0]) for own in communicator.all_gather(np.array([condition])))


def raise_first(error: RecsysError | None, communicator: Communicator) -> None:
    """Raises the error of the first rank that has one, there, and with it on the others; all ranks call this."""
    failed = [rank for rank, own in enumerate(communicator.all_gather(np.array([error is not None]))) if own[0]]
    if error is not None and failed[0] == communicator.rank:
        raise error
    if failed:
        communicator.barrier()  # which the first never comes to


def gather_on_first(array: AnyArray, communicator: Communicator) -> list[AnyArray] | None:
    """The arrays of all ranks in their order, on rank 0; None on the others. They differ in length at most."""
    lengths = number_of_each(len(array), communicator)
    if communicator.rank:
        if array.size:
            communicator.send(np.ascontiguousarray(array), 0, 0).wait()
        return None
    others = [np.empty((length, *array.shape[1:]), array.dtype) for length in lengths[1:]]
    arrays = [array, *(cast("AnyArray", own) for own in others)]
    arriving = [communicator.recv(own, rank, 0) for rank, own in enumerate(arrays) if rank and own.size]
    for transfer in arriving:
        transfer.wait()
    return arrays


def text_of_each(text: str, communicator: Communicator) -> list[str]:
    """The texts of all ranks, in their order."""
    texts = communicator.all_gather(np.frombuffer(text.encode(), np.uint8))
    return [own.tobytes().decode() for own in texts]


def text_of_first(text: str, communicator: Communicator) -> str:
    """The text of rank 0, on every rank."""
    return text_of_each(text, communicator)[0]


def is_so_on_first(condition: bool, communicator: Communicator) -> bool:
    """Whether it is on rank 0, whose clock or disk decides."""
    return bool(communicator.all_gather(np.array([condition]))[0][0])


def share_part(part: Array, source: int, tag: int, communicator: Communicator) -> list[Transfer]:
    """Sends what is here to all other ranks, or asks for it."""
    if not part.size:
        return []
    if source != communicator.rank:
        return [communicator.recv(part, source, tag)]
    return [communicator.send(part, rank, tag) for rank in range(communicator.size) if rank != source]
