"""JSON lines as people write them: values of changing types, keys that are missing, blank lines, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data.interactions import Dataset
from recsys.data.read import read_ratings
from recsys.data.sources.arrow_tables import json_lines

LINES = ['{"user": 1, "item": "x", "rating": 4}', '{"user": 2, "item": "y", "rating": 5}']


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ratings.jsonl"


def read(path: Path, *lines: str, **options: Any) -> Dataset:
    path.write_text("\n".join(lines))
    return read_ratings(Data.model_validate({"ratings": path, **options}), ALONE)


@pytest.fixture
def short_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types are known by the first two lines, and a block is a line or two."""
    monkeypatch.setattr(json_lines, "SAMPLE", 2)
    monkeypatch.setattr(json_lines, "BLOCK", 50)


@pytest.mark.usefixtures("short_sample")
def test_numbers_may_get_a_fraction_after_the_sample(path: Path) -> None:
    assert read(path, *LINES, '{"user": 3, "item": "x", "rating": 4.5}').ratings.rating.tolist() == [4, 5, 4.5]


@pytest.mark.usefixtures("short_sample")
def test_numbers_that_become_texts_after_the_sample_make_all_ids_texts(path: Path) -> None:
    ratings = read(path, *LINES, "", '{"user": "3b", "item": "x", "rating": 1, "price": "?"}').ratings
    assert ratings.users.ids.tolist() == ["1", "2", "3b"]


def test_numbers_in_and_without_quotes_are_ratings_alike(path: Path) -> None:
    assert read(path, *LINES, '{"user": 3, "item": "x", "rating": "1.5"}').ratings.rating.tolist() == [4, 5, 1.5]


def test_a_list_for_an_id(path: Path) -> None:
    with pytest.raises(DataError, match="user is a list or an object here") as caught:
        read(path, *LINES, "", '{"user": [3], "item": "x", "rating": 1}', "")
    assert caught.value.where == f"{path}:4"


def test_other_keys_may_hold_anything(path: Path) -> None:
    others = (
        '{"user": 3, "item": "x", "rating": 1, "price": 3}',
        '{"user": 4, "item": "x", "rating": 1, "price": [1]}',
    )
    assert len(read(path, *LINES, *others).ratings) == 4


def test_a_missing_key_is_a_missing_value(path: Path) -> None:
    with pytest.raises(DataError, match="the rating is missing") as caught:
        read(path, *LINES, "", "  ", '{"user": 3, "item": "x"}')
    assert caught.value.where == f"{path}:5: column rating"


@pytest.mark.parametrize(
    ("line", "what"),
    [('{"user": 3', "this line is not JSON"), ("[3]", "this line holds no JSON object"), ("", "all ratings are of")],
)
def test_lines_that_are_no_objects(path: Path, line: str, what: str) -> None:
    with pytest.raises(DataError, match=what):
        read(path, LINES[0], line)


def test_texts_that_look_like_dates_stay_ids(path: Path) -> None:
    lines = [line.replace('"x"', '"2001-01-01"').replace('"y"', '"2002-01-01"') for line in LINES]
    assert read(path, *lines).ratings.items.ids.tolist() == ["2001-01-01", "2002-01-01"]


def test_a_byte_order_mark_is_skipped(path: Path) -> None:
    assert len(read(path, "\ufeff" + LINES[0], LINES[1]).ratings) == 2


def test_ids_beyond_int64_are_texts(path: Path) -> None:
    lines = [line.replace('"user": ', '"user": 1234567890123456789') for line in LINES]
    assert read(path, *lines).ratings.users.ids.tolist() == ["12345678901234567891", "12345678901234567892"]


@pytest.mark.parametrize("number", [1, 3], ids=["first", "third"])
def test_a_line_that_is_too_long(path: Path, number: int) -> None:
    long = f'{{"user": 3, "item": "{"x" * 300}", "rating": 1}}'
    with pytest.raises(DataError, match="this line is longer than 256 bytes") as caught:
        read(path, *(LINES * 9)[: number - 1], long, *LINES, max_line_bytes=256)
    assert caught.value.where == f"{path}:{number}"


def test_an_object_that_is_nested_without_end(path: Path) -> None:
    with pytest.raises(DataError, match="it is nested too deeply"):
        read(path, f'{{"user": 1, "x": {"[" * 100_000}')
