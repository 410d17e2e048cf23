"""What `recsys init` sees in a ratings file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recsys.config.schema.data import Data
from recsys.core.events import Observer, silent
from recsys.core.types import Floats, Json, Times
from recsys.data.duplicates import repeated
from recsys.data.ids import index_columns
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.table import EVERYTHING, TimeUnit

N_EXAMPLES = 3
MOST_STEPS = 500  # a scale with more is called continuous
RESOLUTION = 10_000  # steps are multiples of 1/10000


@dataclass(frozen=True)
class TimeSpan:
    """The times of a file: how they are written, and the first and last, in seconds since 1970-01-01 UTC."""

    unit: TimeUnit
    first: float
    last: float


@dataclass(frozen=True)
class Scale:
    """The ratings of a file; all differences are multiples of `step`, which is None for a continuous scale."""

    low: float
    high: float
    step: float | None
    mean: float


@dataclass(frozen=True)
class FileProfile:
    """What a ratings file holds.

    Attributes:
        layout: its columns, and how it is written.
        user_type, item_type: int or str.
        user_examples, item_examples: the first few ids of the file.
        n_duplicates: rows that repeat the pair of an earlier row.
    """

    path: Path
    layout: Layout
    user_type: type[int] | type[str]
    item_type: type[int] | type[str]
    user_examples: tuple[str, ...]
    item_examples: tuple[str, ...]
    n_ratings: int
    n_users: int
    n_items: int
    n_duplicates: int
    scale: Scale
    times: TimeSpan | None

    def describe(self) -> list[str]:
        """For people, a line each; the first names the file and its counts."""
        scale, times = self.scale, self.times
        step = f" in steps of {scale.step:g}" if scale.step else ""
        named = ", ".join(f"{role}: {column}" for role, column in self.layout.columns.items())
        others = f" (others: {', '.join(map(str, self.layout.others))})" if self.layout.others else ""
        user_ids, item_ids = _ids(self.user_type, self.user_examples), _ids(self.item_type, self.item_examples)
        lines = [
            f"{self.path}: {self.n_ratings:,} ratings of {self.n_items:,} items by {self.n_users:,} users",
            f"columns: {named}{others}",
            f"written with {self.layout.description}",
            f"user ids: {user_ids}; item ids: {item_ids}",
            f"ratings from {scale.low:g} to {scale.high:g}{step}, mean {scale.mean:.3g}",
            f"times in {times.unit}, from {_day(times.first)} to {_day(times.last)}" if times else "no times",
        ]
        if self.n_duplicates:
            lines.append(
                f"{self.n_duplicates:,} rows rate a pair again: duplicates is set to last, so the last row counts"
            )
        if scale.low == scale.high:
            lines.append("all ratings are equal: there is nothing to learn from them")
        return lines

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "path": str(self.path),
            **self.layout.facts,
            "columns": {str(role): column for role, column in self.layout.columns.items()},
            "other_columns": [*self.layout.others],
            "id_types": {"user": self.user_type.__name__, "item": self.item_type.__name__},
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_items": self.n_items,
            "n_duplicates": self.n_duplicates,
            "scale": vars(self.scale),
            "timestamps": vars(self.times) if self.times else None,
        }


def profile(path: Path, data: Data, observe: Observer = silent) -> FileProfile:
    """Reads a ratings file and says what it holds; duplicates and equal ratings are reported, not refused.

    Args:
        path: the file; `data.ratings` is not looked at.
        data: what is known already: its columns, and how it is written.
        observe: gets a `Loading` now and then, and one at the end.

    Raises:
        DataError: the file or a row of it cannot be used, or a column is not found.
    """
    source, everything = open_source(path, data, observe), ColumnRequest(EVERYTHING)
    layout = source.layout(everything)
    table = read_table(source, everything)
    assert table.user is not None
    assert table.item is not None
    assert table.rating is not None
    examples = [tuple(column.texts[:N_EXAMPLES].tolist()) for column in (table.user, table.item)]
    user_idx, users = index_columns([table.user])
    item_idx, items = index_columns([table.item])
    double = repeated(user_idx, item_idx, len(items))
    return FileProfile(
        path=path,
        layout=layout,
        user_type=users.id_type,
        item_type=items.id_type,
        user_examples=examples[0],
        item_examples=examples[1],
        n_ratings=table.n_rows,
        n_users=len(users),
        n_items=len(items),
        n_duplicates=0 if double is None else len(double.dropped(keep="first")),
        scale=_scale(table.rating),
        times=_span(table.timestamp, table.time_unit),
    )


def _ids(kind: type, examples: tuple[str, ...]) -> str:
    return f"{'whole numbers' if kind is int else 'texts'} such as {', '.join(examples)}"


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"


def _scale(rating: Floats) -> Scale:
    values = np.unique(rating).astype(np.float64)
    mean = float(rating.mean(dtype=np.float64))
    step = _step(values) if 1 < len(values) <= MOST_STEPS + 1 else None
    return Scale(float(values[0]), float(values[-1]), step, mean)


def _step(values: Times) -> float | None:
    """The largest number of which all distances are multiples; None if the scale then has more than 500 steps."""
    offsets = np.rint((values - values[0]) * RESOLUTION).astype(np.int64)
    step = int(np.gcd.reduce(offsets))
    return step / RESOLUTION if offsets[-1] <= MOST_STEPS * step else None


def _span(timestamp: Times | None, unit: TimeUnit | None) -> TimeSpan | None:
    if timestamp is None or unit is None:
        return None
    return TimeSpan(unit, float(timestamp.min()), float(timestamp.max()))
