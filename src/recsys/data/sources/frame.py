"""Tables in memory: what pandas, polars, Arrow, DuckDB and others give each other."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Frame(Protocol):
    """A DataFrame or another table, by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows as an Arrow stream."""
        ...
