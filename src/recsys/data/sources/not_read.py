"""Files that are not read, known by their first bytes, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass

TABLE = "in Python: recsys.train(config, data=DATAFRAME), or DATAFRAME.to_parquet(FILE)"
UNPACK = "unpack it first"
SHEET = "save the sheet as CSV, or pandas.read_excel(FILE).to_parquet(NEW)"
LINES = "one object a line: pandas.read_json(FILE).to_json(NEW, orient='records', lines=True)"
N_BYTES = 512  # that are looked at
ZIP_NAME = 30  # where the name of the first file in a zip archive stands


@dataclass(frozen=True)
class Unreadable:
    """A kind of file.

    Attributes:
        what: its name, with an article.
        hint: what to do.
        starts: bytes, one of which it begins with.
        offset: where they stand.
    """

    what: str
    hint: str
    starts: tuple[bytes, ...]
    offset: int = 0


KINDS = (
    Unreadable("an Excel workbook", SHEET, (b"[Content_Types].xml", b"_rels/", b"xl/", b"docProps/"), ZIP_NAME),
    Unreadable("an Excel workbook (.xls)", SHEET, (b"\xd0\xcf\x11\xe0",)),
    Unreadable("a tar archive", UNPACK, (b"ustar",), 257),
    Unreadable("compressed by lz4", UNPACK, (b"\x04\x22\x4d\x18",)),
    Unreadable("a 7z archive", UNPACK, (b"7z\xbc\xaf\x27\x1c",)),
    Unreadable("a RAR archive", UNPACK, (b"Rar!\x1a\x07",)),
    Unreadable("a NumPy array (.npy)", TABLE, (b"\x93NUMPY",)),
    Unreadable("a Python pickle", TABLE, (b"\x80\x02", b"\x80\x03", b"\x80\x04\x95", b"\x80\x05\x95")),
    Unreadable("an HDF5 file", TABLE, (b"\x89HDF\r\n\x1a\n",)),
    Unreadable("an ORC file", TABLE, (b"ORC",)),
    Unreadable("an Avro file", TABLE, (b"Obj\x01",)),
    Unreadable("a Feather file of version 1", "write it again: DATAFRAME.to_feather(FILE)", (b"FEA1",)),
    Unreadable("an SQLite database", "pandas.read_sql(QUERY, DATABASE).to_parquet(NEW)", (b"SQLite format 3",)),
    Unreadable("a PDF document", "find the table in another format", (b"%PDF-",)),
    Unreadable("a JSON array", LINES, (b"[{", b"[ {", b"[\n", b"[\r\n", b"[[", b"[]")),
    Unreadable("JSON over several lines", LINES, (b"{\n", b"{\r\n")),
)  # fmt: skip


def unreadable(start: bytes) -> Unreadable | None:
    """What a file is that is not read; None if it may be read.

    Args:
        start: its first N_BYTES bytes, or all where it is shorter.
    """
    return next((kind for kind in KINDS if start.startswith(kind.starts, kind.offset)), None)
