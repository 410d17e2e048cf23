"""The formats of ratings: for each, how its files are known and the code that reads them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceSpec:
    """A format. Code is named by dotted strings, so that reading this table loads nothing.

    Attributes:
        magic: what its files begin with; b"" fits any file.
        source: (file, data, observe) → Source.
        catalogue: (file, data, item_name, items, observe) → ItemCatalogue of an items file.
        features: (file, data, request, observe) → FeatureTable of a features file.
        is_unpacked: whether files that are compressed are read too.
        table: (path, data) → what the others take for a file; None: the path.
    """

    magic: tuple[bytes, ...]
    source: str
    catalogue: str
    features: str
    is_unpacked: bool = False
    table: str | None = None


def _arrow(table: str, *magic: bytes, is_unpacked: bool = False) -> SourceSpec:
    """A format that Arrow reads as a table of named and typed columns."""
    folder = "recsys.data.sources.arrow_tables"
    source, catalogue = f"{folder}.source:ArrowSource", f"{folder}.items:read_items"
    features = f"{folder}.features:read_features"
    return SourceSpec(magic, source, catalogue, features, is_unpacked, table=f"{folder}.{table}")


SOURCES: dict[str, SourceSpec] = {
    "csv": SourceSpec(
        magic=(b"",),
        source="recsys.data.sources.csv.opening:open_text",
        catalogue="recsys.data.sources.csv.items:read_catalogue",
        features="recsys.data.sources.csv.features:read_features",
        is_unpacked=True,
    ),
    "parquet": _arrow("parquet:ParquetTable", b"PAR1"),
    "arrow": _arrow("ipc:IpcFile", b"ARROW1\0\0"),
    "arrow_stream": _arrow("ipc:IpcStream", b"\xff\xff\xff\xff"),
    "json_lines": _arrow("json_lines:JsonLines", b'{"', b'{ "', b"{}", b'\xef\xbb\xbf{"', is_unpacked=True),
}
"""Name → format; a file is of the one with the longest magic that it begins with."""

HELD_FRAME = "recsys.data.sources.arrow_tables.frame:held"
"""(frame) → HeldFrame."""
FRAME = "recsys.data.sources.arrow_tables.frame:FrameSource"
"""(frame, data, observe) → Source of a table in memory."""
FRAME_FEATURES = "recsys.data.sources.arrow_tables.features:of_frame"
"""(frame, data, request, observe) → FeatureTable of a table in memory."""
