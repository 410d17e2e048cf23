"""Rows go to the rank of their user, some at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from recsys.core.collectives import number_of_each
from recsys.core.communicator import Communicator
from recsys.core.types import Array, Counts, Indices, Int64Array
from recsys.data.chunks import chunks

ROUND = 1 << 18  # rows of each rank at a time


def rows_of_users(columns: Sequence[Array], rank_of_user: Indices, communicator: Communicator) -> list[Array]:
    """The rows of all ranks whose users are with this one, in their order.

    Args:
        columns: the rows of this rank, users first; those of rank 0 come before those of rank 1, …
        rank_of_user: int32, for each user.
    """
    n_from = _n_from(columns[0], rank_of_user, communicator)
    place = np.cumsum([0, *n_from])[:-1].tolist()
    outs = [np.empty(sum(n_from), dtype=column.dtype) for column in columns]
    for pieces in rounds(columns, rank_of_user, communicator):
        for rank, piece in enumerate(pieces):
            for out, values in zip(outs, piece, strict=True):
                out[place[rank] : place[rank] + len(values)] = values
            place[rank] += len(piece[0])
    return outs


def back_to_rows(values: Array, users: Indices, rank_of_user: Indices, communicator: Communicator) -> Array:
    """For each row of this rank, what the rank of its user has for it.

    Args:
        values: for each of the rows that `rows_of_users` has brought here.
        users: those of the rows of this rank, with which they were sent.
    """
    edges = np.cumsum(_n_from(users, rank_of_user, communicator))[:-1]
    arrived = communicator.all_to_all(np.split(values, edges))
    own, out = rank_of_user[users], np.empty(len(users), dtype=values.dtype)
    for rank, piece in enumerate(arrived):
        out[own == rank] = piece
    return out


def rounds(
    columns: Sequence[Array], rank_of_user: Indices, communicator: Communicator
) -> Iterator[list[Sequence[Array]]]:
    """Sends each row to the rank of its user, round by round.

    Args: as of `rows_of_users`.
    Yields:
        What comes from each rank, its columns; the rows of each come in their order.
    """
    users, size = columns[0], communicator.size
    n_most = max(number_of_each(len(users), communicator))
    for start in range(0, n_most, ROUND):
        rank = rank_of_user[users[start : start + ROUND]].astype(np.int16)  # which a stable sort takes bit by bit
        order, edges = np.argsort(rank, kind="stable"), np.cumsum([0, *np.bincount(rank, minlength=size)]).tolist()
        arrived = [
            communicator.all_to_all([column[start:][order[low:high]] for low, high in pairwise(edges)])
            for column in columns
        ]
        yield list(zip(*arrived, strict=True))


def _n_from(users: Indices, rank_of_user: Indices, communicator: Communicator) -> list[int]:
    """How many rows come here from each rank."""
    n_for = np.zeros(communicator.size, dtype=np.int64)
    for rows in chunks(len(users)):
        n_for += np.bincount(rank_of_user[users[rows]], minlength=len(n_for))
    return [int(n[0, communicator.rank]) for n in communicator.all_gather(n_for[np.newaxis])]


def even_ranks(counts: Counts, size: int) -> tuple[Indices, Int64Array]:
    """A rank for each user, neighbours together, so that all ranks have about as many rows.

    Args:
        counts: rows of each user.
    Returns:
        The ranks, int32, and the row, of all rows by user, at which those of each rank begin, and the end.
    """
    before = np.cumsum(counts) - counts
    rank = np.minimum(before * size // max(int(counts.sum()), 1), size - 1).astype(np.int32)
    n_rows = np.bincount(rank, counts, minlength=size).astype(np.int64)
    return rank, np.concatenate([[0], np.cumsum(n_rows)])


def levelled(columns: Sequence[Array], communicator: Communicator) -> list[Array]:
    """The rows of all ranks in their order, about as many with each, where one rank has more than twice its share."""
    n_rows = number_of_each(len(columns[0]), communicator)
    rank, size, n = communicator.rank, communicator.size, sum(n_rows)
    if max(n_rows) <= 2 * n // size:
        return list(columns)
    first = sum(n_rows[:rank])
    edges = [min(max(n * other // size - first, 0), n_rows[rank]) for other in range(size + 1)]
    return [
        np.concatenate(communicator.all_to_all([column[low:high] for low, high in pairwise(edges)]))
        for column in columns
    ]
