"""Where the ratings lie and how to read them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from recsys.config.schema.columns import Column
from recsys.config.schema.features import FeatureColumns
from recsys.core.files import STDIN
from recsys.core.section import Section, Words

LARGEST_CODE = 1e30
WholeCode = Annotated[int, Field(ge=-(10**30), le=10**30)]
NumberCode = Annotated[float, Field(ge=-LARGEST_CODE, le=LARGEST_CODE)]
Code = Annotated[WholeCode | NumberCode | str, Words("a number or text")]
MAX_LINE_BYTES = 16 << 20
FeaturesOrigin = Path | Literal["items", "frame"]
DuplicateRule = Literal["error", "last", "first", "newest", "count"]
SourceName = Literal["file", "frame", "stream"]
Files = Path | tuple[Path, ...]
"""A file or a stream, all files that fit a pattern such as parts/*.parquet, or several of these."""


READING = (
    "columns",
    "rating_is",
    "no_rating",
    "no_rating_rows",
    "duplicates",
    "delimiter",
    "header",
    "layout",
    "quotes",
    "decimal",
    "timestamp_format",
    "encoding",
    "max_line_bytes",
)
"""The keys of `data` that say how files are read into rows."""


def absolute_files(files: Files) -> Files:
    """The paths, from the root on."""
    return files.absolute() if isinstance(files, Path) else tuple(file.absolute() for file in files)


class Columns(Section):
    """Which column holds what: a name of the header, or a position that counts from 1."""

    user: Column | None = None
    """Column of the user ids; left out, common names are tried (userId, user_id, user, customer, …)."""
    item: Column | None = None
    """Column of the item ids; left out, common names are tried (movieId, item_id, item, isbn, …)."""
    rating: Column | Literal[False] | None = None
    """Column of the ratings; left out, common names are tried (rating, score, stars, …). false: no ratings are read,
    and each row is an event such as a click or a purchase."""
    timestamp: Column | Literal[False] | None = None
    """Column of the times: numbers or dates. Left out, common names are tried; false: none."""


class ItemColumns(Section):
    """Which column of the items file holds what."""

    item: Column | None = None
    """Column of the item ids; left out, the name that the ratings have for it, then common names."""
    title: Column | None = None
    """Column of the titles; left out, common names are tried (title, name, …)."""


class Data(Section):
    """The ratings file, or files that are split already."""

    ratings: Files | None = None
    """Ratings file (CSV, Parquet, Arrow or JSON lines), a pattern such as parts/*.parquet, a list of these, or "-" for
    standard input; train, valid and test are cut from it as `split` says."""
    train: Files | None = None
    """Ratings to train on, in place of `ratings`, when the parts are files of their own."""
    valid: Files | None = None
    """With `train`: ratings to choose by. Left out, they are cut from train."""
    test: Files | None = None
    """With `train`: ratings for the final figure."""
    prepared: Path | None = None
    """In place of `ratings` and `train`, or beside them as what it was made of: a folder that `recsys prepare` wrote,
    with the ratings read, split and sorted. What the config says of reading, `split` and `seed` has to agree with it;
    what it leaves out is taken from there."""
    source: SourceName = "file"
    """Where the ratings are. frame: a table in memory, which Python gives: recsys.train(config, data=FRAME). stream:
    they come through the pipe that is named above, or where none is, through standard input."""
    sha256: str | None = None
    """Checksum of the table in memory or the stream that a run was trained on; recsys writes it."""
    columns: Columns = Columns()
    """Which column holds what. Left out, common names are found."""
    rating_is: Literal["rating", "count"] = "rating"
    """What the ratings are: a rating, or a count of events, such as plays. Clicks and counts are learned by ranking
    alone: no rating is predicted. count with columns.rating: false: the rows of each pair are counted."""
    no_rating: tuple[Code, ...] = ()
    """Codes in the rating column that stand for "no rating"; such as 0, -1, NA or "" (an empty field)."""
    no_rating_rows: Literal["click", "drop"] = "click"
    """What a row with such a code is. click: an event, which counts for ranking and not for ratings; drop: left out."""
    items: Path | None = None
    """Titles for people: a file with item ids and titles, in any format that ratings may have."""
    item_columns: ItemColumns = ItemColumns()
    """Which column of the items file holds what."""
    item_features: FeaturesOrigin | None = None
    """What is known of the items beside their ratings: a file with item ids and columns of categories, numbers, dates
    or short texts, in any format that ratings may have. items: the columns of the items file. frame: a table in memory,
    which Python gives."""
    item_feature_columns: FeatureColumns = FeatureColumns()
    """Which column of that file holds what."""
    user_features: FeaturesOrigin | None = None
    """The same of the users."""
    user_feature_columns: FeatureColumns = FeatureColumns()
    """Which column of that file holds what."""
    features_for: Literal["new", "all"] = "new"
    """Whose predicted ratings go by features. new: those of items and users without training ratings; all: also where
    there are up to 100, by shares that validation ratings choose. A network learns from features in any case."""
    duplicates: Literal["auto", "error", "last", "first", "newest", "count"] = "auto"
    """What to do when a pair of user and item occurs twice. error: refuse the file; last, first: keep that row in it;
    newest: keep the row with the latest time; count: add the events up, with the latest time; auto: error for ratings,
    count for clicks and counts."""
    delimiter: Annotated[str, Field(min_length=1, max_length=8)] = "auto"
    """What stands between two fields, such as "," ";" "\\t" "|" or "::"; auto looks at the file."""
    header: Literal["auto"] | bool = "auto"
    """Whether the first line names the columns. Without, they count from 1: user, item, rating, timestamp."""
    layout: Literal["rows", "wide"] = "rows"
    """rows: a row for each rating. wide: a matrix with a row for each user and a column for each item; empty cells and
    codes for "no rating" are no ratings."""
    quotes: Literal["auto", "double", "backslash"] | Literal[False] = "auto"
    """How a quote stands in a quoted field: double: "" or backslash: \\"; auto looks at the file. false: no field is
    quoted, and a quote is a letter like any other."""
    decimal: Literal["auto", ".", ","] = "auto"
    """The decimal mark of ratings and times; the other one may then mark thousands. auto: a comma where the first rows
    have one, without thousands."""
    timestamp_format: str | None = None
    """How dates are written, by Python's strptime, such as "%d.%m.%Y %H:%M". Left out: numbers, ISO dates, and the
    usual forms, by all rows."""
    encoding: str = "utf-8"
    """How the text is encoded. A byte order mark is understood; init guesses where the file is not utf-8."""
    items_encoding: str = "auto"
    """How the items file and files of features are encoded; auto: utf-8 if they are, else guessed."""
    max_line_bytes: Annotated[int, Field(ge=256, le=2**30)] = MAX_LINE_BYTES
    """Longest line that is read of a text file, in utf-8, so that what has no lines does not fill the memory."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if () in (self.ratings, self.train, self.valid, self.test):
            raise PydanticCustomError("source", "an empty list names no ratings")
        if self.ratings is not None and self.train is not None:
            raise PydanticCustomError("source", "data.train excludes data.ratings: keep one of them")
        if self.source == "frame" and (self.ratings is not None or self.train is not None):
            raise PydanticCustomError("source", "data.source: frame excludes data.ratings and data.train")
        if self.prepared is not None and self.source != "file":
            raise PydanticCustomError("source", "data.prepared excludes data.source: {source}", {"source": self.source})
        if self.source == "file" and self.ratings is None and self.train is None and self.prepared is None:
            raise PydanticCustomError("source", "data.ratings is missing: it names the ratings file")
        if self.train is None and (self.valid is not None or self.test is not None):
            raise PydanticCustomError("source", "data.valid and data.test go with data.train, not with data.ratings")
        return self

    @model_validator(mode="after")
    def _features_are_somewhere(self) -> Self:
        if self.item_features == "items" and self.items is None:
            raise PydanticCustomError(
                "features",
                "item_features: items takes the columns of the items file, and data.items names none",
                {"key": "item_features"},
            )
        if self.features_for == "all" and self.item_features is None and self.user_features is None:
            raise PydanticCustomError(
                "features",
                "features_for: all needs features: name a file in item_features or user_features",
                {"key": "features_for"},
            )
        if self.user_features == "items":
            raise PydanticCustomError(
                "features", "user_features names a file of users, not that of the items", {"key": "user_features"}
            )
        return self

    @model_validator(mode="after")
    def _codes_of_a_column(self) -> Self:
        if self.no_rating and self.columns.rating is False:
            raise PydanticCustomError(
                "no_rating",
                "no_rating are codes in the rating column, and columns.rating: false reads none",
                {"key": "no_rating"},
            )
        return self

    @model_validator(mode="after")
    def _only_events_are_counted(self) -> Self:
        if self.duplicates == "count" and self.has_ratings:
            raise PydanticCustomError(
                "duplicates",
                "ratings cannot be added up: duplicates: count needs columns.rating: false, or rating_is: count",
                {"key": "duplicates"},
            )
        return self

    @property
    def files(self) -> dict[str, Files]:
        """By part what the ratings are read from, the one to train on first; none for a table or a prepared store."""
        return {} if self.prepared is not None else self.named_files

    @property
    def named_files(self) -> dict[str, Files]:
        """The same, perhaps as they were read for a prepared store."""
        if self.train is None:
            return {"train": self.ratings or STDIN} if self.ratings or self.source == "stream" else {}
        parts = {"train": self.train, "valid": self.valid, "test": self.test}
        return {part: files for part, files in parts.items() if files is not None}

    @property
    def has_ratings(self) -> bool:
        """Whether there are ratings to predict; clicks and counts are none."""
        return self.columns.rating is not False and self.rating_is == "rating"

    @property
    def duplicate_rule(self) -> DuplicateRule:
        """What to do when a pair occurs twice, by what the data is where `duplicates` is auto."""
        if self.duplicates == "auto":
            return "error" if self.has_ratings else "count"
        return self.duplicates

    @property
    def drops_unrated(self) -> bool:
        """Whether rows with a code for "no rating" are left out."""
        return bool(self.no_rating) and self.no_rating_rows == "drop"


def data_as_read(entry: Mapping[str, object]) -> Data:
    """How ratings were read, of which no file is named.

    Args:
        entry: the keys that say it.
    Raises:
        ValueError: what a value cannot be.
    """
    try:
        data = Data.model_validate({**entry, "source": "stream"})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"data.{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return data.model_copy(update={"source": "file"})
