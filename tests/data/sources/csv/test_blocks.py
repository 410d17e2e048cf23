"""What Arrow gets to parse: utf-8, no header, whole rows, nothing doubtful, in blocks of any size."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest

from recsys.data.sources.csv.blocks import DoubtfulError, blocks_of
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.stored import Stored

HEADER = "user,item,rating\n"
BLOCKS = [1, 2, 3, 7, 16, 1000]


def blocks(path: Path, dialect: Dialect, size: int) -> list[bytes]:
    with Stored(path) as stored:
        return list(blocks_of(dialect, stored, size))


def blocks_in(written: Any, content: str | bytes, block: int, **options: Any) -> list[bytes]:
    data = written(content, **options)
    return blocks(data.ratings, find_dialect(data.ratings, data), block)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16", "utf-16-le", "cp1252"])
def test_the_header_and_the_mark_are_gone_and_the_rest_is_utf8(written: Any, block: int, encoding: str) -> None:
    rows = "é,2,3\nö,5,6\n" * 5
    assert b"".join(blocks_in(written, HEADER + rows, block, encoding=encoding)) == rows.encode()


@pytest.mark.parametrize("block", BLOCKS)
def test_a_long_delimiter_becomes_one_byte_also_where_blocks_meet(written: Any, block: int) -> None:
    rows = "1::2::3\n4::5:::6\n" * 5
    content = b"".join(blocks_in(written, rows, block, delimiter="::"))
    assert content.decode() == rows.replace("::", "\x1f")


@pytest.mark.parametrize("block", [8, 9, 10, 11, 12, 13, 1000])
def test_a_block_never_ends_within_a_row(written: Any, block: int) -> None:
    row = '"a","b\n\n""c""\n",3\n'
    blocks = blocks_in(written, HEADER + row * 5 + "1,2,3", block)
    assert b"".join(blocks).decode() == row * 5 + "1,2,3"
    assert all(len(block) % len(row) in (0, 5) for block in blocks)


def test_blank_lines_make_no_block(written: Any) -> None:
    blocks = blocks_in(written, HEADER + "1,2,3\n" + "\n" * 50, 10)
    assert [block.strip() for block in blocks] == [b"1,2,3"]


@pytest.mark.parametrize(
    "rows",
    ['a"b,2,3\n', '"a"b,2,3\n', ' "a",2,3\n', '"a,2,3\n', '1,2,"', "1,2,3\0\n", '"""a",2,3\n"', "é\n" + " " * 2000],
)
@pytest.mark.parametrize("block", [40, 80])
def test_what_readers_might_understand_differently_is_doubtful(written: Any, rows: str, block: int) -> None:
    data = written(HEADER + "1,2,3\n" * 10)
    dialect = find_dialect(data.ratings, data)
    data.ratings.write_text(HEADER + "1,2,3\n" * 10 + rows, encoding="utf-8")
    with pytest.raises(DoubtfulError):
        blocks(data.ratings, dialect, block)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"1,2,3\n\xe9,5,6\n", {}),
        (b"1::2::3\x1f\n", {"delimiter": "::"}),
        (codecs.BOM_UTF16_LE + "1,2,3\n4,5".encode("utf-16-le") + b"\x00", {"encoding": "utf-16"}),
    ],
)
def test_undecodable_bytes_are_doubtful(written: Any, content: bytes, options: Any) -> None:
    data = written("1::2::3\n" if "delimiter" in options else "1,2,3\n", **options)
    dialect = find_dialect(data.ratings, data)
    data.ratings.write_bytes(content)
    with pytest.raises(DoubtfulError):
        blocks(data.ratings, dialect, 100)
