"""Byte ranges hold every row once, in order, and know the line on which each begins."""

from __future__ import annotations

import gzip
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.sources.collect import collect
from recsys.data.sources.csv import ranges
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.csv.ranges import range_of
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.stored import WHOLE, ByteRange
from recsys.data.sources.table import EVERYTHING, Table

ALL = ColumnRequest(EVERYTHING)
HEADER = "user,item,rating,time\n"
ROWS = "".join(f"ü{k % 7},i{k},{k % 5},{k}\n" for k in range(60))
STEADY = settings(derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parts(data: Any, n_parts: int) -> list[Table]:
    """What each part gives."""
    return [collect(CsvSource(data.ratings, data, silent).batches(ALL, part, n_parts)) for part in range(n_parts)]


def raw_rows(table: Table) -> list[Any]:
    """The rows with raw ids."""
    if not table.n_rows:
        return []
    assert table.user is not None
    assert table.item is not None
    assert table.rating is not None
    ids = (column.texts[column.codes].tolist() for column in (table.user, table.item))
    return list(zip(*ids, table.rating.tolist(), strict=True))


@pytest.mark.parametrize("n_parts", [2, 3, 7, *(pytest.param(n, marks=pytest.mark.slow) for n in (100, 500))])
@pytest.mark.parametrize("start", [HEADER, "", "\n\n" + HEADER, "\ufeff" + HEADER, '"user","item",rating,time\n'])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("read", [3, 1 << 20])
def test_the_parts_in_order_are_the_whole(
    written: Any, monkeypatch: pytest.MonkeyPatch, n_parts: int, start: str, end: str, read: int
) -> None:
    monkeypatch.setattr(ranges, "READ", read)
    data = written((start + ROWS).replace("\n", end), header=bool(start))
    (whole,), cut = parts(data, 1), parts(data, n_parts)
    assert list(chain.from_iterable(map(raw_rows, cut))) == raw_rows(whole)
    assert max(table.n_rows for table in cut) <= 60 // n_parts + 3


@STEADY
@given(
    body=st.lists(st.sampled_from(["1,2,3\n", "44,55,1\r\n", "é,7,2\n", "\n", "\r\n"])).map("".join),
    n_parts=st.integers(2, 5),
)
def test_whatever_the_rows(written: Any, body: str, n_parts: int) -> None:
    data = written("user,item,rating\n1,1,1\n" + body)
    (whole,), cut = parts(data, 1), parts(data, n_parts)
    assert list(chain.from_iterable(map(raw_rows, cut))) == raw_rows(whole)


@pytest.mark.parametrize("n_parts", [2, 3, 5])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\r\n"])
def test_a_wrong_row_is_named_by_its_line_in_the_file(written: Any, n_parts: int, end: str) -> None:
    text = (HEADER + ROWS + "u,i,bad,1\n" + ROWS).replace("\n", end)
    data = written(text)
    with pytest.raises(DataError) as whole:
        parts(data, 1)
    with pytest.raises(DataError) as cut:
        parts(data, n_parts)
    assert cut.value.where == whole.value.where
    assert cut.value.where == f"{data.ratings}:{62 if len(end) < 3 else 123}: column rating"


@pytest.mark.parametrize("n_parts", [2, 3])
def test_undecodable_bytes_are_named_by_their_line_in_the_file(written: Any, n_parts: int) -> None:
    data = written((HEADER + ROWS).encode() + b"\xe9,1,1,1\n" + ROWS.encode())
    with pytest.raises(DataError, match="not text") as caught:
        parts(data, n_parts)
    assert caught.value.where == f"{data.ratings}:62"


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ((HEADER + ROWS + 'a,"b,c",1,2\n').encode(), {}),
        (gzip.compress((HEADER + ROWS).encode()), {}),
        ((HEADER + ROWS).encode("latin-1"), {"encoding": "latin-1"}),
        ((HEADER + ROWS).encode("utf-16"), {"encoding": "utf-16"}),
    ],
)
def test_a_file_that_cannot_be_cut_is_all_in_the_first_part(written: Any, content: bytes, options: Any) -> None:
    data = written(content, **options)
    dialect = find_dialect(data.ratings, data)
    assert [range_of(dialect, part, 3) for part in range(3)] == [WHOLE, None, None]
    (whole,), cut = parts(data, 1), parts(data, 3)
    assert [raw_rows(table) for table in cut] == [raw_rows(whole), [], []]


@pytest.mark.parametrize("end", ["", "\n\n\n\n", "\r\r\r", "   \n \n"])
def test_a_header_above_blank_lines_is_refused_by_a_part(written: Any, end: str) -> None:
    with pytest.raises(DataError, match="there is a header and nothing below it"):
        parts(written(HEADER + end), 3)


def test_quotes_mean_nothing_beside_a_long_delimiter(written: Any) -> None:
    data = written('a"::b::1\nc::"d::2\n' * 20, delimiter="::", header=False)
    assert [table.n_rows for table in parts(data, 2)] == [20, 20]


def test_a_file_of_fewer_bytes_than_parts_is_read_by_one(written: Any) -> None:
    assert sorted(table.n_rows for table in parts(written("1,2,3", header=False), 7)) == [0] * 6 + [1]


def test_a_part_of_a_plain_file_is_a_range_of_whole_lines(written: Any) -> None:
    data = written("1,2,3\n" * 10, header=False)
    dialect = find_dialect(data.ratings, data)
    assert [range_of(dialect, part, 3) for part in range(3)] == [
        ByteRange(0, 24),
        ByteRange(24, 42),
        ByteRange(42, 60),
    ]
