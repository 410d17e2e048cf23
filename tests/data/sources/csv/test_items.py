"""Titles of the items, from a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import Note
from recsys.data.read import read_ratings

RATINGS = "userId,movieId,rating\n1,10,1\n2,20,2\n"


def titles(written: Any, tmp_path: Path, text: str, ratings: str = RATINGS, **options: Any) -> dict[int | str, str]:
    (tmp_path / "items.csv").write_bytes(text.encode(options.get("encoding", "utf-8")))
    return read_ratings(written(ratings, items=tmp_path / "items.csv", **options), ALONE).catalogue.titles


def test_titles_of_the_items_that_have_ratings(written: Any, tmp_path: Path) -> None:
    text = 'movieId,title,genres\n10,"American President, The (1995)",x\n20,,y\n30,Unrated,z\n010,Other,z\n'
    assert titles(written, tmp_path, text) == {10: "American President, The (1995)"}


def test_an_items_file_about_other_items_is_noted(written: Any, tmp_path: Path) -> None:
    notes: list[str] = []
    for ids in ("70", "10"):
        (tmp_path / "items.csv").write_text(f"movieId,title\n{ids},A\n")
        read_ratings(
            written(RATINGS, items=tmp_path / "items.csv"),
            ALONE,
            lambda event: notes.append(event.text) if isinstance(event, Note) else None,
        )
    assert notes == [f"{tmp_path / 'items.csv'} names none of the 2 items of the ratings"]


def test_the_name_of_the_column_in_the_ratings_comes_first(written: Any, tmp_path: Path) -> None:
    ratings = RATINGS.replace("movieId", "film")
    text = "movieId,film,name\n7,10,Ten\n8,20,Twenty\n"
    assert titles(written, tmp_path, text, ratings, columns={"item": "film"}) == {10: "Ten", 20: "Twenty"}


def test_string_ids_keep_their_zeros(written: Any, tmp_path: Path) -> None:
    ratings = "user,isbn,rating\n1,0345,1\n2,34X,2\n"
    assert titles(written, tmp_path, "ISBN;Title\n0345;A\n345;B\n34X;C\n", ratings) == {"0345": "A", "34X": "C"}


def test_the_items_file_may_have_another_delimiter_and_no_header(written: Any, tmp_path: Path) -> None:
    text = "10|Ä (1995)|01-Jan-1995\n20|B|\n"
    ratings = RATINGS.partition("\n")[2].replace(",", "\t")
    options: dict[str, Any] = {"delimiter": "\t", "header": False, "encoding": "latin-1"}
    assert titles(written, tmp_path, text, ratings, **options) == {10: "Ä (1995)", 20: "B"}


@pytest.mark.parametrize("ids", [("10.0", "20.0"), ("0010", "0020"), (" 10", "20 ")])
def test_ids_are_those_of_the_ratings_however_they_are_written(
    written: Any, tmp_path: Path, ids: tuple[str, str]
) -> None:
    text = f"id,name\n{ids[0]},Ten\n{ids[1]},Twenty\n"
    assert titles(written, tmp_path, text) == {10: "Ten", 20: "Twenty"}


def test_a_long_delimiter_may_stand_in_a_title(written: Any, tmp_path: Path) -> None:
    text = "10::Re::Zero, A::B (2016)::Comedy|Drama|War\n20::Ten::\n30::C::Comedy|Drama\n"
    (tmp_path / "movies.dat").write_text(text)
    data = written("1::10::3\n2::20::4\n", items=tmp_path / "movies.dat")
    read = read_ratings(data.model_copy(update={"items_encoding": "latin-1"}), ALONE).catalogue
    assert read.titles == {10: "Re::Zero, A::B (2016)", 20: "Ten"}


def test_a_quote_that_swallows_rows_is_refused_and_can_be_read_as_a_letter(written: Any, tmp_path: Path) -> None:
    rows = "".join(f"{k}\tn{k}\tz\n" for k in range(11, 16))
    (tmp_path / "items.tsv").write_text(f'id\ttitle\tx\n10\t"Weird Al\tz\n{rows}20\tthe band"\tz\n')
    data = written(RATINGS, items=tmp_path / "items.tsv")
    with pytest.raises(DataError, match="swallows") as caught:
        read_ratings(data, ALONE)
    assert "data.quotes: false" in str(caught.value.hint)
    titles = read_ratings(data.model_copy(update={"quotes": False}), ALONE).catalogue.titles
    assert titles[10] == '"Weird Al'


def test_the_items_file_has_an_encoding_of_its_own(written: Any, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes("movieId,title\n10,Zehn ö\n20,ü\n".encode("cp1252"))
    data = written("userId,movieId,rating,x\n1,10,1,é\n2,20,2,\n", items=tmp_path / "items.csv")
    read = read_ratings(data.model_copy(update={"items_encoding": "cp1252"}), ALONE).catalogue
    assert read.titles == {10: "Zehn ö", 20: "ü"}
    (tmp_path / "items.csv").write_bytes("movieId,title\n10,Zehn ö\n20,ü\n".encode())
    assert read_ratings(data, ALONE).catalogue.titles == {10: "Zehn ö", 20: "ü"}


def test_columns_may_be_named(written: Any, tmp_path: Path) -> None:
    text = "key,words\n10,Ten\n20,Twenty\n"
    assert titles(written, tmp_path, text, item_columns={"item": "key", "title": 2}) == {10: "Ten", 20: "Twenty"}


@pytest.mark.parametrize(
    ("text", "options", "hint"),
    [
        ("movieId,year\n10,x\n", {}, "say which it is: data.item_columns.title"),
        ("movieId,tilte\n10,x\n", {}, "data.item_columns.title: tilte"),
        ("foo,title\n10,x\n", {}, "data.item_columns.item"),
        ("movieId,title\n10,x\n", {"item_columns": {"title": "tite"}}, "data.item_columns.title: title"),
    ],
)
def test_a_missing_column_is_named(written: Any, tmp_path: Path, text: str, options: dict[str, Any], hint: str) -> None:
    with pytest.raises(DataError) as caught:
        titles(written, tmp_path, text, **options)
    assert caught.value.where == str(tmp_path / "items.csv")
    assert hint in str(caught.value.hint)


def test_a_ragged_items_file_is_refused(written: Any, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        titles(written, tmp_path, "movieId,title\n10,x\n20,Hello, Dolly!\n")
    assert caught.value.where == f"{tmp_path / 'items.csv'}:3"


def test_other_columns_are_kept_by_name_for_the_items_that_have_ratings(written: Any, tmp_path: Path) -> None:
    text = "movieId,title,genres,\n10,Ten,Drama|War,x\n20,,,y\n30,Unrated,Comedy,z\n20,Twenty,Comedy,\n"
    (tmp_path / "items.csv").write_text(text)
    read = read_ratings(written(RATINGS, items=tmp_path / "items.csv"), ALONE).catalogue
    assert read.titles == {10: "Ten", 20: "Twenty"}
    assert read.columns == {"genres": {10: "Drama|War", 20: "Comedy"}, "4": {10: "x", 20: "y"}}


def test_ids_may_be_their_own_titles(written: Any, tmp_path: Path) -> None:
    ratings = "user,movie,rating\n1,Ten,1\n2,Two,2\n"
    text = "movie,genres\nTen,Drama\n"
    options: dict[str, Any] = {"item_columns": {"item": "movie", "title": "movie"}}
    (tmp_path / "items.csv").write_text(text)
    read = read_ratings(written(ratings, items=tmp_path / "items.csv", **options), ALONE).catalogue
    assert (read.titles, read.columns) == ({"Ten": "Ten"}, {"genres": {"Ten": "Drama"}})
