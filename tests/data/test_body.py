"""What Arrow gets to parse: utf-8, no header, nothing doubtful, in pieces of any size."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

from recsys.data.body import Body, DoubtfulError, QuotedError
from recsys.data.dialect import find_dialect

HEADER = "user,item,rating\n"


def body_of(written: Any, content: str | bytes, size: int, *, quoted: bool = False, **options: Any) -> bytes:
    data = written(content, **options)
    body = Body(find_dialect(data.ratings, data), quoted=quoted)
    pieces = list(iter(lambda: body.read(size), b""))
    assert all(len(piece) <= size for piece in pieces)
    body.close()
    return b"".join(pieces)


@pytest.mark.parametrize("size", [8, 9, 10, 11, 16, 1000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "cp1252"])
def test_the_header_and_the_mark_are_gone_and_the_rest_is_utf8(written: Any, size: int, encoding: str) -> None:
    rows = "é,2,3\nö,5,6\n" * 5
    assert body_of(written, HEADER + rows, size, encoding=encoding) == rows.encode()


@pytest.mark.parametrize("size", [24, 33, 1000])
def test_a_long_delimiter_becomes_one_byte_also_where_pieces_meet(written: Any, size: int) -> None:
    rows = "1::2::3\n4::5:::6\n" * 5
    assert body_of(written, rows, size, delimiter="::").decode() == rows.replace("::", "\x1f")


@pytest.mark.parametrize("size", [24, 33, 1000])
def test_usual_quotes_pass_also_where_pieces_meet(written: Any, size: int) -> None:
    rows = '"a","b\n""c""",3\n"d","",4\n' * 5
    assert body_of(written, HEADER + rows, size, quoted=True) == rows.encode()


def test_the_first_quote_is_reported_where_none_is_expected(written: Any) -> None:
    with pytest.raises(QuotedError):
        body_of(written, HEADER + '1,2,3\n"1",2,3\n', 1000)


@pytest.mark.parametrize(
    "rows", ['a"b,2,3\n', '"a"b,2,3\n', ' "a",2,3\n', '"a,2,3\n', '1,2,"', "1,2,3\0\n", '"""a",2,3\n"']
)
@pytest.mark.parametrize("size", [40, 1000])
def test_what_readers_might_understand_differently_is_doubtful(written: Any, rows: str, size: int) -> None:
    data = written(HEADER + "1,2,3\n" * 10)
    dialect = find_dialect(data.ratings, data)
    data.ratings.write_text(HEADER + "1,2,3\n" * 10 + rows)
    body = Body(dialect, quoted=True)
    with pytest.raises(DoubtfulError):
        list(iter(lambda: body.read(size), b""))
    body.close()


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"1,2,3\n\xe9,5,6\n", {}),
        (b"1::2::3\x1f\n", {"delimiter": "::"}),
        (b"1::2::3" + b" " * 2000, {"delimiter": "::"}),
        (codecs.BOM_UTF16_LE + "1,2,3\n4,5".encode("utf-16-le") + b"\x00", {"encoding": "utf-16"}),
    ],
)
def test_undecodable_bytes_and_endless_lines_are_doubtful(written: Any, content: bytes, options: Any) -> None:
    data = written("1::2::3\n" if "delimiter" in options else "1,2,3\n", **options)
    dialect = find_dialect(data.ratings, data)
    data.ratings.write_bytes(content)
    body = Body(dialect, quoted=False)
    with pytest.raises(DoubtfulError):
        list(iter(lambda: body.read(100), b""))
    body.close()
