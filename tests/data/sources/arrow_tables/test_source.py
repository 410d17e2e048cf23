"""Parquet, Arrow and JSON lines give what a CSV with the same rows gives, with the types that they have."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.interactions import Dataset
from recsys.data.profile import profile
from recsys.data.read import read_ratings
from recsys.data.sources.collect import collect
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING

COLUMNS: dict[str, Any] = {
    "userId": [7, 2, 7, 9],
    "movieId": ["b", "a", "a", "b"],
    "rating": [4.5, 3.0, 0.5, 2.0],
    "timestamp": [1000, 1001, 1002, 1003],
}
ROWS = [(7, "b", 4.5, 1000.0), (2, "a", 3.0, 1001.0), (7, "a", 0.5, 1002.0), (9, "b", 2.0, 1003.0)]


def write_parquet(table: pa.Table, path: Path) -> None:
    parquet.write_table(table, path, row_group_size=2)


def write_file(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_file(path, table.schema) as file:
        for batch in table.to_batches(max_chunksize=2):
            file.write_batch(batch)


def write_stream(table: pa.Table, path: Path) -> None:
    with pa.ipc.new_stream(path, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=3):
            stream.write_batch(batch)


def write_feather(table: pa.Table, path: Path) -> None:
    feather.write_feather(table, str(path), compression="lz4")


def write_lines(table: pa.Table, path: Path) -> None:
    path.write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))


def write_packed_lines(table: pa.Table, path: Path) -> None:
    write_lines(table, path)
    path.write_bytes(gzip.compress(path.read_bytes()))


WRITERS = (write_parquet, write_file, write_stream, write_feather, write_lines, write_packed_lines)
Write = Callable[[pa.Table, Path], None]


@pytest.fixture(params=WRITERS, ids=lambda write: write.__name__)
def write(request: pytest.FixtureRequest) -> Write:
    writer: Write = request.param
    return writer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ratings"


def rows_of(dataset: Dataset) -> list[tuple[Any, ...]]:
    return list(dataset.ratings.to_frame().itertuples(index=False, name=None))


def read(path: Path, table: dict[str, Any], **options: Any) -> Dataset:
    """What a Parquet file of these columns holds."""
    write_parquet(pa.table(table), path)
    return read_ratings(Data.model_validate({"ratings": path, **options}), ALONE)


def test_rows_and_fingerprint_of_every_format(write: Write, path: Path) -> None:
    write(pa.table(COLUMNS), path)
    dataset = read_ratings(Data(ratings=path), ALONE)
    assert rows_of(dataset) == ROWS
    assert dataset.fingerprints == {"ratings": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_the_parts_in_order_hold_every_row_once(write: Write, path: Path) -> None:
    write(pa.table(COLUMNS), path)
    source = open_source(path, Data(ratings=path), silent)
    parts = [collect(source.batches(ColumnRequest(EVERYTHING), part, 3)) for part in range(3)]
    assert [time for part in parts if part.timestamp is not None for time in part.timestamp] == COLUMNS["timestamp"]


def test_the_place_of_a_row_that_cannot_be_used(write: Write, path: Path) -> None:
    write(pa.table({**COLUMNS, "rating": [4.5, 3.0, None, 2.0]}), path)
    with pytest.raises(DataError, match="the rating is missing") as caught:
        read_ratings(Data(ratings=path), ALONE)
    place = ":3" if "lines" in write.__name__ else ": row 3"
    assert caught.value.where == f"{path}{place}: column rating"
    assert caught.value.hint == 'if it stands for no rating: data.no_rating: [""]; else take the row out'


def test_the_place_of_a_pair_that_is_rated_again(path: Path) -> None:
    with pytest.raises(DataError, match="before, in row 2") as caught:
        read(path, {**COLUMNS, "userId": [7, 2, 2, 9]})
    assert caught.value.where == f"{path}: row 3"


def test_a_profile_names_the_format(write: Write, path: Path) -> None:
    write(pa.table({**COLUMNS, "genre": list("wxyz")}), path)
    seen = profile(path, Data(ratings=path))
    assert (seen.n_ratings, seen.user_type, seen.item_type) == (4, int, str)
    assert seen.layout.columns == {"user": "userId", "item": "movieId", "rating": "rating", "timestamp": "timestamp"}
    assert seen.layout.others == ("genre",)
    assert seen.layout.facts["format"] in {"parquet", "arrow", "arrow-stream", "json-lines"}


def test_columns_are_named_as_for_csv(path: Path) -> None:
    columns = dict(zip(("who", "what", "how", "when"), COLUMNS.values(), strict=True))
    names = {"user": "who", "item": 2, "rating": "how", "timestamp": False}
    assert [row[:3] for row in rows_of(read(path, columns, columns=names))] == [row[:3] for row in ROWS]
    with pytest.raises(DataError, match="the file has the columns who, what, how, when"):
        read(path, columns)


def test_two_columns_of_one_name_are_refused(path: Path) -> None:
    table = pa.table(list(COLUMNS.values()), names=["userId", "movieId", "rating", "rating"])
    write_file(table, path)
    with pytest.raises(DataError, match="there are 2 columns called 'rating'"):
        read_ratings(Data(ratings=path), ALONE)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        (["07", "2", "7"], ["07", "2", "7"]),
        (["7", "2", "3"], ["2", "3", "7"]),
        ([7.0, 2.0, 3.0], [2, 3, 7]),
        (pa.array([7, 2, 3], pa.uint8()), [2, 3, 7]),
        (pa.array([7, 2, 3]).dictionary_encode(), [2, 3, 7]),
        (pa.array(["x", "y", "z"], pa.string_view()), ["x", "y", "z"]),
        ([Decimal(7), Decimal(2), Decimal(3)], [2, 3, 7]),
    ],
    ids=["zeros", "numbers as texts", "floats", "uint8", "dictionary", "views", "decimals"],
)
def test_ids_keep_their_type(path: Path, ids: Any, expected: list[Any]) -> None:
    dataset = read(path, {"user": ids, "item": [1, 2, 1], "rating": [1, 2, 3]})
    assert dataset.ratings.users.ids.tolist() == expected


@pytest.mark.parametrize(
    ("ids", "what"),
    [
        ([1.5, 2.0, 3.0], "the id 1.5 is not a whole number"),
        ([1, None, 3], "an id is missing"),
        (["a", " ", "b"], "an id is empty"),
        ([[1], [2], [3]], "column user holds values of type list"),
    ],
)
def test_ids_that_are_none(path: Path, ids: Any, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read(path, {"user": ids, "item": [1, 2, 1], "rating": [1, 2, 3]})


@pytest.mark.parametrize(
    "ratings",
    [
        [1, 2, 5],
        ["1", "2.0", " 5 "],
        [Decimal("1.0"), Decimal("2.0"), Decimal("5.0")],
        pa.array([1, 2, 5], pa.int8()),
        pa.array([1, 2, 5]).dictionary_encode(),
    ],
)
def test_ratings_of_any_type_of_numbers(path: Path, ratings: Any) -> None:
    dataset = read(path, {"user": [1, 2, 3], "item": [1, 2, 1], "rating": ratings})
    assert dataset.ratings.rating.dtype == np.float32
    assert dataset.ratings.rating.tolist() == [1, 2, 5]


@pytest.mark.parametrize(
    ("ratings", "codes"),
    [
        ([1, 0, 5], [0]),
        ([1, None, 5], [""]),
        ([1.0, np.nan, 5.0], [""]),
        (["1", "NA", "5"], ["NA"]),
        (["1", None, "5"], ["NaN"]),
    ],
)
def test_codes_for_no_rating(path: Path, ratings: Any, codes: list[Any]) -> None:
    columns = {"user": [1, 2, 3], "item": [1, 2, 1], "rating": ratings}
    dataset = read(path, columns, no_rating=tuple(codes))
    assert np.isnan(dataset.ratings.rating).tolist() == [False, True, False]


def test_ratings_that_are_none(path: Path) -> None:
    for rating, what in ((None, "the rating is missing"), (np.inf, "inf is not a finite number")):
        with pytest.raises(DataError, match=what):
            read(path, {"user": [1, 2, 3], "item": [1, 2, 1], "rating": [1.0, rating, 3.0]}, no_rating=(99,))
    with pytest.raises(DataError, match="'NA' is not a number") as caught:
        read(path, {"user": [1, 2, 3], "item": [1, 2, 1], "rating": ["1", "NA", "3"]})
    assert caught.value.where == f"{path}: row 2: column rating"
    with pytest.raises(DataError, match="column rating holds values of type bool") as caught:
        read(path, {"user": [1, 2], "item": [1, 2], "rating": [True, False]})
    assert str(caught.value.hint).startswith("write 1 for true and 0 for false")


def test_clicks_and_counts(path: Path) -> None:
    clicks = read(path, {"user": [1, 2, 1], "item": [1, 2, 1], "kind": list("abc")}, columns={"rating": False})
    assert len(clicks.ratings) == 2
    counts = read(path, {"user": [1, 2, 1], "item": [1, 2, 1], "plays": [3, 4, 5]}, rating_is="count")
    assert counts.ratings.rating.tolist() == [4, 8]


EMPTY_TIME = (
    '{"user": 1, "item": 1, "rating": 1, "timestamp": "1000"}\n{"user": 2, "item": 2, "rating": 2, "timestamp": ?}\n'
)
MOMENT = datetime(2020, 1, 2, 3, 4, 5, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (pa.array([MOMENT] * 3, pa.timestamp("ns", "Europe/Berlin")), MOMENT.timestamp()),
        (pa.array([MOMENT] * 3, pa.timestamp("us")), MOMENT.timestamp()),
        ([date(2020, 1, 2)] * 3, datetime(2020, 1, 2, tzinfo=UTC).timestamp()),
        (pa.array([date(2020, 1, 2)] * 3, pa.date64()), datetime(2020, 1, 2, tzinfo=UTC).timestamp()),
        (["2020-01-02T03:04:05.5Z"] * 3, MOMENT.timestamp()),
        (["1577934245.5"] * 3, MOMENT.timestamp()),
        ([1577934245500] * 3, MOMENT.timestamp()),
        ([1577934245.5] * 3, MOMENT.timestamp()),
    ],
)
def test_times_are_seconds(path: Path, times: Any, expected: float) -> None:
    dataset = read(path, {"user": [1, 2, 3], "item": [1, 2, 1], "rating": [1, 2, 3], "timestamp": times})
    assert dataset.ratings.timestamp is not None
    assert dataset.ratings.timestamp.tolist() == [expected] * 3


@pytest.mark.parametrize(
    "times",
    [
        ["2020-01-01", "soon", "x"],
        [1, None, 3],
        [1.0, np.inf, 2.0],
        ["7", "2020-01-01", "8"],
        ["2020-01-01", " ", "2020-01-01"],
        [MOMENT, None, MOMENT],
    ],
)
def test_times_that_are_none(path: Path, times: Any) -> None:
    with pytest.raises(DataError, match="row 2: column timestamp"):
        read(path, {"user": [1, 2, 3], "item": [1, 2, 1], "rating": [1, 2, 3], "timestamp": times})


@pytest.mark.parametrize("year", [1678, 2261])
@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_a_timestamp_in_a_year_that_cannot_be_right(path: Path, unit: str, year: int) -> None:
    times = pa.array([MOMENT, datetime(year, 6, 1, tzinfo=UTC)], pa.timestamp(unit))
    with pytest.raises(DataError, match=f"the time is in the year {year}") as caught:
        read(path, {"user": [1, 2], "item": [1, 2], "rating": [1, 2], "timestamp": times})
    assert caught.value.where == f"{path}: row 2"
    assert caught.value.expected == "times in one unit in all rows, from 1900 to 2100"


@pytest.mark.parametrize(
    ("suffix", "write"),
    [
        ("csv", lambda path: path.write_text("user,item,rating,timestamp\n1,1,1,1000\n2,2,2,\n")),
        ("jsonl", lambda path: path.write_text(EMPTY_TIME.replace("?", '""'))),
        ("null.jsonl", lambda path: path.write_text(EMPTY_TIME.replace("?", "null"))),
        (
            "parquet",
            lambda path: write_parquet(
                pa.table({"user": [1, 2], "item": [1, 2], "rating": [1, 2], "timestamp": [1, None]}), path
            ),
        ),
        (
            "text.parquet",
            lambda path: write_parquet(
                pa.table({"user": [1, 2], "item": [1, 2], "rating": [1, 2], "timestamp": ["1", ""]}), path
            ),
        ),
    ],
)
def test_an_empty_time_is_refused_in_every_format(tmp_path: Path, suffix: str, write: Callable[[Path], Any]) -> None:
    path = tmp_path / f"r.{suffix}"
    write(path)
    with pytest.raises(DataError, match=r"the time is (empty|missing)") as caught:
        read_ratings(Data(ratings=path), ALONE)
    assert "without times: data.columns.timestamp: false (init: --no-timestamp)" in str(caught.value.hint)
    assert caught.value.where is not None
    assert caught.value.where.endswith((":3: column timestamp", ":2: column timestamp", "row 2: column timestamp"))


def test_texts_that_are_not_utf8(path: Path) -> None:
    item = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    with pytest.raises(DataError, match="is not text in utf-8"):
        read(path, {"user": [1, 2, 3], "item": item, "rating": [1, 2, 3]})


@pytest.mark.parametrize("write_table", [write_parquet, write_file, write_stream], ids=lambda write: write.__name__)
def test_damaged_files(write_table: Write, path: Path) -> None:
    write_table(pa.table({**COLUMNS, "userId": COLUMNS["userId"]}), path)
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError, match="it cannot be read: ") as caught:
        read_ratings(Data(ratings=path), ALONE)
    assert caught.value.where == str(path)


def test_a_table_without_rows(path: Path) -> None:
    with pytest.raises(DataError, match="there are columns and no rows"):
        read(path, {name: pa.array(values)[:0] for name, values in COLUMNS.items()})


def test_a_parquet_file_that_is_compressed_as_a_whole(path: Path) -> None:
    write_parquet(pa.table(COLUMNS), path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(DataError, match="it is compressed by gzip as a whole"):
        read_ratings(Data(ratings=path), ALONE)


TITLES = {"movieId": ["a", "b", "c"], "title": ["Ä", "B", "C"], "genres": [["x", "y"], [], None], "year": [1, None, 3]}


def test_titles_and_other_columns_of_items(write: Write, tmp_path: Path) -> None:
    items = tmp_path / "items"
    table = pa.table({**TITLES, "pictures": [[{"url": "u"}]] * 3})
    write(table, items)
    catalogue = read(tmp_path / "ratings", COLUMNS, items=items).catalogue
    assert catalogue.titles == {"a": "Ä", "b": "B"}
    assert catalogue.columns["year"] == {"a": "1"}
    assert catalogue.columns["genres"] == {"a": "x|y"}
    assert "pictures" not in catalogue.columns


def test_ids_of_items_that_are_floats_or_missing(tmp_path: Path) -> None:
    write_parquet(pa.table({"item": [2.0, None, 1.0], "title": ["two", "none", "one"]}), tmp_path / "items")
    ratings = {"user": [1, 2, 3], "item": [1, 2, 1], "rating": [1, 2, 3]}
    assert read(tmp_path / "ratings", ratings, items=tmp_path / "items").catalogue.titles == {1: "one", 2: "two"}
