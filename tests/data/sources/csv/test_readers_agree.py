"""The fast reader gives exactly what the reference reader gives, or leaves the rest of the file to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recsys.config.schema.data import Data
from recsys.core import kernels
from recsys.core.errors import RecsysError
from recsys.core.events import silent
from recsys.data.sources.batches import Batch
from recsys.data.sources.collect import collect
from recsys.data.sources.csv import arrow_reader
from recsys.data.sources.csv.arrow_reader import read_fast
from recsys.data.sources.csv.blocks import DoubtfulError
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.csv.reference_reader import read_slow
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.find_columns import find_columns
from recsys.data.sources.no_rating import NoRating
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING, Table

ALL = ColumnRequest(EVERYTHING)
SMALL_BLOCK = 24  # bytes: the fast reader stops after some of the rows
NOTHING = "there is a header and nothing below it: r.csv"
STEADY = settings(derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
IDS = st.sampled_from(
    ["1", "2", "03", "a", '"a"', '"x,y"', '"a""b"', '"a\nb"', '"a\r\nb"', "é", "a\u2028", "x y", '""""']
)
NUMBERS = st.one_of(
    st.sampled_from(["1", "2.5", "-3", "0", "1e5", "1E-3", " 4", '"3"', "1.", ".5", "+1", "00.5", "-0"]),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(repr),
    st.decimals(min_value=-100, max_value=100, allow_nan=False).map(str),
)
ODD_IDS = st.one_of(IDS, st.sampled_from(["", " ", 'a"b', '"', '"a"b', "\x85"]), st.text('ab",\n\r\t 1.é', max_size=4))
WHOLE_IDS = st.sampled_from(["1", "2", "-7", "0", "10", "2147483647", " 5", "\t6", "7 ", '"4"', '" 8"', "90071"])
ODD_WHOLE_IDS = st.sampled_from(
    ["007", "-0", "0x1F", "0X1", "-05", " 09", '"06"', '" 00"', '"-0"', "+3", "1.0", "2147483648", "x", "N", "-", "0a"]
)
ODD_NUMBERS = st.one_of(
    NUMBERS, st.sampled_from(["nan", "inf", "1e39", "3.4028235677973366e38", "1_0", "", "1,5", "١"])
)
CODES = st.sampled_from(["0", "-1", "0.0", "2.50", "NA", " NA", '"NA"', "", '""', "nan", "3", "x"])
PLAIN_IDS = st.one_of(st.integers(-(2**31) + 1, 2**31 - 1), st.integers(-12, 12)).map(str)
PLAIN_NUMBERS = st.one_of(
    st.decimals(min_value=-100, max_value=100, allow_nan=False, places=2).map(str),
    st.floats(-1e15, 1e15).map(lambda value: f"{value:.3f}"),
    st.integers(-(10**18), 10**18).map(str),
    st.sampled_from(["5", "0.5", "-0", "-0.0", "9007199254740992", "9007199254740993", "0.1234567890123456789"]),
)
NOT_PLAIN = [
    "2147483648,1,2,3", "01,1,2,3", "-0,1,2,3", "1,-,2,3", "1,+1,2,3", "1,1,.5,3", "1,1,5.,3", "1,1,1e5,3", "1,1, 2,3",
    "1,1,2,3 ", "1,1,2", "1,1,2,3,4", "1,1,2,", "1,,2,3", "1,1,inf,3", '1,1,"2",3', "1,1,2,3\r", "1\r,1,2,3", ",,,",
    "123456789012345678901,1,2,3", "1,1,1234567890123456789,3", "1,1,2.,3", "1,1,-,3", "1,1,--2,3", "\x00,1,2,3",
]  # fmt: skip
DATES = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(" ")),
    st.datetimes().map(lambda moment: moment.date().isoformat()),
    st.sampled_from(
        [
            "2024-01-01T10:30Z",
            "2024-01-01T10:30:00+02:00",
            "2024-01-01T10",
            "2024-01-01 10:30:00 UTC",
            "2024-01-01 GMT",
            "2024-02-30",
            " 2024-01-01",
        ]
    ),
)
GERMAN_DATES = st.one_of(
    st.dates().map(lambda day: f"{day.day}.{day.month:02}.{day.year:04}"),
    st.sampled_from(["1.13.2000", " 1.1.2000", "1"]),
)
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\r"])
HEADERS = st.sampled_from(["", "user,item,rating,time\n", "\nuser,item,rating,ts\r\n", '"us\ner",item,rating,ts\n'])


def lines(ids: Any, numbers: Any, times: Any, delimiter: str = ",") -> Any:
    """Texts of several rows."""
    row = st.tuples(ids, ids, numbers, times).map(delimiter.join)
    return st.lists(st.tuples(row, ENDS).map("".join), min_size=1, max_size=12).map("".join)


