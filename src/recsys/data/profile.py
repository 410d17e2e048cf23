"""What `recsys init` sees in a file of ratings, counts or clicks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.errors import nearest
from recsys.core.events import Observer, silent
from recsys.core.types import Json, Times
from recsys.core.words import counted, joined
from recsys.data.duplicates import repeated
from recsys.data.ids import index_columns, refuse_scientific
from recsys.data.rating_values import Meaning, RatingValues, Scale
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.table import EVERYTHING, TimeUnit

N_EXAMPLES = 3
COLUMNS = ColumnRequest(EVERYTHING, optional=frozenset({"rating", "timestamp"}))
NO_RATING_TEXTS = ("", "NA", "N/A", "NaN", "null", "NULL", "None", "\\N", "<NA>")
"""What stands in the rating column of rows without a rating."""


@dataclass(frozen=True)
class TimeSpan:
    """The times of a file: how they are written, and the first and last, in seconds since 1970-01-01 UTC."""

    unit: TimeUnit
    first: float
    last: float


@dataclass(frozen=True)
class FileProfile:
    """What a file of ratings, counts or clicks holds.

    Attributes:
        layout: its columns, and how it is written.
        meaning: what the rows are taken for, unless the config says otherwise.
        user_type, item_type: int or str.
        user_examples, item_examples: the first few ids of the file.
        n_ratings: rows, those without a rating among them.
        n_without_rating: rows of them with a code for "no rating".
        codes: those codes, as the config has to name them; empty where no row has one.
        n_duplicates: rows that repeat the pair of an earlier row; of ratings, rows that have one.
        values: the numbers of the rating column; None where there is none.
        items: a file with titles of the items, where one is known.
    """

    path: Path
    layout: Layout
    meaning: Meaning
    user_type: type[int] | type[str]
    item_type: type[int] | type[str]
    user_examples: tuple[str, ...]
    item_examples: tuple[str, ...]
    n_ratings: int
    n_users: int
    n_items: int
    n_without_rating: int
    codes: tuple[int | float | str, ...]
    n_duplicates: int
    values: RatingValues | None
    times: TimeSpan | None
    items: Path | None = None

    @property
    def scale(self) -> Scale | None:
        """The ratings, or counts; None where there are none."""
        return None if self.values is None else self.values.scale

    @property
    def likely_codes(self) -> tuple[int, ...]:
        """Ratings that may stand for "no rating"."""
        return () if self.values is None or self.meaning != "ratings" else self.values.likely_codes

    def describe(self) -> list[str]:
        """For people, a line each; the first names the file and its counts."""
        times = self.times
        named = ", ".join(f"{role}: {column}" for role, column in self.layout.columns.items())
        others = f" (others: {', '.join(map(str, self.layout.others))})" if self.layout.others else ""
        user_ids, item_ids = _ids(self.user_type, self.user_examples), _ids(self.item_type, self.item_examples)
        return [
            f"{self.path}: {self.n_ratings:,} {self.meaning} of {counted(self.n_items, 'item')}"
            f" by {counted(self.n_users, 'user')}",
            *([f"columns: {named}{others}"] if named else []),
            *self._describe_users(),
            f"written with {self.layout.description}",
            f"user ids: {user_ids}; item ids: {item_ids}",
            *self._describe_values(),
            f"times in {times.unit}, from {_day(times.first)} to {_day(times.last)}" if times else "no times",
            *self._describe_repeats(),
            *([f"titles: {self.items.name}"] if self.items else []),
        ]

    def _describe_users(self) -> Iterator[str]:
        layout = self.layout
        if not layout.facts.get("header") and layout.columns.get("user") == 2 and 1 in layout.others:
            yield "column 1 numbers the rows, as an index does, and is left out"
        if self.n_users == self.n_ratings > 1:
            yield "no user has a second row: is that the column of the users? recsys init --user COLUMN"

    def _describe_values(self) -> Iterator[str]:
        values, scale = self.values, self.scale
        if values is None or scale is None:
            yield "no ratings: columns.rating is set to false, so each row is an event such as a click"
            if self.layout.others:
                yield "if another column holds ratings or counts, name it: recsys init --rating COLUMN"
            return
        if scale.low == scale.high:
            yield f"all ratings are {scale.low:g}: columns.rating is set to false, so each row is an event"
            return
        step = f" in steps of {scale.step:g}" if scale.step and self.meaning == "ratings" else ""
        yield f"{self.meaning} from {scale.low:g} to {scale.high:,g}{step}, mean {scale.mean:.3g}"
        if self.meaning == "counts":
            yield "these are counts of events: rating_is is set to count; set it to rating if they are ratings"
            if scale.low == 0:
                yield "rows with a count of 0 are left out"
        if self.n_without_rating:
            rows = f"{self.n_without_rating:,} rows ({self.n_without_rating / self.n_ratings:.0%})"
            yield f"{rows} have no rating: no_rating is set, so each of them is an event"
        if self.likely_codes:
            codes, share = joined([str(code) for code in self.likely_codes]), f"{values.share_of_codes:.0%}"
            yield f'{codes} ({share} of the ratings) may stand for "no rating": if so, remove the # before no_rating'

    def _describe_repeats(self) -> Iterator[str]:
        if self.n_duplicates and self.meaning == "ratings":
            yield f"{self.n_duplicates:,} rows rate a pair again: duplicates is set to last, so the last row counts"
        elif self.n_duplicates:
            yield f"{self.n_duplicates:,} rows repeat a pair of user and item: the events of a pair are added up"

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "path": str(self.path),
            **self.layout.facts,
            "columns": {str(role): column for role, column in self.layout.columns.items()},
            "other_columns": [*self.layout.others],
            "id_types": {"user": self.user_type.__name__, "item": self.item_type.__name__},
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_items": self.n_items,
            "n_duplicates": self.n_duplicates,
            "meaning": self.meaning,
            "n_without_rating": self.n_without_rating,
            "likely_no_rating": [*self.likely_codes],
            "scale": vars(self.scale) if self.scale else None,
            "items": None if self.items is None else str(self.items),
            "timestamps": vars(self.times) if self.times else None,
        }


def profile(path: Path, data: Data, observe: Observer = silent) -> FileProfile:
    """Reads a file of ratings or events and says what it holds; duplicates and equal ratings are reported, not refused.

    Args:
        path: the file; `data.ratings` is not looked at.
        data: what is known already: its columns, and how it is written.
        observe: gets a `Loading` now and then, and one at the end.

    Raises:
        DataError: the file or a row of it cannot be used, or a column is not found.
    """
    data = _as_found(path, data, observe)
    source = open_source(path, data, observe)
    layout = source.layout(COLUMNS)
    table = read_table(source, COLUMNS)
    assert table.user is not None
    assert table.item is not None
    first_texts = [column.texts[:N_EXAMPLES].tolist() for column in (table.user, table.item)]
    user_idx, users = index_columns([table.user])
    item_idx, items = index_columns([table.item])
    refuse_scientific(user_idx, users, "user", source.locate)
    refuse_scientific(item_idx, items, "item", source.locate)
    examples = [
        tuple(str(ids.parse(text)) for text in texts) for ids, texts in zip((users, items), first_texts, strict=True)
    ]
    rating = np.full(table.n_rows, np.nan, dtype=np.float32) if table.rating is None else table.rating
    has_rating = ~np.isnan(rating)
    values = RatingValues.of(rating[has_rating]) if has_rating.any() else None
    meaning = _meaning(data, values)
    n_without_rating = 0 if values is None else int(np.count_nonzero(~has_rating))
    double = repeated(user_idx, item_idx, len(items))
    if double is not None and meaning == "ratings":
        double = double.only(has_rating[double.rows])
    return FileProfile(
        path=path,
        layout=layout,
        meaning=meaning,
        user_type=users.id_type,
        item_type=items.id_type,
        user_examples=examples[0],
        item_examples=examples[1],
        n_ratings=table.n_rows,
        n_users=len(users),
        n_items=len(items),
        n_without_rating=n_without_rating,
        codes=data.no_rating if n_without_rating else (),
        n_duplicates=0 if double is None else len(double.dropped(keep="first")),
        values=values,
        times=_span(table.timestamp, table.time_unit),
    )


def _as_found(path: Path, data: Data, observe: Observer) -> Data:
    """How to read a file that may have no ratings, or a column of counts.

    Raises:
        DataError: no column of ratings is found, and one has nearly such a name.
    """
    data = data.model_copy(update={"no_rating": data.no_rating or NO_RATING_TEXTS})
    layout = open_source(path, data, observe).layout(COLUMNS)
    if not data.has_ratings or "rating" in layout.names:
        return data
    counts = data.model_copy(update={"rating_is": "count"})
    if "rating" in open_source(path, counts, observe).layout(COLUMNS).columns:
        return counts
    if nearest("rating", [name for name in layout.others if isinstance(name, str)]):
        open_source(path, data, observe).layout(ColumnRequest(EVERYTHING))
    return data


def _meaning(data: Data, values: RatingValues | None) -> Meaning:
    """What the rows are: as the config says, else as they look."""
    if values is None:
        return "clicks"
    if data.rating_is == "count":
        return "counts"
    return values.looks_like


def _ids(kind: type, examples: tuple[str, ...]) -> str:
    return f"{'whole numbers' if kind is int else 'texts'} such as {', '.join(examples)}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _span(timestamp: Times | None, unit: TimeUnit | None) -> TimeSpan | None:
    if timestamp is None or unit is None:
        return None
    return TimeSpan(unit, float(timestamp.min()), float(timestamp.max()))
