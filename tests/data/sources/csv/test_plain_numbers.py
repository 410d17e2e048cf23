"""The compiled loop reads plain numbers by itself, and leaves other rows to Arrow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from recsys.config.schema.data import Data
from recsys.core import kernels
from recsys.core.events import silent
from recsys.data.sources.collect import collect
from recsys.data.sources.csv import arrow_reader
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.csv.plain_numbers import PlainNumbers
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING, Role

COLUMNS: dict[Role, int] = {"user": 0, "item": 2, "rating": 3}


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> PlainNumbers:
    monkeypatch.setattr(kernels, "WORTHWHILE", 0)
    return PlainNumbers(COLUMNS, n_fields=4, delimiter=ord(","), has_quotes=True)


def test_columns_are_read_and_others_skipped(plain: PlainNumbers) -> None:
    arrays = plain.parse(b"7,a b,-12,3.5\n\n8,,0,-0.25\r\n9,\xc3\xa9,2147483647,4")
    assert arrays is not None
    assert [arrays[role].tolist() for role in COLUMNS] == [[7, 8, 9], [-12, 0, 2147483647], [3.5, -0.25, 4]]
    assert [arrays[role].dtype for role in COLUMNS] == [np.int32, np.int32, np.float32]


def test_rows_of_the_fewest_bytes_have_room(plain: PlainNumbers) -> None:
    arrays = plain.parse(b"1,,2,3\n" * 100 + b"1,,2,3")
    assert arrays is not None
    assert arrays["rating"].tolist() == [3.0] * 101


@pytest.mark.parametrize(
    "row",
    ["07,a,1,2", "-0,a,1,2", "2147483648,a,1,2", "x,a,1,2", ",a,1,2", "1,a,1,", "1,a,1,2,", "1,a,1", "1,a,1,1e3",
     "1,a,1,.5", "1,a,1,5.", "1,a,1,+5", "1,a, 1,2", "1,a,1,2 ", "1,a,1,nan", "1,a\rb,1,2", '1,"a",1,2', "1.0,a,1,2",
     "1,a,1,12345678901234567890", "99999999999999999999,a,1,2", "1,a,1,9007199254740993"],
)  # fmt: skip
def test_any_other_row_is_left_to_arrow(plain: PlainNumbers, row: str) -> None:
    assert plain.parse(b"1,a,1,2\n") is not None
    assert plain.parse(f"1,a,1,2\n{row}\n1,a,1,2\n".encode()) is None


@pytest.mark.parametrize("number", ["0.1", "4.35", "1234567.891", "-99.99", "123456789012345678", "0.000000000000001"])
def test_numbers_are_rounded_as_python_does(number: str) -> None:
    arrays = PlainNumbers({"timestamp": 0}, 2, ord(","), has_quotes=False).parse(f"{number},\n".encode())
    if arrays is None:
        assert abs(int(number.replace(".", ""))) > 2**53
    else:
        assert arrays["timestamp"].tolist() == [float(number)]


def test_from_the_first_other_row_on_arrow_reads(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(kernels, "WORTHWHILE", 0)
    monkeypatch.setattr(arrow_reader, "BLOCK", 64)
    parsed: list[bool] = []
    parse = PlainNumbers.parse

    def recorded(numbers: PlainNumbers, rows: bytes) -> object:
        columns = parse(numbers, rows)
        parsed.append(columns is not None)
        return columns

    monkeypatch.setattr(PlainNumbers, "parse", recorded)
    rows = [f"{k},{k % 7},{k % 5}" for k in range(200)]
    rows[100] = "100,2,1e0"
    (tmp_path / "r.csv").write_text("\n".join(rows))
    source = CsvSource(tmp_path / "r.csv", Data(ratings=tmp_path / "r.csv", header=False), silent)
    table = collect(source.batches(ColumnRequest(EVERYTHING), 0, 1))
    assert table.rating is not None
    assert table.rating.tolist() == [1.0 if k == 100 else float(k % 5) for k in range(200)]
    assert parsed[0]
    assert not all(parsed)
    assert len(parsed) < len((tmp_path / "r.csv").read_bytes()) / 64 - 5  # it gives up for good


@pytest.mark.parametrize(("n_bytes", "first"), [(1000, "1,1,1"), (1 << 30, "a,1,1")])
def test_small_files_and_other_ids_are_not_for_it(tmp_path: Path, n_bytes: int, first: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"{first}\n2,2,2\n")
    dialect = find_dialect(path, Data(ratings=path, header=False))
    assert PlainNumbers.of(dialect, {"user": 0, "item": 1, "rating": 2}, ",", n_bytes) is None
