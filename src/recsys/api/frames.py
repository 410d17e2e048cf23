"""Tables in memory as callers may pass them."""

from __future__ import annotations

from pathlib import Path

from recsys.api.paths import PathLike, as_path
from recsys.core.errors import UsageError
from recsys.data.sources.frame import Frame


def as_origin(data: PathLike | Frame) -> Path | Frame:
    """The file or the table.

    Raises:
        UsageError: it is neither.
    """
    return as_path(data) if isinstance(data, str | Path) else as_frame(data)


def as_frame(data: object) -> Frame:
    """The table.

    Raises:
        UsageError: it is none.
    """
    if isinstance(data, Frame):
        return data
    raise UsageError(
        f"a {type(data).__name__} is no table of ratings",
        expected="a path, or a DataFrame of pandas (2.2 or newer), polars or Arrow",
        hint="pandas.DataFrame(…) makes a table of lists and arrays",
    )
