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
    """

    magic: tuple[bytes, ...]
    source: str
    catalogue: str


SOURCES: dict[str, SourceSpec] = {
    "csv": SourceSpec(
        magic=(b"",),
        source="recsys.data.sources.csv.source:CsvSource",
        catalogue="recsys.data.sources.csv.items:read_catalogue",
    ),
}
"""Name → format; a file is of the one with the longest magic that it begins with."""
