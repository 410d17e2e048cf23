"""One row for each pair of user and item: events are added up, repeated ratings are refused or reduced to one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.types import BoolArray, Counts, Times
from recsys.data.duplicates import Repeated, repeated
from recsys.data.interactions import Interactions, join
from recsys.data.scale import LARGEST_RATING, is_too_large, too_large
from recsys.data.sources.protocol import Source, beside


@dataclass(frozen=True, eq=False)
class SourceRows:
    """The rows of all sources, one source after the other, as far as they are kept.

    Attributes:
        ratings: the kept rows.
        parts: name of the part → its kept rows.
        sources: what each part was read from.
        n_read: how many rows each source has.
        is_kept: of each row that was read, whether it is among `ratings`; None: all are.
    """

    ratings: Interactions
    parts: Mapping[str, slice]
    sources: Sequence[Source]
    n_read: Sequence[int]
    is_kept: BoolArray | None = None

    @classmethod
    def of(
        cls, ratings: Interactions, parts: Sequence[str], sources: Sequence[Source], n_read: Sequence[int]
    ) -> SourceRows:
        """All rows that were read."""
        return cls(ratings, _slices(parts, n_read), sources, n_read)

    @property
    def n_dropped(self) -> int:
        """How many rows are not kept."""
        return sum(self.n_read) - len(self.ratings)

    def without(self, rows: Counts) -> SourceRows:
        """The others of the kept rows."""
        stays = np.ones(len(self.ratings), dtype=bool)
        stays[rows] = False
        is_kept = stays
        if self.is_kept is not None:
            is_kept = self.is_kept.copy()
            is_kept[is_kept] = stays
        lengths = [int(stays[part].sum()) for part in self.parts.values()]
        parts = _slices(list(self.parts), lengths)
        return replace(self, ratings=self.ratings.take(stays), parts=parts, is_kept=is_kept)

    def locate(self, row: int) -> str:
        """Where a kept row stands, as "FILE:LINE"."""
        row_read = row if self.is_kept is None else int(np.flatnonzero(self.is_kept)[row])
        return locate(self.sources, self.n_read, row_read)


def locate(sources: Sequence[Source], n_read: Sequence[int], row: int) -> str:
    """Where a row stands, as "FILE:LINE", by its number among all that were read from the sources, n_read of each."""
    ends = np.cumsum(n_read)
    part = int(np.searchsorted(ends, row, side="right"))
    return sources[part].locate(row - int(ends[part]) + n_read[part])


def usable_rows(rows: SourceRows, data: Data) -> SourceRows:
    """The rows that count, with the number of events of each where counts are asked for.

    Raises:
        DataError: a count that is not above 0, or a number that is too large.
    """
    ratings = rows.ratings
    if is_too_large(ratings.rating):
        first = int(np.flatnonzero(np.abs(ratings.rating) > LARGEST_RATING)[0])
        raise too_large(f"the rating {ratings.rating[first]:g} is too large", rows.locate(first))
    if data.drops_unrated:
        rows = rows.without(np.flatnonzero(~ratings.has_rating))
    if data.rating_is == "count" and data.columns.rating is False:
        return replace(rows, ratings=replace(ratings, rating=np.ones(len(ratings), dtype=np.float32)))
    if data.rating_is == "count" and (rows.ratings.rating <= 0).any():
        wrong = np.flatnonzero(rows.ratings.rating <= 0)
        raise DataError(
            f"{rows.ratings.rating[wrong[0]]:g} is no count of events",
            where=rows.locate(int(wrong[0])),
            expected="a number above 0",
            hint="take the row out; where 0 stands for no event: data.no_rating: [0], data.no_rating_rows: drop",
        )
    return rows


def unique_pairs(rows: SourceRows, data: Data) -> SourceRows:
    """Leaves one row of each pair, by the rule for `data.duplicates`.

    Counted events become one row with the sum of their counts and the latest time. Of a pair that occurs in several
    parts, those of its first part are counted, and the others dropped: a known pair is nothing to be measured on, and
    test must not tell train. Where there are ratings, a row without one is an event: it is dropped if its pair has a
    rating; else the events of the pair become one row.

    Raises:
        DataError: a pair is rated twice, and that is an error.
    """
    ratings, rule = rows.ratings, data.duplicate_rule
    double = repeated(ratings.user_idx, ratings.item_idx, len(ratings.items))
    if double is None:
        return rows
    is_event = np.full(len(double.rows), rule == "count")
    is_superseded = np.zeros(len(double.rows), dtype=bool)
    if data.has_ratings:
        has_rating = ratings.has_rating[double.rows]
        is_event = ~double.of_pairs_with(has_rating)
        is_superseded = ~has_rating & ~is_event
    dropped = [double.rows[is_superseded]]
    others = double.only(~is_event & ~is_superseded)
    if rule != "count" and not others.is_empty:
        if rule == "error":
            raise _duplicates(others, rows)
        dropped.append(others.superseded(rule, _times(rows) if rule == "newest" else None))
    if is_event.any():
        added_up, also_dropped = _add_up(rows, double.only(is_event))
        rows = replace(rows, ratings=added_up)
        dropped.append(also_dropped)
    return rows.without(np.concatenate(dropped))


def _times(rows: SourceRows) -> Times:
    if rows.ratings.timestamp is None:
        raise DataError(
            "the newest row of each pair is to be kept, and the rows have no times",
            expected="a column of times",
            hint="name it: data.columns.timestamp; else data.duplicates: last, or first",
        )
    return rows.ratings.timestamp


def _add_up(rows: SourceRows, events: Repeated) -> tuple[Interactions, Counts]:
    """The rows with sum and latest time in one row of each pair, and the rows that this one stands for."""
    ratings, first = rows.ratings, np.flatnonzero(events.is_first)
    part = np.searchsorted([part.stop for part in rows.parts.values()], events.rows, side="right")
    is_counted = part == part[first][events.pair]
    is_kept = is_counted & (events.is_last | ~np.append(is_counted[1:], False))
    kept = events.rows[is_kept]
    counts = ratings.rating[events.rows]
    has_count = is_counted & ~np.isnan(counts)
    sums = np.add.reduceat(np.where(has_count, counts, 0), first, dtype=np.float64)
    rating = ratings.rating.copy()
    rating[kept] = np.where(np.logical_or.reduceat(has_count, first), sums, np.nan)
    timestamp = None if ratings.timestamp is None else ratings.timestamp.copy()
    if timestamp is not None:
        timestamp[kept] = np.maximum.reduceat(np.where(is_counted, timestamp[events.rows], -np.inf), first)
    return replace(ratings, rating=rating, timestamp=timestamp), events.rows[~is_kept]


def newer_pairs(old: Interactions, new: Interactions, data: Data) -> tuple[Interactions, Interactions]:
    """Old and new interactions without a pair that is in both: the new one counts.

    Counts are added up, in the new one. Where there are ratings, an old rating beats a new event.

    Args:
        old, new: on the same vocabularies, all users and items known, each pair once.
    Returns:
        What is left of old, and of new.
    Raises:
        ValueError: a pair is in one of them more than once.
    """
    both = join(old, new)
    double = repeated(both.user_idx, both.item_idx, len(both.items))
    if double is None:
        return old, new
    if (np.bincount(double.pair) != 2).any() or ((double.rows < len(old)) != double.is_first).any():
        raise ValueError("a user has rated an item more than once")
    of_old, of_new = double.rows.reshape(-1, 2).T - np.array([[0], [len(old)]])
    loses = np.zeros(len(of_new), dtype=bool)
    if data.rating_is == "count":
        counts, added = new.rating.copy(), old.rating[of_old]
        counts[of_new] = np.where(np.isnan(counts[of_new]), added, counts[of_new] + np.nan_to_num(added))
        new = replace(new, rating=counts)
    elif data.has_ratings:
        loses = np.isnan(new.rating[of_new]) & ~np.isnan(old.rating[of_old])
    return _but(old, of_old[~loses]), _but(new, of_new[loses])


def _but(ratings: Interactions, rows: Counts) -> Interactions:
    stays = np.ones(len(ratings), dtype=bool)
    stays[rows] = False
    return ratings if stays.all() else ratings.take(stays)


def _slices(parts: Sequence[str], lengths: Sequence[int]) -> dict[str, slice]:
    ends = np.cumsum(lengths).tolist()
    return {part: slice(end - n, end) for part, n, end in zip(parts, lengths, ends, strict=True)}


def _duplicates(double: Repeated, rows: SourceRows) -> DataError:
    ratings, (earlier, later) = rows.ratings, double.earliest()
    first, place = rows.locate(earlier), rows.locate(later)
    user, item = ratings.users.ids[ratings.user_idx[later]], ratings.items.ids[ratings.item_idx[later]]
    extra = len(double.dropped(keep="first"))
    repeats = f"; {extra} rows repeat an earlier pair" if extra > 1 else ""
    return DataError(
        f"user {user} rated item {item} before, in {beside(first, place)}{repeats}",
        where=place,
        expected="one rating for each user and item",
        hint="data.duplicates: last keeps the last row of each pair, first the first one, newest the latest by time",
    )
