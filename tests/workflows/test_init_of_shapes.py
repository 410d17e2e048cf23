"""Files in the shapes that people publish: what `init` says of each, and that what it writes can be trained on."""

# ruff: noqa: E501  (a case, a line)

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import recsys
from recsys.config.loading.load import load_config
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.data.read import read_ratings

ROWS = [
    (user, item, (user * item) % 5 + 1, 1_500_000_000 + 90_000 * user * item) for user in range(6) for item in range(8)
]
HEAD = "user,item,rating\n"
Row = Callable[[int, int, int, int], Sequence[object]]


def table(row: Row, head: str = HEAD, sep: str = ",", end: str = "\n") -> str:
    return head.replace("\n", end) + "".join(sep.join(map(str, row(*values))) + end for values in ROWS)


PLAIN = table(lambda u, i, r, t: (u, i, r))
JESTER = "".join(
    f"{sum(k % 3 != 0 for k in range(8))},"
    + ",".join("99" if k % 3 == 0 else f"{(u * k) % 20 - 9.5}" for k in range(8))
    + "\n"
    for u in range(6)
)
PIVOT = (
    "userId,"
    + ",".join(map(str, range(10, 18)))
    + "\n"
    + "".join(
        f"{u}," + ",".join(str((u * k) % 5 + 1) if (u + k) % 3 else "" for k in range(8)) + "\n" for u in range(6)
    )
)
BX = "".join(f'"{u}";"00{i}{"ü" * (i == 3)}";"{r * (u % 2)}"\r\n' for u, i, r, _ in ROWS)
BX_BOOKS = '"ISBN";"Book-Title"\r\n' + "".join(f'"00{i}";"Ein \\"schönes\\" Buch; {i}"\r\n' for i in range(8))
SWALLOWED = table(
    lambda u, i, r, t: (u, f"artist {i}" if (u, i) not in ((1, 1), (4, 4)) else f'"x{u}' if u == 1 else f'y{u}"', r),
    "user\titem\trating\n",
    "\t",
)
CASES: dict[str, tuple[str | bytes, Mapping[str, Any], str]] = {
    "bx": (('"User-ID";"ISBN";"Book-Rating"\r\n' + BX).encode("latin-1"), {}, 'cp1252 is a guess, in which one word is "003ü"'),
    "bx, 0": (('"User-ID";"ISBN";"Book-Rating"\r\n' + BX).encode("latin-1"), {}, '0 (50% of the ratings) may stand for "no rating"'),
    "anime": (table(lambda u, i, r, t: (u, i, -1 if i % 2 else 2 * r), "user_id,anime_id,rating\n"), {}, "-1 (50% of the ratings)"),
    "myanimelist": (table(lambda u, i, r, t: (f"n{u}", i, 12, 0 if i % 2 else r, t), "username,anime_id,my_watched_episodes,my_score,my_last_updated\n"), {}, "rating: my_score"),
    "jester": (JESTER, {"layout": "wide"}, "users: rows numbered from 1; 8 columns of items"),
    "jester, 99": (JESTER, {"layout": "wide"}, '99 (38% of the ratings) may stand for "no rating"'),
    "pivot": (PIVOT, {"layout": "wide"}, "as a wide matrix (users: column userId; 8 columns of items)"),
    "comments": ("# exported by a job\n# 2024-01-01\n" + PLAIN, {}, "a header, rows from line 4"),
    "epinions": ("".join(f"   {u}      {i}  {r}\n" for u, i, r, _ in ROWS), {}, "no header, delimiter ' '"),
    "konect": ("% bip weighted\n% 600 40 50\n" + table(lambda *row: row, "", " "), {}, "times in seconds"),
    "matrix market": ("%%MatrixMarket matrix coordinate real general\n6 8 48\n" + table(lambda u, i, r, t: (u, i, r), "", " "), {}, "no header, delimiter ' '"),
    "sep=": ("sep=;\n" + PLAIN.replace(",", ";"), {}, "delimiter ';'"),
    "carets": (PLAIN.replace(",", "^"), {}, "delimiter '^'"),
    "tildes": (table(lambda u, i, r, t: (u, i, r), "", "~"), {}, "delimiter '~'"),
    "fixed width": (table(lambda u, i, r, t: (f"{u:<10}{i:<10}{r:<6}",), "user      item      rating\n"), {}, "columns: user: user, item: item, rating: rating"),
    "backslash": (table(lambda u, i, r, t: (u, f'"The \\"Film\\" {i}"', r)), {}, 'texts such as The "Film" 0'),
    "index": ("".join(f"{k},{u},{i},{r}\n" for k, (u, i, r, _) in enumerate(ROWS)), {}, "column 1 numbers the rows"),
    "blank after comma": (PLAIN.replace(",", ", "), {}, "whole numbers such as 0, 1, 2"),
    "movietweetings": (table(lambda u, i, r, t: (u, f"{i:07}", r, t), "", "::"), {}, "delimiter '::'"),
    "amazon": (table(lambda u, i, r, t: (f"A{u}", f"B{i}", f"{r}.0", t * 1000 + 7), "user_id,parent_asin,rating,timestamp\n"), {}, "times in milliseconds"),
    "amazon, json lines": ("".join(json.dumps({"rating": r, "asin": f"B{i}", "parent_asin": f"C{i}", "user_id": u}) + "\n" for u, i, r, _ in ROWS), {}, "item: parent_asin"),
    "quotes": (SWALLOWED, {"quotes": False}, "48 ratings of 10 items by 6 users"),
    "excel": ("\ufeff" + table(lambda u, i, r, t: (u, i, f"{r},5"), "user;item;rating\n", ";", "\r\n"), {}, "ratings from 1.5 to 5.5 in steps of 1"),
    "excel, german": (table(lambda u, i, r, t: (u, i, r, f"{i + 13}.12.2024"), "Benutzer;Artikel;Bewertung;Datum\n", ";"), {}, "times in dates, from 2024-12-13 to 2024-12-20"),
    "excel, thousands": (table(lambda u, i, r, t: (u, i, f'"1,{r}00"')), {"decimal": "."}, "ratings from 1,100 to 1,500"),
    "excel, cp1252": (table(lambda u, i, r, t: (f"Zoë {u}", i, r)).encode("cp1252"), {}, 'cp1252 is a guess, in which one word is "Zoë"'),
    "excel, unicode text": (table(lambda u, i, r, t: (f"Zoë {u}", i, r), sep="\t", head="user\titem\trating\n").encode("utf-16"), {}, "utf-16"),
    "NA": (table(lambda u, i, r, t: (u, i, r if i else "NA")), {}, "6 rows (12%) without a rating: no_rating is set"),
    "null": (table(lambda u, i, r, t: (u, i, r if i else "\\N")), {}, "6 rows (12%) without a rating: no_rating is set"),
    "empty": (table(lambda u, i, r, t: (u, i, r if i else "")), {}, "6 rows (12%) without a rating: no_rating is set"),
    "microseconds": (table(lambda u, i, r, t: (u, i, r, t * 10**6 + i), "user,item,rating,timestamp\n"), {}, "times in microseconds, from 2017"),
    "nanoseconds": (table(lambda u, i, r, t: (u, i, r, t * 10**9 + i), "user,item,rating,timestamp\n"), {}, "times in nanoseconds, from 2017"),
    "YYYYMMDD": (table(lambda u, i, r, t: (u, i, r, 20240101 + i), "user,item,rating,timestamp\n"), {}, "times in YYYYMMDD, from 2024-01-01 to 2024-01-08"),
    "day first": (table(lambda u, i, r, t: (u, i, r, f"{i + 13}/01/2024"), "user,item,rating,timestamp\n"), {}, "times in dates, from 2024-01-13"),
    "times left out": (table(lambda u, i, r, t: (u, i, r, "soon"), "user,item,rating,timestamp\n"), {"columns": {"timestamp": False}}, "no times"),
    "blanks around ids": (table(lambda u, i, r, t: (f" {u} ", i, r)), {}, "user ids: whole numbers such as 0, 1, 2"),
    "ids as floats": (table(lambda u, i, r, t: (f"{u}.0", f"{i}.0", r)), {}, "user ids: whole numbers such as 0, 1, 2"),
    "one row per user": ("".join(f"{k},{k % 7},{k % 5 + 1}\n" for k in range(2, 60)), {}, "no user has a second row"),
    "plays": (table(lambda u, i, r, t: (u, i, r**7)), {}, "these are counts of events: rating_is is set to count"),
    "recbole": (table(lambda u, i, r, t: (u, i, r, t), "user_id:token\titem_id:token\trating:float\ttimestamp:float\n", "\t"), {}, "user: user_id, item: item_id"),
    "newest first": (table(lambda u, i, r, t: (u, i % 4, r, 2_000_000_000 - t), "user,item,rating,timestamp\n"), {}, "24 rows rate a pair again: duplicates is set to newest"),
    "german points": (table(lambda u, i, r, t: (u, i, f"{r},5"), "Benutzer;Produkt;Punkte\n", ";"), {}, "rating: Punkte"),
    "japanese": (table(lambda u, i, r, t: (u, i, r), "利用者,映画,点数\n"), {}, "user: 利用者, item: 映画, rating: 点数"),
    "german counts": (table(lambda u, i, r, t: (u, i, r), "Kundennr.;Artikelnr.;Menge\n", ";"), {}, "rating: Menge"),
    "a survey": (table(lambda u, i, r, t: (u, i, r, t), "E-Mail-Adresse,Produkt,Punktzahl,Zeitstempel\n"), {}, "user: E-Mail-Adresse"),
    "gzip without its name": (gzip.compress(PLAIN.encode()), {}, "gzip"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_file_is_seen_as_what_it_is_and_its_config_can_be_read(tmp_path: Path, case: str) -> None:
    content, options, line = CASES[case]
    path = tmp_path / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    seen = recsys.init(path, tmp_path / "config.yaml", **options)
    assert line in "\n".join(seen.describe())
    dataset = read_ratings(load_config(tmp_path / "config.yaml", []).data, ALONE)
    assert len(dataset.ratings) + dataset.n_duplicates == seen.n_ratings


def test_parquet_is_read(tmp_path: Path) -> None:
    columns = zip(*ROWS, strict=True)
    names = ["user_id", "parent_asin", "rating", "timestamp"]
    parquet.write_table(pa.table(dict(zip(names, map(list, columns), strict=True))), tmp_path / "r.parquet")
    assert "written with Parquet" in recsys.init(tmp_path / "r.parquet", tmp_path / "config.yaml").describe()


def archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        info = tarfile.TarInfo("r.csv")
        info.size = len(PLAIN)
        tar.addfile(info, io.BytesIO(PLAIN.encode()))
    return file.getvalue()


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as whole:
        for name in names:
            whole.writestr(name, PLAIN)
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array(ROWS))
    return file.getvalue()


REFUSED: dict[str, tuple[str | bytes, str, str]] = {
    "jester": (JESTER, "this looks like a wide matrix", "data.layout: wide (init: --layout wide)"),
    "pivot": (PIVOT, "this looks like a wide matrix", "data.layout: wide (init: --layout wide)"),
    "netflix": ("1:\n14,3,2005-03-02\n15,4,2005-09-02\n2:\n14,5,2005-01-01\n", "as in the Netflix prize", "awk -F,"),
    "libfm": ("3 23:1 78:1\n2 25:1 70:1\n", "libFM", "user,item,rating"),
    "footer": (f"{PLAIN}(48 rows)\n", 'no row: "(48 rows)"', "head -n 49 FILE > NEW"),
    "psql": ("user | item | rating\n-----+------+------\n" + table(lambda u, i, r, t: (u, i, r), "", " | ") + "(48 rows)\n", "no row", "head -n 50 FILE"),
    "nul": (PLAIN.replace("0,1", "0\0,1"), "a NUL byte", "tr -d"),
    "quotes": (SWALLOWED, "an id has a line break in it", "data.quotes: false (init: --quotes none)"),
    "thousands": (table(lambda u, i, r, t: (u, i, f'"1,{r}00"')), "is not a number", "--decimal ."),
    "stars": (table(lambda u, i, r, t: (u, i, f"{r} stars")), "'1 stars' is not a number", "1 for 1 stars"),
    "percent": (table(lambda u, i, r, t: (u, i, f"{r}%")), "'1%' is not a number", "1 for 1%"),
    "slash": (table(lambda u, i, r, t: (u, i, f"{r}/5")), "'1/5' is not a number", "1 for 1/5"),
    "some times empty": (table(lambda u, i, r, t: (u, i, r, t if i else ""), "user,item,rating,timestamp\n"), "the time is empty", "--no-timestamp"),
    "mixed units": (table(lambda u, i, r, t: (u, i, r, t if i else t * 1000), "user,item,rating,timestamp\n"), "in the year 4", "--no-timestamp"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(99), "this is a 7z archive", "unpack"),
    "lz4": (b"\x04\x22\x4d\x18" + bytes(99), "compressed by lz4", "unpack"),
    "tar.gz": (archive(), "a tar archive", "unpack"),
    "zip of two": (zipped("a.csv", "b.csv"), "the archive holds a.csv and b.csv", "unpack"),
    "npy": (array(), "a NumPy array", "DATAFRAME"),
    "pickle": (pickle.dumps(ROWS, protocol=4), "a Python pickle", "DATAFRAME"),
    "json array": (json.dumps([{"user": 1, "item": 2}]), "a JSON array", "lines=True"),
    "scientific": (table(lambda u, i, r, t: (f"9.1{u}E+18", i, r)), "the user id 9.10E+18 is a number in scientific notation", "as text"),
    "huge": (table(lambda u, i, r, t: (u, i, f"{r}e30")), "the ratings reach from 1e+30 to 5e+30", "divide them"),
    "one row": (f"{HEAD}1,2,3\n", "there is one row, of a single user", "--user COLUMN"),
    "titles": ("movieId,title\n1,Heat\n", "no column of user ids was found", "recsys init RATINGS --items"),
    "empty file": ("", "the file is empty", ""),
    "header alone": (HEAD, "there is a header and nothing below it", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_named_with_what_to_do(tmp_path: Path, case: str) -> None:
    content, what, hint = REFUSED[case]
    path = tmp_path / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError) as caught:
        recsys.init(path, tmp_path / "config.yaml")
    assert what in caught.value.what
    assert hint in str(caught.value.hint or "")
    assert not (tmp_path / "config.yaml").exists()


@pytest.mark.parametrize(
    ("titles", "n"),
    [
        ("item,title\n" + "".join(f"{i}.0,Film {i}\n" for i in range(8)), 8),
        ("item,title\n" + "".join(f"{i:05},Film {i}\n" for i in range(8)), 8),
        ("item, title\n" + "".join(f"{i}, Film {i}\n" for i in range(8)), 8),
        ("id,name\n" + "".join(f"{i},Film {i}\n" for i in range(8)), 8),
        (",title,movieId\n" + "".join(f"{i},Film {i},{i}\n" for i in range(8)), 8),
        ("item,title\n70,Film\n", 0),
        ("".join(f"{i}::Re::Zero {i} (2016)::Drama\n" for i in range(8)), 8),
        (BX_BOOKS.replace('"00', '"'), 8),
    ],
)
def test_titles_are_counted_by_the_ids_of_the_ratings(tmp_path: Path, titles: str, n: int) -> None:
    (tmp_path / "ratings.csv").write_text(PLAIN)
    (tmp_path / "names.csv").write_bytes(titles.encode("latin-1"))
    seen = recsys.init(tmp_path / "ratings.csv", tmp_path / "config.yaml", items=str(tmp_path / "names.csv"))
    assert f"titles: names.csv, for {'all items' if n == 8 else f'{n} of 8 items'}" in seen.describe()


def test_a_matrix_is_read_from_text_alone_and_its_columns_are_not_all_listed(tmp_path: Path) -> None:
    names = ["user", *(f"film {number}" for number in range(300))]
    table = pa.table({name: [1.0, 2.0] for name in names})
    parquet.write_table(table, tmp_path / "m.parquet")
    with pytest.raises(DataError) as caught:
        recsys.init(tmp_path / "m.parquet", tmp_path / "config.yaml")
    assert "film 10, … (301 in all)" in caught.value.what
    assert "melt" in str(caught.value.hint)
    with pytest.raises(DataError, match="text files alone"):
        recsys.init(tmp_path / "m.parquet", tmp_path / "config.yaml", layout="wide")
