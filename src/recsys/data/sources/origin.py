"""Where rows come from: files, streams, and tables in memory as pandas, polars, Arrow and others give them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, runtime_checkable

from recsys.config.schema.data import Files
from recsys.core.words import counted

if TYPE_CHECKING:
    import pyarrow as pa


@runtime_checkable
class Frame(Protocol):
    """A DataFrame or another table, by the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows as an Arrow stream."""
        ...


@dataclass(frozen=True, eq=False)
class HeldFrame:
    """An Arrow table, and what to call it; unlike some frames it can be read again and again."""

    name: str
    table: pa.Table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows as an Arrow stream."""
        return self.table.__arrow_c_stream__(requested_schema)


Origin: TypeAlias = Files | Frame


def name_of(origin: Origin) -> Path:
    """What to call files or a table in messages: the path, or the type."""
    if isinstance(origin, Path):
        return origin
    if not isinstance(origin, tuple):
        return Path(origin.name if isinstance(origin, HeldFrame) else type(origin).__name__)
    return origin[0] if len(origin) == 1 else Path(f"{origin[0]} and {counted(len(origin) - 1, 'other file')}")
