"""Ratings read to files of columns, where nothing has to be looked at as a whole; what has is read in memory."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.core.types import Array, Counts, Floats, Ids
from recsys.data.chunks import chunks
from recsys.data.ids import as_ids, has_scientific
from recsys.data.interactions import Interactions, stack
from recsys.data.parts import TRAIN, PartOfRow
from recsys.data.read import check_learnable, check_rows
from recsys.data.scale import is_too_large
from recsys.data.sources.id_column import IdColumn
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import name_of
from recsys.data.sources.protocol import TIMES, ColumnRequest
from recsys.data.sources.spilled import ROW_COLUMNS, Places, SpilledColumn
from recsys.data.sources.table import EVERYTHING, as_texts
from recsys.data.vocabulary import Vocabulary

REPEATS = "pairs of user and item occur twice"


class UnsuitedError(Exception):
    """What the files hold has to be looked at in memory, to be refused or put right; the message says what it is."""


@dataclass(frozen=True, eq=False)
class SpilledRows:
    """All rows of all files.

    Attributes:
        given, fingerprints, item_column: as of Dataset.
    """

    users: Vocabulary
    items: Vocabulary
    given: dict[str, slice] | None
    fingerprints: Mapping[str, str]
    item_column: str | None
    _user: SpilledIndices
    _item: SpilledIndices
    _rating: SpilledColumn

    def __len__(self) -> int:
        return len(self._rating)

    def read(self, rows: slice) -> Interactions:
        """Some rows, start … stop − 1."""
        columns = self._user.read(rows), self._item.read(rows), self.rating(rows)
        return Interactions(*columns, None, self.users, self.items)

    def train_counts(self, part: PartOfRow) -> tuple[Counts, Counts]:
        """How often each user, and each item, occurs in the rows of train."""
        return self._user.count_train(part, len(self.users)), self._item.count_train(part, len(self.items))

    def rating(self, rows: slice) -> Floats:
        """The ratings of some rows."""
        return self._rating.read(rows)


@dataclass(frozen=True, eq=False)
class SpilledIndices:
    """Indices into a vocabulary, made of what a file holds, ids or codes, when it is read."""

    values: SpilledColumn
    places: Places

    def read(self, rows: slice) -> Array:
        """Those of some rows, int32."""
        return self.places.of(self.values.read(rows))

    def count_train(self, part: PartOfRow, n: int) -> Counts:
        """How often each of n indices occurs in the rows of train, int64."""
        counts = np.zeros(n, dtype=np.int64)
        for rows in chunks(len(self.values)):
            self.places.count(self.values.read(rows), part[rows] == TRAIN, counts)
        return counts


def spill_rows(data: Data, folder: Path, observe: Observer) -> SpilledRows:
    """Reads user, item and rating of all files to columns in a folder.

    Raises:
        UnsuitedError: some of it has to be looked at in memory.
        DataError, ConfigError: as of `read_ratings`.
    """
    sources = {part: open_source(files, data, observe) for part, files in data.named_files.items()}
    columns = ColumnRequest(EVERYTHING, unread=TIMES)
    layouts = [source.layout(columns) for source in sources.values()]
    *values, rating = (SpilledColumn(folder / name, kind) for name, kind in ROW_COLUMNS.items())
    user, item = map(IdColumn, values)
    ends = [0]
    with ThreadPoolExecutor(1) as pool:
        sums = [pool.submit(source.fingerprint) for source in sources.values()]
        for source in sources.values():
            for batch in source.batches(columns, 0, 1):
                if batch.rating is None:
                    raise UnsuitedError("rows have no ratings")
                if is_too_large(batch.rating):
                    raise UnsuitedError("a rating is too large")
                user.append(batch.user, 0)
                item.append(batch.item, 0)
                rating.append(batch.rating)
            ends.append(len(rating))
        keys = [*sources] if data.train is not None else ["ratings"]
        fingerprints = dict(zip(keys, (digest.result() for digest in sums), strict=True))
    users, items = (_indexed(ids, column) for ids, column in zip((user, item), values, strict=True))
    given = {part: slice(*ends[at : at + 2]) for at, part in enumerate(sources)} if data.train is not None else None
    rows = SpilledRows(users[0], items[0], given, fingerprints, layouts[0].names["item"], users[1], items[1], rating)
    _check(rows, data)
    return rows


def _indexed(ids: IdColumn, values: SpilledColumn) -> tuple[Vocabulary, SpilledIndices]:
    """The vocabulary of a column, as `index_columns` makes it, and its indices."""
    texts = ids.texts()
    if texts is None:
        distinct = values.distinct()
        return Vocabulary(distinct), SpilledIndices(values, Places.among(distinct))
    raw = as_texts(texts)
    own: Ids = raw if ids.is_text else as_ids(raw)
    vocabulary = Vocabulary(as_texts(sorted(texts)) if own.dtype == object else np.unique(own))
    return vocabulary, SpilledIndices(values, Places(None, table=vocabulary.index(own)))


def _check(rows: SpilledRows, data: Data) -> None:
    """Raises UnsuitedError where nothing could be learned, or where ids look wrong."""
    if has_scientific(rows.users) or has_scientific(rows.items):
        raise UnsuitedError("ids are numbers in scientific notation")
    end = len(rows) if rows.given is None else rows.given["train"].stop
    few, path = _extremes(rows, end), name_of(next(iter(data.named_files.values())))
    try:
        check_rows(few, path, data)
        check_learnable(few, path, data)
    except DataError as error:
        raise UnsuitedError(error.what) from error


def _extremes(rows: SpilledRows, end: int) -> Interactions:
    """Of the first rows, some with the least and the largest rating, and with several users and items if they have."""
    kept: list[Interactions] = []
    have_several = False
    for place in chunks(end):
        rating = rows.rating(place)
        if not have_several:
            whole = rows.read(place)
            others = [int(np.argmax(idx != idx[0])) for idx in (whole.user_idx, whole.item_idx)]
            kept.append(whole.take(np.array([0, *others])))
            together = stack(kept)
            have_several = all(idx.min() < idx.max() for idx in (together.user_idx, together.item_idx))
        ends = rating.argmin(), rating.argmax()  # the first NaN, where there is one
        if np.isnan(rating[ends[0]]):
            ends = np.nan_to_num(rating, nan=np.inf).argmin(), np.nan_to_num(rating, nan=-np.inf).argmax()
        kept += [rows.read(slice(place.start + int(at), place.start + int(at) + 1)) for at in ends]
    return stack(kept)
