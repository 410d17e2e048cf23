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
    "row names": HEAD + "".join(f"{row},{line}\n" for row, line in enumerate(BODY.split(), start=1)),
    "a delimiter at the end of each row": HEAD + BODY.replace("\n", ",\n"),
    "a delimiter at the end of each line": (HEAD + BODY).replace("\n", ",\n"),
    "two pipes": (HEAD + BODY).replace(",", "||"),
    "two tabs": BODY.replace(",", "\t\t"),
    "several signs": (HEAD + BODY).replace(",", "~|~"),
    "number signs": (HEAD + BODY).replace(",", "#"),
    "colons": BODY.replace(",", ":"),
    "unit separators": (HEAD + BODY).replace(",", "\x1f"),
    "blanks and tabs": BODY.replace(",", " ", 1).replace(",", "\t", 1).replace(",", " \t"),
    "blank lines with blanks": (HEAD + BODY).replace("\n", "\n  \n") + "\t\n",
    "rows of delimiters": HEAD + BODY + ",,\n,,\n",
    "a title": "Ratings of 2024\n\n" + HEAD + BODY,
    "a title in a table": "Ratings of 2024,,\n,,\n" + HEAD + BODY,
    "a drawn line above": "+------+------+--------+\n" + (HEAD + BODY).replace(",", " | "),
    "blanks in front of quotes": 'user, "item", rating\n7, "30", 4.5\n12, "10", 3\n7, "10", 0.5\n',
    "old Mac": (HEAD + BODY).replace("\n", "\r"),
    "Windows": (HEAD + BODY).replace("\n", "\r\n"),
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
        ("1,Me\\, too,3\n2,b,4\n", {}, {}, [(1, "Me, too", 3), (2, "b", 4)]),
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
        ("-- PostgreSQL\n\nCOPY public.r (u, i, r) FROM stdin;\n1\t2\t3\n", "SQL", "export"),
        ("PRAGMA foreign_keys=OFF;\nCREATE TABLE r (u, i, r);\n", "SQL", "export"),
        ("1:\n14\n15\n2:\n14\n", "who have no ratings here", "awk"),
        ("1|2\n14\t80\n15\t90\n", "KDD", "awk"),
        ("{u'user': 1, u'item': 2, u'rating': 3}\n", "Python dict", "ast.literal_eval"),
        ("product/productId: B1\nreview/score: 5.0\n\n", "several lines", "one object a line"),
        ("- user: 1\n  item: 2\n", "YAML", "user,item,rating"),
        ("%%MatrixMarket matrix array real general\n2 2\n1\n2\n", "dense matrix", "coordinates"),
        ("@relation r\n@data\n1,2,3\n", "ARFF", "@data"),
        ("# nothing\n# here\n", "no rows", ""),
        ("userþitemþrating\n7þ30þ4.5\n", 'the first line is "userþitemþrating"', "--delimiter"),
        ('"user,item,rating"\n"7,30,4.5"\n', "no delimiter was found", "sed"),
        ("user;item;rating\n7,30,4.5\n8,30,4.5\n", "no delimiter was found", "--delimiter ';'"),
        ('<table border="1">\n<tr><th>user</th></tr>\n</table>\n', "a table in HTML", "pandas.read_html"),
        ("7 30 10 12\n12 10\n7 10 30\n", 'the first line is "7 30 10 12"', "--delimiter"),
    ],
)
def test_a_text_of_another_kind_is_named(written: Any, text: str, what: str, hint: str) -> None:
    data = written(text)
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert what in caught.value.what
    assert hint in str(caught.value.hint)


def test_ids_that_have_lost_digits_are_refused_with_their_line(written: Any) -> None:
    data = written(f"{HEAD}a,1,3\n9.14896E+18,2,3\n9.14896E+18,1,4\n28E+10,5,1\n")
    with pytest.raises(DataError, match="scientific notation") as caught:
        read_ratings(data, ALONE)
    assert caught.value.where == f"{data.ratings}:3"


@pytest.mark.parametrize(
    ("line", "what", "hint"),
    [
        ("(3 rows)", 'this line is no row: "(3 rows)"', "head -n 4 FILE"),
        ("3 rows selected.", "no row", "head -n 4 FILE"),
        ("Total,,1800", "no row", "head -n 4 FILE"),
        ("+----+----+", "no row", "head -n 4 FILE"),
        ("\\.", "no row", "head -n 4 FILE"),
        ("\x1a", "no row", "head -n 4 FILE"),
        ("# the end", "a remark", "grep -v '^#'"),
        ("user,item,rating", "the header stands here again", "parts/*.csv"),
        ("3,4", 'this row has 2 fields: "3,4"', "data.delimiter"),
    ],
)
def test_a_line_that_is_no_row_is_named(written: Any, line: str, what: str, hint: str) -> None:
    data = written(f"{HEAD}{BODY}{line}\n")
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert what in caught.value.what
    assert hint in str(caught.value.hint)
    assert str(caught.value.where).startswith(f"{data.ratings}:5")


@pytest.mark.parametrize(
    ("rating", "hint"),
    [
        ("3 stars", "write the number alone, 3 for 3 stars"),
        ("4.0 out of 5", "write the number alone, 4.0 for"),
        ("4/5", "write the number alone, 4 for"),
        ("80%", "write the number alone, 80 for"),
        ("$4.50", "write the number alone, 4.50 for"),
        ("'4'", "write the number alone, 4 for"),
        ("★★★☆☆", "write the number alone, 3 for"),
        ("−4", "write the number alone, -4 for"),
        ("1 300", "write the number alone, 1300 for"),
        ('"1,300"', "data.decimal"),
        ('"1,300,100"', "--decimal ."),
        ("True", "write 1 for true and 0 for false"),
        ("so-so", 'data.no_rating: ["so-so"]'),
        ("1_0", 'data.no_rating: ["1_0"]'),
    ],
)
def test_a_rating_that_is_no_number_gets_a_hint_that_fits(written: Any, rating: str, hint: str) -> None:
    data = written(f"{HEAD}1,2,{rating}\n2,3,4\n")
    with pytest.raises(DataError) as caught:
        read_ratings(data, ALONE)
    assert hint in str(caught.value.hint)


@pytest.mark.parametrize(
    "shape", ["comments", "a title", "row names", "aligned blanks", "a drawn line", "konect", "sep="]
)
@pytest.mark.parametrize("n_parts", [1, 2, 3])
def test_parts_and_lines_are_counted_in_the_file(written: Any, shape: str, n_parts: int) -> None:
    data = written(SHAPES[shape])
    source = CsvSource(data.ratings, data, silent)
    tables = [collect(source.batches(ColumnRequest(EVERYTHING), part, n_parts)) for part in range(n_parts)]
    assert sum(table.n_rows for table in tables) == 3
    first = find_dialect(data.ratings, data).head_lines + 1
    assert [source.locate(row) for row in range(3)] == [f"{data.ratings}:{first + row}" for row in range(3)]


@pytest.mark.parametrize("text", ["http://x.org/7\nhttp://x.org/12\n", "a-1 (b)\nc-2 (d)\n", "x, y\n"])
def test_a_list_of_texts_is_one_column(written: Any, text: str) -> None:
    data = written(text)
    assert find_dialect(data.ratings, data).width == (2 if "," in text else 1)
