"""A text file as a source: places of rows, fingerprint, layout, and who reads which rows."""

from __future__ import annotations

import contextlib
import hashlib
from typing import Any

import pytest

from recsys.core.errors import DataError
from recsys.core.events import Note, silent
from recsys.data.sources.csv import arrow_reader, reference_reader, source
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.protocol import ColumnRequest, beside
from recsys.data.sources.table import EVERYTHING

ALL = ColumnRequest(EVERYTHING)
SESSION = ColumnRequest(frozenset({"user", "item", "rating"}), optional=frozenset({"user"}), as_trained=True)


def opened(data: Any) -> CsvSource:
    return CsvSource(data.ratings, data, silent)


def test_rows_are_located_by_line_in_any_order(written: Any) -> None:
    data = written('user,item,rating\n1,1,1\n\n"a\nb",2,2\n3,3,3\n4,4,4\n')
    of_row = [2, 4, 6, 7]
    file = opened(data)
    for row in (0, 1, 3, 2, 2, 0, 3, 3):
        assert file.locate(row) == f"{data.ratings}:{of_row[row]}"


def test_rows_that_rise_are_located_in_one_pass(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    data, n_read = written("user,item,rating\n" + "1,1,1\n" * 50), 0

    def counted(*given: Any) -> Any:
        nonlocal n_read
        for row in reference_reader.rows(*given):
            n_read += 1
            yield row

    monkeypatch.setattr(source, "rows", counted)
    file = opened(data)
    assert [file.locate(row).rpartition(":")[2] for row in (9, 29)] == ["11", "31"]
    assert n_read == 30


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ('b"c,1,2', "a quote within a field"),
        ("b,1,1_0", "rows that Arrow does not take: "),
        (" ,1,2", "an id that is blank"),
    ],
)
@pytest.mark.parametrize("least", [0, 10**9])
def test_a_large_file_that_is_read_slowly_is_noted_once(
    written: Any, monkeypatch: pytest.MonkeyPatch, row: str, why: str, least: int
) -> None:
    monkeypatch.setattr(source, "SLOW_BYTES", least)
    monkeypatch.setattr(reference_reader, "BATCH", 2)
    monkeypatch.setattr(arrow_reader, "BLOCK", 100)
    data = written("a,1,2\n" * 90 + f"{row}\n" + "a,1,2\n" * 9, header=False)
    notes: list[str] = []
    file = CsvSource(data.ratings, data, lambda event: notes.append(event.text) if isinstance(event, Note) else None)
    with contextlib.suppress(DataError):
        assert sum(batch.n_rows for batch in file.batches(ALL, 0, 1)) == 100
    assert len(notes) == (least == 0)
    for note in notes:
        assert note.startswith(f"{data.ratings}: read by the slow reader from row ")
        assert why in note


def test_the_fingerprint_is_that_of_the_bytes(written: Any) -> None:
    data = written("1,2,3\n")
    assert opened(data).fingerprint() == hashlib.sha256(b"1,2,3\n").hexdigest()
    assert opened(data).is_repeatable


def test_the_reference_reader_reads_on_where_the_fast_one_stops(written: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow_reader, "BLOCK", 60)
    data = written("user,item,rating\n" + "".join(f"u{k},i{k},{k}\n" for k in range(30)) + 'u"x,i30,30\n')
    batches = list(opened(data).batches(ALL, 0, 1))
    assert len(batches) > 3
    assert [rating for batch in batches for rating in batch.rating.tolist()] == list(range(31))
    assert batches[-1].user is not None
    assert batches[-1].user.texts.utf8.tobytes().endswith(b'u"x')


@pytest.mark.parametrize("n_rows", [1, 3, 7])
def test_the_reference_reader_gives_batches(written: Any, monkeypatch: pytest.MonkeyPatch, n_rows: int) -> None:
    monkeypatch.setattr(reference_reader, "BATCH", n_rows)
    data = written("user,item,rating\n" + "".join(f'u"{k},i,{k}\n' for k in range(7)))
    batches = list(opened(data).batches(ALL, 0, 1))
    assert [batch.n_rows for batch in batches[:-1]] == [n_rows] * (len(batches) - 1)
    assert [rating for batch in batches for rating in batch.rating.tolist()] == list(range(7))
    assert 0 < batches[0].share <= batches[-1].share == 1


def test_rows_are_read_again(written: Any) -> None:
    file = opened(written("1,2,3\n4,5,6\n"))
    first, second = ([batch.n_rows for batch in file.batches(ALL, 0, 1)] for _ in range(2))
    assert first == second == [2]


def test_the_layout_names_columns_as_the_file_and_as_a_config_does(written: Any) -> None:
    layout = opened(written("user,item,rating,rating,note\n1,1,1,2,x\n", columns={"rating": 4})).layout(ALL)
    assert layout.columns == {"user": "user", "item": "item", "rating": 4}
    assert layout.names == {"user": "user", "item": "item", "rating": "rating"}
    assert layout.others == ("rating", "note")
    without = opened(written("1,2,3\n")).layout(ALL)
    assert without.columns == {"user": 1, "item": 2, "rating": 3}
    assert without.names == dict.fromkeys(without.columns)


@pytest.mark.parametrize(
    ("text", "columns", "expected"),
    [
        ("item,rating\n1,2\n", {}, {"item": "item", "rating": "rating"}),
        ("customer,item,rating\n1,2,3\n", {}, {"user": "customer", "item": "item", "rating": "rating"}),
        ("item,rating\n1,2\n", {"user": 1, "item": 2, "rating": 3}, {"item": "item", "rating": "rating"}),
        ("who,item,rating\n1,2,3\n", {"user": "who"}, {"user": "who", "item": "item", "rating": "rating"}),
        ("10,4.5\n", {"user": 1, "item": 2, "rating": 3}, {"item": 1, "rating": 2}),
        ("7,10,4.5\n", {"user": 2, "item": 1, "rating": 3}, {"user": 2, "item": 1, "rating": 3}),
    ],
)
def test_an_optional_column_of_users_may_be_missing(written: Any, text: str, columns: Any, expected: Any) -> None:
    assert opened(written(text, columns=columns)).layout(SESSION).columns == expected


def test_a_column_that_is_not_optional_has_to_be_there(written: Any) -> None:
    with pytest.raises(DataError, match="no column of ratings"):
        opened(written("item,user\n1,2\n")).layout(SESSION)


def test_a_place_is_a_line_beside_another_in_the_same_file() -> None:
    assert beside("a/r.csv:3", "a/r.csv:9") == "line 3"
    assert beside("a/r.csv:3", "b/r.csv:9") == "a/r.csv:3"
    assert beside("row 3", "row 9") == "row 3"