def seen(table: Table) -> list[Any]:
    """All that a table holds, bit by bit."""
    ids = [
        None if column is None else (column.codes.dtype, column.codes.tolist(), column.texts.tolist())
        for column in (table.user, table.item)
    ]
    numbers = [
        None if values is None else (values.dtype, values.tobytes()) for values in (table.rating, table.timestamp)
    ]
    return [ids, numbers, table.time_unit, table.n_rows]


def agree(path: Path, content: bytes, **options: Any) -> bool:
    """Asserts that all ways to read a file agree; whether the fast reader read all of it."""
    path.write_bytes(content)
    data = Data.model_validate({"ratings": path, **options})
    try:
        dialect = find_dialect(path, data)
        columns = find_columns(dialect, data.columns, ALL)
    except RecsysError:
        return False
    no_rating = NoRating.of(data.no_rating)
    slowly = outcome(lambda: read_slow(dialect, columns, silent, no_rating=no_rating))
    with mock.patch.object(arrow_reader, "BLOCK", SMALL_BLOCK):
        assert outcome(lambda: CsvSource(path, data, silent).batches(ALL, 0, 1)) == (slowly or NOTHING)
        in_parts = outcome(lambda: chain(*(CsvSource(path, data, silent).batches(ALL, part, 3) for part in range(3))))
        assert in_parts in (slowly, slowly or NOTHING)
    try:
        quickly = outcome(lambda: read_fast(dialect, columns, silent, no_rating=no_rating))
    except DoubtfulError:
        return False
    assert quickly == slowly
    with mock.patch.object(kernels, "WORTHWHILE", 0):
        assert outcome(lambda: read_fast(dialect, columns, silent, no_rating=no_rating)) == slowly
    return quickly is not None


def outcome(read: Callable[[], Iterator[Batch]]) -> list[Any] | str | None:
    """All that a reader gives, bit by bit, or what it says of the first wrong row; None if there are no rows."""
    try:
        table = collect(read())
    except RecsysError as error:
        return error.what if error.where is None else f"{error.what}: {error.where.rpartition('/')[2]}"
    return seen(table) if table.n_rows else None


@STEADY
@given(header=HEADERS, body=lines(IDS, NUMBERS, NUMBERS), encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_on_files_in_order(tmp_path: Path, header: str, body: str, encoding: str) -> None:
    agree(tmp_path / "r.csv", (header + body).encode(encoding), encoding=encoding, delimiter=",")


@STEADY
@given(header=HEADERS, body=lines(ODD_IDS, ODD_NUMBERS, st.one_of(ODD_NUMBERS, DATES)))
def test_on_files_with_oddities(tmp_path: Path, header: str, body: str) -> None:
    agree(tmp_path / "r.csv", (header + body).encode())


@STEADY
@given(
    odd=st.lists(ODD_WHOLE_IDS, max_size=2),
    body=lines(
        WHOLE_IDS, st.sampled_from(["0.5", "-0.5", "0", "3", "N"]), st.sampled_from(["2024-01-01", "2024-01-05 00:07"])
    ),
    delimiter=st.sampled_from([",", ";", "|", "\t", "::"]),
    n_whole=st.sampled_from([0, 50]),
)
def test_on_whole_ids(tmp_path: Path, odd: list[str], body: str, delimiter: str, n_whole: int) -> None:
    """With 50 rows in order before the odd ids: so many are looked at before the file is read."""
    text = "1,-20,0.5,2024-01-01\n" * n_whole + body
    text += "".join(f"{raw_id},3,4,2024-01-01\n5,{raw_id},4,2024-01-01\n" for raw_id in odd)
    is_read = agree(tmp_path / "r.csv", text.replace(",", delimiter).encode(), delimiter=delimiter, no_rating=("N",))
    assert is_read or "\r" in body.replace("\r\n", "") or (delimiter == "::" and '"' in text)


@STEADY
@given(
    rows=st.lists(st.tuples(PLAIN_IDS, PLAIN_IDS, PLAIN_NUMBERS, PLAIN_NUMBERS), min_size=1, max_size=12),
    odd=st.sampled_from([*NOT_PLAIN, None]),
    end=st.sampled_from(["\n", "\r\n", "\n\n", "\r\n\r\n"]),
    delimiter=st.sampled_from([",", ";", "|", "\t", "::", " "]),
)
def test_on_plain_numbers(
    tmp_path: Path, rows: list[tuple[str, ...]], odd: str | None, end: str, delimiter: str
) -> None:
    text = end.join(delimiter.join(row) for row in rows)
    if odd is not None:
        text += end + odd.replace(",", delimiter)
    agree(tmp_path / "r.csv", text.encode(), delimiter=delimiter, header=False)


@STEADY
@given(body=lines(IDS, NUMBERS, DATES))
def test_on_dates(tmp_path: Path, body: str) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter=",", columns={"timestamp": 4})


