"""A file of ratings, counts or clicks as `recsys init` sees it, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import time

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Files, SourceName
from recsys.core.types import Json
from recsys.core.words import counted, joined, some
from recsys.data.features.profile import FeatureProfile
from recsys.data.rating_values import Meaning, RatingValues, Scale
from recsys.data.sources.origin import name_of
from recsys.data.sources.protocol import Layout
from recsys.data.sources.table import TimeUnit
from recsys.data.sources.values import iso_seconds
from recsys.data.vocabulary import Vocabulary

LAST_OF_1979 = 315_532_800  # seconds
EARLIEST_TIME = 1e8  # seconds: March 1973
SPREADSHEET_ROWS = (1_048_575, 1_048_576, 65_535, 65_536)  # of Excel, with and without a header
LARGE, LARGEST = 1000, 1e15  # numbers with all their digits


@dataclass(frozen=True)
class ItemsFile:
    """A file with titles of the items.

    Attributes:
        encoding: where that is not utf-8.
        n_titles: how many of the items have one.
        columns: item, title → its columns, as far as they are not found by themselves.
    """

    path: Path
    encoding: str | None
    n_titles: int
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True)
class TimeSpan:
    """The times of a file.

    Attributes:
        unit: how they are written.
        first, last: in seconds since 1970-01-01 UTC.
        n_zero: rows with 0 or -1, where most have a time long after 1970.
    """

    unit: TimeUnit
    first: float
    last: float
    n_zero: int = 0


@dataclass(frozen=True)
class NoId:
    """A text that may stand for "no id": NULL as a user, and in how many rows."""

    role: str
    text: str
    n_rows: int


@dataclass(frozen=True)
class FileProfile:
    """What a file of ratings, counts or clicks holds.

    Attributes:
        files: where it is, or what to call a table in memory.
        source: what it is, as the config says it.
        layout: its columns, and how it is written.
        meaning: what the rows are taken for, unless the config says otherwise.
        user_type, item_type: int or str.
        user_examples, item_examples: the first few ids of the file.
        n_ratings: rows, those without a rating among them.
        n_without_rating: rows of them with a code for "no rating".
        codes: those codes, as the config has to name them; empty where no row has one.
        n_duplicates: rows that repeat the pair of an earlier row; of ratings, rows that have one.
        keeps_newest: whether such rows have several times, so that the newest counts.
        no_ids: ids that may stand for none.
        values: the numbers of the rating column; None where there is none.
        user_ids, item_ids: all of them.
        items: a file with titles of the items, where one is known.
        features: of items and users, where any are known.
        example: a word of the file, where its encoding was guessed.
    """

    files: Files
    source: SourceName
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
    keeps_newest: bool
    no_ids: tuple[NoId, ...]
    values: RatingValues | None
    times: TimeSpan | None
    user_ids: Vocabulary = field(repr=False, compare=False)
    item_ids: Vocabulary = field(repr=False, compare=False)
    items: ItemsFile | None = None
    features: tuple[FeatureProfile, ...] = ()
    example: str | None = None

    @property
    def path(self) -> Path:
        """What to call it."""
        return name_of(self.files)

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
        named = ", ".join(f"{role}: {column}" for role, column in self.layout.columns.items())
        others = f" (others: {some(map(str, self.layout.others))})" if self.layout.others else ""
        user_ids, item_ids = _ids(self.user_type, self.user_examples), _ids(self.item_type, self.item_examples)
        rows = counted(self.n_ratings, self.meaning.removesuffix("s"))
        return [
            f"{self.path}: {rows} of {counted(self.n_items, 'item')} by {counted(self.n_users, 'user')}",
            *([f"columns: {named}{others}"] if named else []),
            *self._describe_users(),
            f"written with {self.layout.description}",
            *self._describe_encoding(),
            f"user ids: {user_ids}; item ids: {item_ids}",
            *self._describe_values(),
            *self._describe_times(),
            *self._describe_repeats(),
            *self._describe_titles(),
            *(line for features in self.features for line in features.describe()),
        ]

    def _describe_users(self) -> Iterator[str]:
        layout = self.layout
        if not layout.facts.get("header") and layout.columns.get("user") == 2 and 1 in layout.others:
            yield "column 1 numbers the rows, as an index does, and is left out"
        if layout.facts.get("header") and layout.others[:1] == (1,):
            yield "column 1 has no name, as an index has none, and is left out"
        if self.n_users == self.n_ratings > 1:
            yield "no user has a second row: is that the column of the users? recsys init --user COLUMN"
        for role, examples in (("user", self.user_examples), ("item", self.item_examples)):
            if all(iso_seconds(text) is not None for text in examples):
                yield f"the {role} ids look like dates: is that the column of the {role}s? recsys init --{role} COLUMN"
        if self.n_ratings in SPREADSHEET_ROWS:
            yield f"{self.n_ratings:,} rows are all that a spreadsheet holds: is the file whole?"
        for no_id in self.no_ids:
            rows = f"the {no_id.role} id of {counted(no_id.n_rows, 'row')} is {no_id.text}"
            yield f"{rows}: if that stands for no {no_id.role}, take them out"

    def _describe_titles(self) -> Iterator[str]:
        items = self.items
        if items is None:
            return
        n = items.n_titles
        whose = "all items" if n == self.n_items else f"{n:,} of {counted(self.n_items, 'item')}"
        yield f"titles: {items.path.name}, for {whose}"
        if items.encoding is not None:
            yield f"{items.path.name} is read as {items.encoding}; if it is another: items_encoding in the config"

    def _describe_encoding(self) -> Iterator[str]:
        if self.example is not None:
            encoding = self.layout.facts["encoding"]
            word = f', in which one word is "{self.example}"' if self.example else ""
            yield f"{encoding} is a guess{word}; if it is another: recsys init --encoding NAME"

    def _describe_times(self) -> Iterator[str]:
        times = self.times
        if times is None:
            yield "no times"
            return
        yield f"times in {times.unit}, from {_day(times.first)} to {_day(times.last)}"
        if times.unit == "seconds" and times.last < LAST_OF_1979:
            yield "no time is after 1979: if these are no seconds since 1970, only their order is right"
        elif times.last > time():
            yield "the last time is in the future"
        if times.n_zero:
            yield f"{counted(times.n_zero, 'row')} with the time 0 or -1, which may stand for no time"

    def _describe_values(self) -> Iterator[str]:
        values, scale = self.values, self.scale
        if values is None or scale is None:
            yield "no ratings: columns.rating is set to false, so each row is an event such as a click"
            if self.layout.others:
                yield "if another column holds ratings or counts, name it: recsys init --rating COLUMN"
            return
        if scale.low == scale.high:
            yield f"all ratings are {_number(scale.low)}: columns.rating is set to false, so each row is an event"
            return
        step = f" in steps of {scale.step:g}" if scale.step and self.meaning == "ratings" else ""
        mean = f"{scale.mean:.3g}" if abs(scale.mean) < LARGE else _number(round(scale.mean))
        yield f"{self.meaning} from {_number(scale.low)} to {_number(scale.high)}{step}, mean {mean}"
        if values.outlier is not None and self.meaning == "ratings":
            yield f"a rating of {_number(values.outlier)} lies far above the others: correct it, or take the row out"
        if scale.low > EARLIEST_TIME and self.meaning == "ratings":
            yield "these look like times: is that the column of the ratings? recsys init --rating COLUMN"
        if self.meaning == "counts":
            yield "these are counts of events: rating_is is set to count; set it to rating if they are ratings"
            if scale.low == 0:
                yield "rows with a count of 0 are left out"
        if self.n_without_rating:
            rows = f"{counted(self.n_without_rating, 'row')} ({self.n_without_rating / self.n_ratings:.0%})"
            yield f"{rows} without a rating: no_rating is set, so each of them is an event"
        if self.likely_codes:
            codes, share = joined([str(code) for code in self.likely_codes]), f"{values.share_of_codes:.0%}"
            yield f'{codes} ({share} of the ratings) may stand for "no rating": if so, remove the # before no_rating'

    def _describe_repeats(self) -> Iterator[str]:
        n, ending = self.n_duplicates, "s" if self.n_duplicates == 1 else ""
        if n and self.meaning == "ratings":
            rule = "newest, so the row with the latest time" if self.keeps_newest else "last, so the last row"
            yield f"{counted(n, 'row')} rate{ending} a pair again: duplicates is set to {rule} counts"
            if 2 * n > self.n_ratings:
                yield "are these the columns of the users and the items? recsys init --user COLUMN --item COLUMN"
        elif n:
            yield f"{counted(n, 'row')} repeat{ending} a pair of user and item: the events of a pair are added up"

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
            "items": None if self.items is None else str(self.items.path),
            "n_titles": None if self.items is None else self.items.n_titles,
            **{f"{features.role}_features": features.to_dict() for features in self.features},
            "timestamps": vars(self.times) if self.times else None,
        }


def _ids(kind: type, examples: tuple[str, ...]) -> str:
    return f"{'whole numbers' if kind is int else 'texts'} such as {', '.join(examples)}"


def _number(value: float) -> str:
    """All digits of a whole number, six of another one."""
    return f"{value:,.0f}" if value == round(value) and abs(value) < LARGEST else f"{value:,.6g}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
