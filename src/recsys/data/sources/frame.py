"""Tables in memory: what pandas, polars, Arrow, DuckDB and others give each other."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable


@runtime_checkable
class Frame(Protocol):
    """A DataFrame or another table, by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows as an Arrow stream."""
        ...


def name_of(origin: Path | Frame) -> Path:
    """What to call a file or a table in messages: its path, or its type."""
    return origin if isinstance(origin, Path) else Path(type(origin).__name__)
