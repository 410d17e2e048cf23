"""From the texts of a column of ids to a vocabulary, and from texts to the indices of one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Ids, Indices, Texts
from recsys.data.sources.table import Coded, as_texts, remap
from recsys.data.vocabulary import UNKNOWN, Vocabulary, whole_number

SCIENTIFIC = re.compile(r"^-?\d+([.,]\d+)?[eE][+]\d+$", re.MULTILINE | re.ASCII)


def index_columns(columns: Sequence[Coded]) -> tuple[Indices, Vocabulary]:
    """One column of indices of several of codes, laid end to end, and the vocabulary of all their ids.

    The ids are int64 if every one of them is a whole number, see `as_ids`, and no source says that they are texts, else
    str as they stand. The codes are overwritten.
    """
    are_texts = any(column.is_text for column in columns)
    ids = [column.texts if are_texts else as_ids(column.texts) for column in columns]
    if any(of_column.dtype == object for of_column in ids):
        ids = [column.texts for column in columns]
        vocabulary = Vocabulary(as_texts(sorted(set().union(*(texts.tolist() for texts in ids)))))
    else:  # with indices unique sorts; without, it hashes, slower
        vocabulary = Vocabulary(np.unique(np.concatenate(ids), return_index=True)[0])
    indices = [remap(column.codes, vocabulary.index(of_column)) for column, of_column in zip(columns, ids, strict=True)]
    return indices[0] if len(indices) == 1 else np.concatenate(indices), vocabulary


def indices_of(texts: Texts, vocabulary: Vocabulary) -> Indices:
    """The index of each text, int32; −1 for one that is not known, or cannot be an id of the vocabulary's type."""
    if vocabulary.id_type is str:
        return vocabulary.index(texts)
    ids = as_ids(texts)
    if ids.dtype != object:
        return vocabulary.index(ids)
    numbers = [whole_number(text) for text in texts.tolist()]
    possible = [at for at, value in enumerate(numbers) if value is not None]
    indices = np.full(len(texts), UNKNOWN, dtype=np.int32)
    indices[possible] = vocabulary.index([value for value in numbers if value is not None])
    return indices


def as_ids(texts: Texts) -> Ids:
    """The texts as int64 if each is an integer as Python writes it, or one with .0 behind it; else as they stand."""
    written: list[str] = texts.tolist()
    try:
        values = list(map(int, written))
        if list(map(str, values)) == written:
            return np.array(values, dtype=np.int64)
    except ValueError:
        pass
    except OverflowError:
        return texts
    numbers = list(takewhile(lambda value: value is not None, map(whole_number, written)))
    return np.array(numbers, dtype=np.int64) if len(numbers) == len(written) else texts


def refuse_scientific(idx: Indices, ids: Vocabulary, role: str, locate: Callable[[int], str]) -> None:
    """Raises DataError for an id such as 9.14896E+18, which has lost digits.

    Args:
        idx: the column.
        locate: where a row stands.
    """
    odd = _scientific(ids)
    if odd:
        row = int(np.flatnonzero(np.isin(idx, odd))[0])
        odd_id = ids.id_at(int(idx[row]))
        raise DataError(
            f"the {role} id {odd_id} is a number in scientific notation, in which long ids lose digits",
            where=locate(row),
            expected="ids with all their digits",
            hint="export the ids as text (in a spreadsheet, format the column as text before the import)",
        )


def has_scientific(ids: Vocabulary) -> bool:
    """Whether an id is a number such as 9.14896E+18."""
    return bool(_scientific(ids))


def _scientific(ids: Vocabulary) -> list[int]:
    """The indices of such ids."""
    if ids.id_type is int:
        return []
    texts: list[str] = ids.ids.tolist()
    whole = "\n".join(texts)
    if "+" not in whole or SCIENTIFIC.search(whole) is None:
        return []
    return [at for at, text in enumerate(texts) if SCIENTIFIC.fullmatch(text)]
