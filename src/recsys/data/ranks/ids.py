"""The ids of all ranks: each id goes to the rank that its hash names, which keeps it once, and then to all."""

from __future__ import annotations

import zlib
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


def index_by_ranks(ids: Coded | None, communicator: Communicator) -> tuple[Indices, Vocabulary]:
    """The indices of this rank's rows, and the vocabulary of the ids of all ranks, as `index_columns` makes both.

    Args:
        ids: of this rank, whose codes are overwritten; None: it has no rows.
    """
    ids = ids or Coded(np.empty(0, dtype=np.int32), as_texts([]))
    own = as_ids(ids.texts)
    if is_so_on_any(ids.is_text or own.dtype == object, communicator):
        own, every = ids.texts, _all_texts(ids.texts, communicator)
    else:
        every = _all_numbers(own, communicator)
    vocabulary = Vocabulary(every)
    return remap(ids.codes, vocabulary.index(own)), vocabulary


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
