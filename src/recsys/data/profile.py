"""What `recsys init` sees in a file of ratings, counts or clicks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.errors import DataError, nearest
from recsys.core.events import Observer, silent
from recsys.core.types import Indices, Times
from recsys.data.duplicates import repeated
from recsys.data.file_profile import FileProfile, NoId, TimeSpan
from recsys.data.ids import index_columns, refuse_scientific
from recsys.data.rating_values import Meaning, RatingValues
from recsys.data.read import read_table
from recsys.data.scale import check_largest, check_size
from recsys.data.sources.no_rating import USUAL
from recsys.data.sources.opening import open_source, source_of
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import ColumnRequest, OtherEncodingError
from recsys.data.sources.table import EVERYTHING, TimeUnit
from recsys.data.vocabulary import UNKNOWN, Vocabulary

N_EXAMPLES = 3
COLUMNS = ColumnRequest(EVERYTHING, optional=frozenset({"rating", "timestamp"}), drops_blank_times=True)
NO_IDS = ("NA", "N/A", "n/a", "NaN", "nan", "null", "NULL", "None", "none", "\\N", "<NA>", "#N/A", "undefined", "-")
"""What may stand where there is no id."""
EARLIEST_SPAN = 1e8  # seconds: March 1973; where most times are later, 0 is no time


def profile(origin: Origin, data: Data, observe: Observer = silent) -> FileProfile:
    """Reads a file of ratings or events and says what it holds; duplicates and equal ratings are reported, not refused.

    Args:
        origin: the file or the table; `data.ratings` is not looked at.
        data: what is known already: its columns, and how it is written. Where it does not say how the text is encoded,
            and that is not utf-8, it is guessed.
        observe: gets a `Loading` now and then, and one at the end.

    Raises:
        DataError: the file or a row of it cannot be used, or a column is not found.
    """
    try:
        return _profile(origin, data, observe)
    except OtherEncodingError as error:
        if error.guess is None or "encoding" in data.model_fields_set:
            raise
        guessed = data.model_copy(update={"encoding": error.guess})
        try:
            return replace(_profile(origin, guessed, observe), example=error.example)
        except DataError as other:
            guess = f"the encoding {error.guess} is a guess: init --encoding NAME"
            other.hint = guess if other.hint is None else f"{other.hint}; {guess}"
            raise


def _profile(origin: Origin, data: Data, observe: Observer) -> FileProfile:
    data = _as_found(origin, data, observe)
    source = open_source(origin, data, observe)
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
        files=origin if isinstance(origin, Path | tuple) else name_of(origin),
        source=source_of(origin),
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
        keeps_newest=double is not None and table.timestamp is not None and double.differ(table.timestamp),
        no_ids=(*_no_ids("user", user_idx, users), *_no_ids("item", item_idx, items)),
        values=values,
        times=_span(table.timestamp, table.time_unit),
        user_ids=users,
        item_ids=items,
    )


def _as_found(origin: Origin, data: Data, observe: Observer) -> Data:
    """How to read a file that may have no ratings, or a column of counts.

    Raises:
        DataError: no column of ratings is found, and one has nearly such a name.
    """
    data = data.model_copy(update={"no_rating": data.no_rating or USUAL})
    layout = open_source(origin, data, observe).layout(COLUMNS)
    if not data.has_ratings or "rating" in layout.names:
        return data
    counts = data.model_copy(update={"rating_is": "count"})
    if "rating" in open_source(origin, counts, observe).layout(COLUMNS).names:
        return counts
    if nearest("rating", [name for name in layout.others if isinstance(name, str)]):
        open_source(origin, data, observe).layout(ColumnRequest(EVERYTHING))
    return data


def _meaning(data: Data, values: RatingValues | None) -> Meaning:
    """What the rows are: as the config says, else as they look."""
    if values is None:
        return "clicks"
    if data.rating_is == "count":
        return "counts"
    return values.looks_like


def _span(timestamp: Times | None, unit: TimeUnit | None) -> TimeSpan | None:
    if timestamp is None or unit is None:
        return None
    n_zero = int(np.count_nonzero((timestamp == 0) | (timestamp == -1)))
    is_odd = 0 < n_zero < len(timestamp) and float(np.median(timestamp)) > EARLIEST_SPAN
    return TimeSpan(unit, float(timestamp.min()), float(timestamp.max()), n_zero if is_odd else 0)


def _no_ids(role: str, idx: Indices, ids: Vocabulary) -> Iterator[NoId]:
    if ids.id_type is str:
        for text, at in zip(NO_IDS, ids.index(NO_IDS).tolist(), strict=True):
            if at != UNKNOWN:
                yield NoId(role, text, int(np.count_nonzero(idx == at)))


def check_trainable(profile: FileProfile) -> None:
    """Refuses what `train` would refuse whatever the config says.

    Raises:
        DataError: all rows are of one user or one item, the ratings are too large, a count is below 0, or all are 0.
    """
    for n, role in ((profile.n_users, "user"), (profile.n_items, "item")):
        if n == 1:
            what = f"all {profile.n_ratings:,} rows are" if profile.n_ratings > 1 else "there is one row,"
            raise DataError(
                f"{what} of a single {role}",
                where=str(profile.path),
                expected=f"several {role}s",
                hint=f"is that the column of the {role}s? recsys init --{role} COLUMN",
            )
    scale = profile.scale
    if scale is not None and profile.meaning == "counts" and scale.low < 0:
        raise DataError(
            f"the counts reach from {scale.low:g} to {scale.high:g}",
            where=str(profile.path),
            expected="numbers of events, from 0 on",
            hint="take such rows out (returned goods, perhaps); if these are ratings: recsys init --rating COLUMN",
        )
    if scale is not None and profile.meaning == "counts" and scale.high == 0:
        raise DataError(
            "all counts are 0",
            where=str(profile.path),
            expected="numbers of events",
            hint="is that the column of the counts? recsys init --rating COLUMN",
        )
    if scale is not None:
        check = check_size if profile.meaning == "ratings" else check_largest
        check(scale.low, scale.high, profile.path)
