"""The ids of all ranks: each id goes to the rank that its hash names, which keeps it once, and then to all."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from itertools import chain

import numpy as np

from recsys.core.collectives import is_so_on_any
from recsys.core.communicator import Communicator
from recsys.core.types import Array, Ids, Indices, Texts
from recsys.data.ids import as_ids
from recsys.data.sources.batches import PackedTexts
from recsys.data.sources.table import Coded, as_texts, remap
from recsys.data.vocabulary import Vocabulary

MIX = np.uint64(0x9E3779B97F4A7C15)  # numbers that follow each other go to all ranks alike
HIGH = np.uint64(32)


def index_by_ranks(columns: Sequence[Coded], communicator: Communicator) -> tuple[list[Indices], Vocabulary]:
    """The indices of this rank's columns, and the vocabulary of the ids of all ranks, as `index_columns` makes both.

    Args:
        columns: of this rank, one or more, whose codes are overwritten.
    """
    ids = [as_ids(column.texts) for column in columns]
    are_texts = any(column.is_text or own.dtype == object for column, own in zip(columns, ids, strict=True))
    if is_so_on_any(are_texts, communicator):
        ids = [column.texts for column in columns]
        every = _all_texts(np.concatenate(ids), communicator)
    else:
        every = _all_numbers(np.concatenate(ids), communicator)
    vocabulary = Vocabulary(every)
    return [remap(column.codes, vocabulary.index(own)) for column, own in zip(columns, ids, strict=True)], vocabulary


def _all_numbers(ids: Ids, communicator: Communicator) -> Ids:
    """The different ids of all ranks, rising; int64."""
    distinct = np.unique(ids)
    rank = ((distinct.view(np.uint64) * MIX) >> HIGH) % np.uint64(communicator.size)
    arrived = communicator.all_to_all([distinct[rank == other] for other in range(communicator.size)])
    return np.sort(np.concatenate(communicator.all_gather(np.unique(np.concatenate(arrived)))))


def _all_texts(ids: Texts, communicator: Communicator) -> Ids:
    """The different ids of all ranks, rising; texts."""
    texts: list[str] = ids.tolist()
    shares: list[list[str]] = [[] for _ in range(communicator.size)]
    for text in texts:
        shares[zlib.crc32(text.encode()) % communicator.size].append(text)
    packed = [PackedTexts.of(share) for share in shares]
    arrived = _unpacked(
        communicator.all_to_all([share.utf8 for share in packed]),
        communicator.all_to_all([share.offsets for share in packed]),
    )
    own = PackedTexts.of(sorted(set(chain.from_iterable(arrived))))
    every = _unpacked(communicator.all_gather(own.utf8), communicator.all_gather(own.offsets))
    return as_texts(sorted(chain.from_iterable(every)))


def _unpacked(utf8: list[Array], offsets: list[Array]) -> list[list[str]]:
    return [PackedTexts(*each).to_list() for each in zip(utf8, offsets, strict=True)]
