"""What a manifest says of the features of items and users."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from recsys.artifacts.bounds import Count, Entities, FileName, Number
from recsys.artifacts.entries import Entry, IdType
from recsys.data.features.kind import Kind, is_number

ColumnName = Annotated[str, Field(max_length=10_000)]
Form = Annotated[str, Field(max_length=200)]
Separator = Annotated[str, Field(min_length=1, max_length=200)]


class ColumnEntry(Entry):
    """A column of a features file, as `TermsColumn` and `NumberColumn` say it; its terms and knots are arrays."""

    source: ColumnName
    kind: Kind
    separator: Separator | None = None
    n_terms: Entities = 0
    decimal: Literal[".", ","] | None = None
    date: Form | None = None
    mean: Number = 0.0
    std: Annotated[Number, Field(gt=0)] = 1.0
    n_knots: Annotated[int, Field(ge=0, le=1000)] = 0


class FeaturesEntry(Entry):
    """The features of items or of users."""

    file: FileName
    id_type: IdType
    id_name: ColumnName
    n_rows: Entities
    n_entries: Count
    columns: Annotated[tuple[ColumnEntry, ...], Field(max_length=10_000)]

    @property
    def n_terms(self) -> int:
        """Of all columns."""
        return sum(column.n_terms for column in self.columns)

    @property
    def n_knots(self) -> int:
        """Of all columns."""
        return sum(column.n_knots for column in self.columns)

    @property
    def n_columns(self) -> int:
        """Of the matrix: one for each term and each knot, and one for each number itself."""
        return self.n_terms + self.n_knots + sum(is_number(column.kind) for column in self.columns)
