"""Ids that are read as whole numbers are those that read back as they are written."""

from __future__ import annotations

from pathlib import Path

import pytest

from recsys.config.schema.data import Data
from recsys.core.events import silent
from recsys.data.sources.batches import CodedIds, WholeIds
from recsys.data.sources.csv import arrow_reader, whole_ids
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.csv.whole_ids import has_odd_zeros
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING

PLACES = ["{},2{d}3", "1{d}{}{d}3", "1{d}2{d}{}", "7{d}8{d}9\n{}{d}2{d}3\n", '7{d}8{d}"9"\r\n1{d}2{d}{}\r\n']


@pytest.mark.parametrize("odd", ["007", "-0", "-007", "0x1F", "0X1", " 09", "\t00", ' "06"', '"-0"', '" -05"', "  -0"])
@pytest.mark.parametrize("delimiter", [",", ";", "|", "\x1f"])
@pytest.mark.parametrize("place", PLACES)
def test_odd_zeros_are_seen_wherever_they_stand(
    monkeypatch: pytest.MonkeyPatch, odd: str, delimiter: str, place: str
) -> None:
    rows = place.replace("{d}", delimiter).replace(",", delimiter).replace("{}", odd).encode()
    assert has_odd_zeros(rows, ord(delimiter))
    monkeypatch.setattr(whole_ids, "CHUNK", 3)
    assert has_odd_zeros(rows, ord(delimiter))


@pytest.mark.parametrize(
    "usual", ["0", "-5", "0.5", "-0.5", "10", "-20", "2005-09-06", "2005-09-06 00:07:01", "a0", "x -07"]
)
@pytest.mark.parametrize("delimiter", [",", ";", "|", "\t"])
@pytest.mark.parametrize("place", PLACES)
def test_other_zeros_are_not_odd(usual: str, delimiter: str, place: str) -> None:
    rows = place.replace("{d}", delimiter).replace(",", delimiter).replace("{}", usual).encode()
    assert not has_odd_zeros(rows, ord(delimiter))


@pytest.mark.parametrize(
    ("user", "item", "kinds"),
    [
        ("1", "-20", (WholeIds, WholeIds)),
        ("1", "a", (WholeIds, CodedIds)),
        ("2147483648", "2147483647", (CodedIds, WholeIds)),
        ("-2147483648", "07", (CodedIds, CodedIds)),
        ("1.0", "5", (CodedIds, WholeIds)),
    ],
)
def test_columns_of_whole_numbers_are_read_as_such(
    tmp_path: Path, user: str, item: str, kinds: tuple[type, type]
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"user,item,rating\n{user},{item},1\n")
    [batch] = CsvSource(path, Data(ratings=path), silent).batches(ColumnRequest(EVERYTHING), 0, 1)
    assert (type(batch.user), type(batch.item)) == kinds


def test_ids_are_texts_from_the_first_block_on_in_which_one_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrow_reader, "BLOCK", 60)
    monkeypatch.setattr(arrow_reader, "THREADS", 1)  # another thread may have begun the block behind
    path = tmp_path / "r.csv"
    path.write_text("user,item,rating\n" + "".join(f"{raw_id},5,1\n" for raw_id in [*range(100), "x", *range(100)]))
    batches = list(CsvSource(path, Data(ratings=path), silent).batches(ColumnRequest(EVERYTHING), 0, 1))
    kinds = [type(batch.user) for batch in batches]
    assert kinds == sorted(kinds, key=[WholeIds, CodedIds].index)
    assert kinds[0] is WholeIds
    assert kinds[-1] is CodedIds
