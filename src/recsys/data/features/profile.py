"""A features file as `recsys init` sees it, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from recsys.core.types import Json
from recsys.core.words import counted
from recsys.data.features.kind import Role
from recsys.data.features.learn import ColumnReport
from recsys.data.features.read import FeaturesFile


@dataclass(frozen=True)
class FeatureProfile:
    """What a features file holds.

    Attributes:
        origin: as a config names it.
        n_known: items, or users, of the ratings.
        n_matched: those of them that the file has.
    """

    role: Role
    origin: Path | Literal["items", "frame"]
    path: Path
    n_known: int
    n_matched: int
    columns: tuple[ColumnReport, ...]

    @classmethod
    def of(
        cls, file: FeaturesFile, role: Role, origin: Path | Literal["items", "frame"], n_known: int
    ) -> FeatureProfile:
        """That of a file which has been read."""
        return cls(role, origin, file.path, n_known, file.n_matched, file.reports)

    def describe(self) -> Iterator[str]:
        """For people, a line each."""
        n, known = self.n_matched, counted(self.n_known, self.role)
        whose = f"all {known}" if n == self.n_known else f"{n:,} of {known}"
        yield f"features of {self.role}s: {self.path.name}, for {whose}"
        for column in self.columns:
            examples = f", such as {', '.join(column.examples)}" if column.examples else ""
            missing = f"; {column.share_missing:.0%} missing" if column.share_missing >= LEAST_MISSING else ""
            if column.kind is None:
                yield f"  {column.name}: not used: {column.why}"
            else:
                yield f"  {column.name}: {column.kind}{examples}{missing}"

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "path": str(self.path),
            "n_matched": self.n_matched,
            "columns": [{**vars(column), "examples": [*column.examples]} for column in self.columns],
        }


LEAST_MISSING = 0.005
