"""The formats of ratings: for each, how its files are known and the code that reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceSpec:
    """A format. Code is named by dotted strings, so that reading this table loads nothing.

    Attributes:
        magic: what its files begin with; b"" fits any file.
        source: (path, data, observe) → Source.
        catalogue: (path, data, item_name, items, observe) → ItemCatalogue of an items file.
        is_unpacked: whether files that are compressed are read too.
    """

    magic: tuple[bytes, ...]
    source: str
    catalogue: str
    is_unpacked: bool = False


SOURCES: dict[str, SourceSpec] = {
    "csv": SourceSpec(
        magic=(b"",),
        source="recsys.data.sources.csv.opening:open_text",
        catalogue="recsys.data.sources.csv.items:read_catalogue",
        is_unpacked=True,
    ),
    "parquet": SourceSpec(
        magic=(b"PAR1",),
        source="recsys.data.sources.arrow_tables.source:parquet_source",
        catalogue="recsys.data.sources.arrow_tables.items:read_parquet_items",
    ),
    "arrow": SourceSpec(
        magic=(b"ARROW1\0\0",),
        source="recsys.data.sources.arrow_tables.source:ipc_source",
        catalogue="recsys.data.sources.arrow_tables.items:read_ipc_items",
    ),
    "arrow_stream": SourceSpec(
        magic=(b"\xff\xff\xff\xff",),
        source="recsys.data.sources.arrow_tables.source:stream_source",
        catalogue="recsys.data.sources.arrow_tables.items:read_stream_items",
    ),
    "json_lines": SourceSpec(
        magic=(b'{"', b'{ "', b"{}", b'\xef\xbb\xbf{"'),
        source="recsys.data.sources.arrow_tables.source:json_lines_source",
        catalogue="recsys.data.sources.arrow_tables.items:read_json_lines_items",
        is_unpacked=True,
    ),
}
"""Name → format; a file is of the one with the longest magic that it begins with."""

HELD_FRAME = "recsys.data.sources.arrow_tables.frame:held"
"""(frame) → HeldFrame."""
FRAME = "recsys.data.sources.arrow_tables.frame:FrameSource"
"""(frame, data, observe) → Source of a table in memory."""
