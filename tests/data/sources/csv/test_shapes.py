"""Text files in the shapes that people have: each is read as the plain file is, by both readers."""

from __future__ import annotations

from typing import Any

import pytest

from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.read import read_ratings
from recsys.data.sources.collect import collect
from recsys.data.sources.csv.dialect import find_dialect
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING

ROWS = [(7, 30, 4.5), (12, 10, 3), (7, 10, 0.5)]
BODY = "7,30,4.5\n12,10,3\n7,10,0.5\n"
HEAD = "user,item,rating\n"


def rows_in(data: Any) -> list[tuple[Any, ...]]:
    ratings = read_ratings(data, ALONE).ratings
    ids = ratings.users.ids[ratings.user_idx].tolist(), ratings.items.ids[ratings.item_idx].tolist()
    return list(zip(*ids, ratings.rating.tolist(), strict=True))


SHAPES = {
    "blanks around ids": "user,item,rating\n 7 , 30,4.5\n12 ,10,3\n7,\t10,0.5\n",
    "ids as floats": "user,item,rating\n7.0,30.0,4.5\n12.0,10.0,3\n7,10.00,0.5\n",
    "sep=": "sep=;\n" + (HEAD + BODY).replace(",", ";"),
    "quoted sep=": '"sep=;"\r\n' + (HEAD + BODY).replace(",", ";"),
    "comments": "# exported by a job\n\n# 2024-01-01, \"nightly\n" + HEAD + BODY,
    "a header in a comment": "# weights of 2024\n#user\titem\trating\n" + BODY.replace(",", "\t"),
    "konect": "% bip weighted\n% 3 2 2\n" + BODY.replace(",", " "),
    "matrix market": "%%MatrixMarket matrix coordinate real general\n%\n40 50 3\n" + BODY.replace(",", " "),
    "aligned blanks": "user   item   rating \n7      30     4.5\n 12     10     3\n7      10     0.5    \n",
    "blanks in front": "   7      30  4.5\n  12      10  3\n   7      10  0.5",
    "carets": (HEAD + BODY).replace(",", "^"),
    "tildes": BODY.replace(",", "~"),
    "a drawn line": " user | item | rating \n------+------+-----\n  7 | 30 | 4.5 \n  12 | 10 | 3 \n  7 | 10 | 0.5 \n",
    "markdown": "| user | item | rating |\n|---|:--|--:|\n| 7 | 30 | 4.5 |\n| 12 | 10 | 3 |\n| 7 | 10 | 0.5 |\n",
    "recbole": "user_id:token\titem_id:token\trating:float\n" + BODY.replace(",", "\t"),
    "decimal commas": "user;item;rating\n7;30;4,5\n12;10;3\n7;10;0,5\n",
    "quoted decimal commas": 'user,item,rating\n7,30,"4,5"\n12,10,"3"\n7,10,"0,5"\n',
    "amazon": BODY.replace("7,", "7,x,").replace("12,", "12,y,").join(["user_id,asin,parent_asin,rating\n", ""]),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_a_file_is_read_as_the_plain_one(written: Any, shape: str) -> None:
    assert rows_in(written(SHAPES[shape])) == ROWS


@pytest.mark.parametrize(
    ("body", "columns", "options", "expected"),
    [
        ('1,"The \\"Film\\"",3\n2,"C:\\\\",4\n', {}, {}, [(1, 'The "Film"', 3), (2, "C:\\", 4)]),
        ('1,"Weird Al,3\n2,band",4\n', {}, {"quotes": False}, [(1, '"Weird Al', 3), (2, 'band"', 4)]),
        ('1,"C:\\",3\n2,b,4\n', {}, {}, [(1, "C:\\", 3), (2, "b", 4)]),
        ('1,2,"1,300"\n2,3,"1,400,500.5"\n', {}, {"decimal": "."}, [(1, 2, 1300), (2, 3, 1400500.5)]),
        ('1,2,"1.300,5"\n2,3,"4"\n', {}, {"decimal": ","}, [(1, 2, 1300.5), (2, 3, 4)]),
        ("#1,2,3\n#2,3,4\n", {}, {"header": False}, [("#1", 2, 3), ("#2", 3, 4)]),
        ("#1,2,3\n2,3,4\n", {}, {"header": False}, [("#1", 2, 3), ("2", 3, 4)]),
    ],
)
def test_quotes_numbers_and_marks(
    written: Any, body: str, columns: dict[str, Any], options: dict[str, Any], expected: list[Any]
) -> None:
    text = body if options.get("header") is False else HEAD + body
    assert rows_in(written(text, columns=columns, **options)) == expected


def test_a_list_of_numbers_is_no_decimal_comma(written: Any) -> None:
    assert rows_in(written('user,item,rating,tags\n7,30,4.5,"1,2"\n12,10,3,"4,5"\n7,10,0.5,3\n')) == ROWS


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("1:\n14,3,2005-03-02\n15,4,2005-09-02\n2:\n14,5,2005-01-01\n", "as in the Netflix prize", "awk"),
        ("3 23:1 78:1\n2 25:1 70:1\n", "libFM", "user,item,rating"),
        ("<!DOCTYPE html>\n<html><body>404</body></html>\n", "a web page", "download the file again"),
        ("INSERT INTO ratings VALUES (1,2,3);\n", "SQL", "export"),
    ],
)
def test_a_text_of_another_kind_is_named(written: Any, text: str, what: str, hint: str) -> None:
    data = written(text)
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert what in caught.value.what
    assert hint in str(caught.value.hint)


def test_ids_that_have_lost_digits_are_refused_with_their_line(written: Any) -> None:
    data = written(f"{HEAD}a,1,3\n9.14896E+18,2,3\n9.14896E+18,1,4\n")
    with pytest.raises(DataError, match="scientific notation") as caught:
        read_ratings(data, ALONE)
    assert caught.value.where == f"{data.ratings}:3"


@pytest.mark.parametrize("shape", ["comments", "aligned blanks", "a drawn line", "konect", "sep="])
@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_parts_and_lines_are_counted_in_the_file(written: Any, shape: str, n_parts: int) -> None:
    data = written(SHAPES[shape])
    source = CsvSource(data.ratings, data, silent)
    tables = [collect(source.batches(ColumnRequest(EVERYTHING), part, n_parts)) for part in range(n_parts)]
    assert sum(table.n_rows for table in tables) == 3
    first = find_dialect(data.ratings, data).head_lines + 1
    assert [source.locate(row) for row in range(3)] == [f"{data.ratings}:{first + row}" for row in range(3)]
