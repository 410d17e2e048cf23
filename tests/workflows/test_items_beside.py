"""`init` finds the titles that lie beside the ratings."""

from __future__ import annotations

from pathlib import Path

import pytest

import recsys
from recsys.config.loading.load import load_config

RATINGS = "userId,movieId,rating,x\n1,10,1,a\n2,20,2,b\n1,30,5,c\n"


@pytest.mark.parametrize(
    ("name", "text", "is_found"),
    [
        ("movies.csv", "movieId,title\n10,Ten\n20,Twenty\n30,Thirty\n", True),
        ("BX-Books.csv", "id;name\n10;Ten\n20;Twenty\n", True),
        ("movies.csv", "movieId,title\n7,Seven\n8,Eight\n", False),
        ("movies.csv", "movieId,title\n10,Ten,odd\n", False),
        ("links.csv", "movieId,title\n10,Ten\n20,Twenty\n30,Thirty\n", False),
    ],
)
def test_a_file_with_titles_of_the_first_items_is_written_into_the_config(
    tmp_path: Path, name: str, text: str, *, is_found: bool
) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / name).write_text(text)
    seen = recsys.init(tmp_path / "ratings.csv", tmp_path / "new.yaml")
    data = load_config(tmp_path / "new.yaml", []).data
    assert (data.items is not None) is is_found
    assert any(line.startswith(f"titles: {name}, for ") for line in seen.describe()) is is_found
    assert data.columns.timestamp is False


def test_an_items_file_that_is_named_is_taken(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "names.csv").write_text("movieId,title\n10,Ten\n")
    recsys.init(tmp_path / "ratings.csv", tmp_path / "new.yaml", items=str(tmp_path / "names.csv"))
    assert load_config(tmp_path / "new.yaml", []).data.items == tmp_path / "names.csv"


def test_the_columns_of_the_items_file_are_kept(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "names.csv").write_text("number,what,movieId\n10,Ten,1\n")
    named = {"item": "number", "title": "what"}
    recsys.init(tmp_path / "ratings.csv", tmp_path / "new.yaml", items=str(tmp_path / "names.csv"), item_columns=named)
    data = load_config(tmp_path / "new.yaml", []).data
    assert data.item_columns.model_dump() == named
    dataset = recsys.read_ratings(tmp_path / "ratings.csv", items=str(data.items), item_columns=named)
    assert dataset.catalogue.titles == {10: "Ten"}


def test_a_time_column_that_was_left_out_stays_out(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text("user,item,rating,timestamp\n1,1,1,\n2,2,2,soon\n")
    recsys.init(tmp_path / "ratings.csv", tmp_path / "new.yaml", columns={"timestamp": False})
    assert recsys.read_ratings(tmp_path / "ratings.csv", columns={"timestamp": False}).ratings.timestamp is None
    assert load_config(tmp_path / "new.yaml", []).data.columns.timestamp is False


def test_the_encoding_of_the_titles_is_said_and_written(tmp_path: Path) -> None:
    (tmp_path / "ratings.csv").write_text(RATINGS)
    (tmp_path / "movies.csv").write_bytes("movieId,title\n10,Amélie\n20,Zoë\n30,Señor\n".encode("latin-1"))
    seen = recsys.init(tmp_path / "ratings.csv", tmp_path / "new.yaml")
    assert "movies.csv is read as cp1252" in "\n".join(seen.describe())
    assert load_config(tmp_path / "new.yaml", []).data.items_encoding == "cp1252"
