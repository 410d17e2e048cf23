"""Text files by their layout: a row for each rating, or a wide matrix."""

from __future__ import annotations

from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.csv.wide import WideSource, looks_wide
from recsys.data.sources.protocol import Source


def open_text(path: Path, data: Data, observe: Observer) -> Source:
    """The source that `data.layout` asks for.

    Raises:
        DataError: it is empty or not text, or it is a wide matrix and the config does not say so.
    """
    if data.layout == "wide":
        return WideSource(path, data, observe)
    source = CsvSource(path, data, observe)
    if looks_wide(source.dialect, data):
        raise DataError(
            f"this looks like a wide matrix: {source.dialect.width:,} columns, all but the first of numbers",
            where=str(path),
            expected="a row for each rating: user, item, rating",
            hint="for a row a user and a column an item: data.layout: wide (init: --layout wide); else name the"
            " columns: data.columns (init: --user, --item, --rating)",
        )
    return source
