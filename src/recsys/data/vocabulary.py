"""Which raw ids a model knows, and the index of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from recsys.core.types import BoolArray, Counts, Ids, Indices

UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """The known ids, sorted; the position of an id is its index.

    Attributes:
        ids: int64, or object (str), shape (n,), no id twice; rising, but for those behind.
        n_behind: the last ones, which came later, so that the others kept their indices. They rise too.
    """

    ids: Ids
    n_behind: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def id_type(self) -> type[int] | type[str]:
        """int or str: what the raw ids are."""
        return str if self.ids.dtype == object else int

    def ids_at(self, idx: Indices) -> Ids:
        """The ids at indices, shape (n,); as objects, with None for UNKNOWN, where one is that."""
        is_unknown = idx == UNKNOWN
        if not is_unknown.any():
            return self.ids[idx]
        ids = np.full(len(idx), None, dtype=object)
        ids[~is_unknown] = self.ids[idx[~is_unknown]]
        return ids

    def index(self, ids: Ids | Sequence[int | str]) -> Indices:
        """The index of each id, int32, the shape of `ids`; UNKNOWN (−1) for an id that is not known."""
        wanted, first = np.asarray(ids, dtype=self.ids.dtype), len(self.ids) - self.n_behind
        idx = _index(self.ids[:first], wanted)
        if not self.n_behind:
            return idx
        behind = _index(self.ids[first:], wanted)
        return np.where(behind == UNKNOWN, idx, behind + np.int32(first))

    def with_behind(self, ids: Ids) -> Vocabulary:
        """The same, and behind them those of other ids that are not among them.

        Args:
            ids: of the same type, rising.
        """
        new = ids[self.index(ids) == UNKNOWN]
        assert not self.n_behind, "two parts at most"
        return Vocabulary(np.concatenate([self.ids, new]), len(new)) if len(new) else self

    def id_at(self, idx: int) -> int | str:
        """The id at an index, as Python's own int or str."""
        known: list[int | str] = self.ids[idx : idx + 1].tolist()
        return known[0]

    def parse(self, text: str) -> int | str | None:
        """The id that a person typed, of the vocabulary's type; None if it cannot be one."""
        return text.strip() if self.id_type is str else whole_number(text.strip())

    def nearest(self, text: str) -> int | str | None:
        """The known id that looks most like `text`, or None."""
        from recsys.core.errors import nearest

        close = nearest(text, self._texts)
        return None if close is None else self.parse(close)

    @cached_property
    def _texts(self) -> list[str]:
        return [str(raw_id) for raw_id in self.ids.tolist()]


def _index(rising: Ids, wanted: Ids) -> Indices:
    if not len(rising):
        return np.full(wanted.shape, UNKNOWN, dtype=np.int32)
    position = np.searchsorted(rising, wanted).clip(max=len(rising) - 1)
    return np.where(rising[position] == wanted, position, UNKNOWN).astype(np.int32)


def only_counted(idx: Indices, counts: Counts | BoolArray, n_behind: int = 0) -> Indices:
    """The indices, UNKNOWN where the entry's count is 0 and where it was UNKNOWN already.

    Args:
        n_behind: so many at the end need no count.
    """
    first = len(counts) - n_behind
    if counts[:first].all():
        return idx
    is_kept = np.append(counts, 0)[idx] > 0
    return np.where(is_kept | (idx >= first) if n_behind else is_kept, idx, np.int32(UNKNOWN))


def union(first: Vocabulary, second: Vocabulary) -> Vocabulary:
    """The ids that are in either; both have to be of one type."""
    ids = sorted({*first.ids.tolist(), *second.ids.tolist()})
    return Vocabulary(np.array(ids, dtype=first.ids.dtype))


def whole_number(text: str) -> int | None:
    """The integer that `text` is as Python writes it, possibly with .0 behind it; None if it is none."""
    digits, _, zeros = text.partition(".")
    if not is_canonical_int(digits) or zeros.strip("0") or (not zeros and digits != text):
        return None
    return int(digits)


def is_canonical_int(text: str) -> bool:
    """Whether `text` is an integer that reads back as itself: no leading zero, no plus, fits int64."""
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and (digits == "0" or digits[0] != "0")) or text == "-0":
        return False
    return len(digits) < 19 or (len(digits) == 19 and -(2**63) <= int(text) < 2**63)
