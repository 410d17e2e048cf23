"""Encodings that the config does not name: by a mark, by NUL bytes, else guessed, and said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recsys.core.errors import DataError
from recsys.core.events import Note
from recsys.data.profile import profile
from recsys.data.sources.csv.encodings import guess_encoding
from recsys.data.sources.opening import read_catalogue
from recsys.data.vocabulary import Vocabulary

CZECH = ["Dvořák", "Šárka", "Łukasz", "Żółć", "Święty"]
RUSSIAN = ["Война и мир", "Анна Каренина", "Идиот", "Вишнёвый сад"]
JAPANESE = ["千と千尋の神隠し", "となりのトトロ", "もののけ姫"]
WESTERN = ["Amélie", "Der Schüler", "Señor"]


def table(names: list[str]) -> str:
    rows = "".join(f"{row},{names[row % len(names)]} {row},{row % 5 + 1}\n" for row in range(40))
    return f"user,item,rating\n{rows}"


@pytest.mark.parametrize(
    ("names", "written_in", "guess"),
    [
        (WESTERN, "latin-1", "cp1252"),
        (["Zoë"], "latin-1", "cp1252"),
        (["Bücher-7X"], "cp1252", "cp1252"),
        (["L’été – “fin”"], "cp1252", "cp1252"),
        (CZECH, "cp1250", "cp1250"),
        (CZECH, "iso8859-2", "iso8859_2"),
        (RUSSIAN, "cp1251", "cp1251"),
        (RUSSIAN, "koi8-r", "koi8_r"),
        (JAPANESE, "shift-jis", "cp932"),
        (JAPANESE, "euc-jp", "euc_jp"),
        (["用户", "电影", "评分"], "gb18030", "gb18030"),
        (["霸王别姬", "卧虎藏龙", "英雄"], "gb18030", "gb18030"),
        (["臥虎藏龍", "悲情城市", "英雄"], "big5", "big5"),
        (["기생충", "올드보이", "살인의 추억"], "euc-kr", "cp949"),
        (["Ο Κυνόδοντας", "Ζορμπάς", "Στέλλα"], "cp1253", "cp1253"),
        (["Kış Uykusu", "Yılmaz Güney", "İklimler"], "cp1254", "cp1254"),
        (WESTERN, "cp850", "cp850"),
        (WESTERN, "utf-16-le", "utf-16-le"),
        (WESTERN, "utf-16-be", "utf-16-be"),
    ],
)
def test_an_encoding_is_guessed_and_said(written: Any, names: list[str], written_in: str, guess: str) -> None:
    data = written(table(names).encode(written_in))
    seen = profile(data.ratings, data)
    assert (seen.layout.facts["encoding"], seen.item_examples[0]) == (guess, f"{names[0]} 0")
    assert f"{guess} is a guess" in "\n".join(seen.describe())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_mark_and_utf_8_are_no_guess(written: Any, encoding: str) -> None:
    data = written(table(WESTERN).encode(encoding))
    seen = profile(data.ratings, data)
    assert seen.layout.facts["encoding"] == encoding.removesuffix("-sig")
    assert "guess" not in "\n".join(seen.describe())


def test_bytes_below_the_first_rows_and_in_packed_files_are_looked_at(tmp_path: Path) -> None:
    import gzip

    path = tmp_path / "r.csv"
    path.write_bytes(b"user,item,rating\n" + b"1,2,3\n" * 10_000 + "5,Zoë,3\n".encode("latin-1"))
    assert guess_encoding(path) == "cp1252"
    packed = tmp_path / "r.csv.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert guess_encoding(packed) == "cp1252"


def test_an_encoding_that_is_named_is_not_guessed(written: Any) -> None:
    data = written(table(WESTERN).encode("cp1252"), encoding="ascii")
    with pytest.raises(DataError, match="is not text in ascii"):
        profile(data.ratings, data)


def test_what_looks_like_no_text_is_not_guessed(written: Any) -> None:
    data = written(b"\x89PNG\r\n\x1a\n\xff\xfe\xfd" + bytes(100))
    with pytest.raises(DataError) as caught:
        profile(data.ratings, data)
    assert "is this a text file?" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("ratings_in", "titles", "titles_in"),
    [("utf-8", JAPANESE, "cp932"), ("cp1252", RUSSIAN, "cp1251"), ("latin-1", WESTERN, "latin-1")],
)
def test_the_items_file_has_an_encoding_of_its_own(
    written: Any, tmp_path: Path, ratings_in: str, titles: list[str], titles_in: str
) -> None:
    data = written("", encoding=ratings_in)
    path = tmp_path / "movies.csv"
    rows = "".join(f"{row},{titles[row % len(titles)]}\n" for row in range(30))
    path.write_bytes(f"item,title\n{rows}".encode(titles_in))
    notes: list[Any] = []
    catalogue = read_catalogue(path, data, None, Vocabulary(_ids(30)), notes.append)
    assert catalogue.titles[1] == titles[1]
    is_as_the_ratings = ratings_in == titles_in
    assert [isinstance(note, Note) for note in notes] == ([] if is_as_the_ratings else [True])


def _ids(n: int) -> Any:
    import numpy as np

    return np.arange(n)