@STEADY
@given(body=lines(IDS, NUMBERS, GERMAN_DATES))
def test_on_dates_of_a_given_form(tmp_path: Path, body: str) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter=",", columns={"timestamp": 4}, timestamp_format="%d.%m.%Y")


@STEADY
@given(
    body=lines(st.sampled_from(["1", "a", '"b c"', "é"]), st.sampled_from(["1", "2,5", "1.200,5", "x"]), NUMBERS, "  "),
    decimal=st.sampled_from(["auto", ".", ","]),
)
def test_on_aligned_blanks_and_decimal_commas(tmp_path: Path, body: str, decimal: str) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter=" ", header=False, decimal=decimal)


@STEADY
@given(body=lines(ODD_IDS, NUMBERS, NUMBERS))
@pytest.mark.parametrize("quotes", [False, "backslash"])
def test_on_other_quotes(tmp_path: Path, body: str, quotes: bool | str) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter=",", header=False, quotes=quotes)


@STEADY
@given(body=lines(st.sampled_from(["a", "b:", 'x"y', '"q"', "é", ""]), NUMBERS, NUMBERS, delimiter="::"))
def test_on_long_delimiters(tmp_path: Path, body: str) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter="::", header=False)


@STEADY
@given(
    body=lines(IDS, st.one_of(CODES, CODES, ODD_NUMBERS), st.one_of(NUMBERS, CODES)),
    codes=st.lists(st.sampled_from([0, -1, 2.5, "NA", "", "nan", "3", " x"]), min_size=1),
)
def test_on_codes_for_no_rating(tmp_path: Path, body: str, codes: list[float | str]) -> None:
    agree(tmp_path / "r.csv", body.encode(), delimiter=",", header=False, no_rating=tuple(codes))


def test_the_fast_reader_reads_codes(tmp_path: Path) -> None:
    body = "".join(f"u{k},i{k % 7},{['3.5', '0', 'NA', '', '-1.0'][k % 5]},{k}\n" for k in range(50))
    assert agree(tmp_path / "r.csv", body.encode(), no_rating=(0, "NA", "", -1))
    data = Data.model_validate({"ratings": tmp_path / "r.csv", "no_rating": (0, "NA", "", -1)})
    rating = collect(CsvSource(tmp_path / "r.csv", data, silent).batches(ALL, 0, 1)).rating
    assert rating is not None
    assert np.isnan(rating).tolist() == [k % 5 > 0 for k in range(50)]


@STEADY
@given(scraps=st.lists(st.sampled_from(["1", ",", '"', "\n", "\r", "a", " ", '""', "1,2,3\n", '"1",2,3\n'])))
def test_on_scraps(tmp_path: Path, scraps: list[str]) -> None:
    text = "user,item,rating\n1,2,3\n" + "".join(scraps)
    agree(tmp_path / "r.csv", text.encode(), delimiter=",", header=True)


@STEADY
@given(content=st.binary(max_size=60))
def test_on_any_bytes(tmp_path: Path, content: bytes) -> None:
    agree(tmp_path / "r.csv", b"user,item,rating\n1,2,3\n" + content)


@pytest.mark.parametrize("block", [100, *(pytest.param(size, marks=pytest.mark.slow) for size in (64, 1000))])
@pytest.mark.parametrize("delimiter", [",", "::"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_across_the_edges_of_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, delimiter: str, quote: str
) -> None:
    monkeypatch.setattr(arrow_reader, "BLOCK", block)
    text = "".join(
        delimiter.join([f"{quote}u{k % 7}{quote}", f"{k}", f"{k % 5}.5", f"{k}"]) + "\r\n" for k in range(100)
    )
    assert agree(tmp_path / "r.csv", text.encode(), delimiter=delimiter, header=False)


@pytest.mark.parametrize("block", [6, 12, 24, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_below_the_header_is_part_of_an_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, encoding: str
) -> None:
    monkeypatch.setattr(arrow_reader, "BLOCK", block)
    text = "user,item,rating\n" + "1,2,3\n" * 6 + "\ufeff1,2,3\n\ufeffa,b,4\n"
    agree(tmp_path / "r.csv", text.encode(encoding))


@pytest.mark.parametrize("long", ["x" * 200_000, '"' + "x\n" * 100_000 + '"', '"' + 'a""\n' * 50_000 + '"'])
def test_a_long_field_of_a_column_that_is_not_read(tmp_path: Path, long: str) -> None:
    agree(tmp_path / "r.csv", f"user,item,rating,time,review\n1,2,3,4,x\n2,3,4,5,{long}\n3,4,5,6,\n".encode())
