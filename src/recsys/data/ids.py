"""From the texts of a column of ids to a vocabulary, and from texts to the indices of one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np

from recsys.core.types import Ids, Indices, Texts
from recsys.data.sources.table import Coded, as_texts, remap
from recsys.data.vocabulary import UNKNOWN, Vocabulary, is_canonical_int


def index_columns(columns: Sequence[Coded]) -> tuple[Indices, Vocabulary]:
    """One column of indices of several of codes, laid end to end, and the vocabulary of all their ids.

    The ids are int64 if every one of them is an integer as Python writes it, else str as they stand. The codes are
    overwritten.
    """
    texts = columns[0].texts if len(columns) == 1 else _all(columns)
    ids = as_ids(texts)
    vocabulary = Vocabulary(as_texts(sorted(ids.tolist())) if ids.dtype == object else np.sort(ids))
    indices = [remap(column.codes, indices_of(column.texts, vocabulary)) for column in columns]
    return indices[0] if len(indices) == 1 else np.concatenate(indices), vocabulary


def indices_of(texts: Texts, vocabulary: Vocabulary) -> Indices:
    """The index of each text, int32; −1 for one that is not known, or cannot be an id of the vocabulary's type."""
    if vocabulary.id_type is str:
        return vocabulary.index(texts)
    ids = as_ids(texts)
    if ids.dtype != object:
        return vocabulary.index(ids)
    possible = {at: int(text) for at, text in enumerate(texts.tolist()) if is_canonical_int(text)}
    indices = np.full(len(texts), UNKNOWN, dtype=np.int32)
    indices[list(possible)] = vocabulary.index(list(possible.values()))
    return indices


def _all(columns: Sequence[Coded]) -> Texts:
    return as_texts(list(dict.fromkeys(chain.from_iterable(column.texts.tolist() for column in columns))))


def as_ids(texts: Texts) -> Ids:
    """The texts as int64; as they stand if one of them is not exactly how Python writes an int64."""
    written: list[str] = texts.tolist()
    try:
        values = list(map(int, written))
        return np.array(values, dtype=np.int64) if list(map(str, values)) == written else texts
    except (ValueError, OverflowError):
        return texts
