"""How the columns of a features file are read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from recsys.config.schema.columns import Column
from recsys.core.section import Section

MOST_TERMS = 10_000
Separator = Annotated[str, Field(min_length=1, max_length=8)]


class FeatureColumns(Section):
    """Which column of a features file holds what; `init` shows what is found."""

    id: Column | None = None
    """Column of the ids; left out, the name that the ratings have for it, then common names."""
    use: tuple[Column, ...] | None = None
    """Columns to use; left out: all that can be."""
    categories: tuple[Column, ...] | None = None
    """Columns with one category each, whatever they look like, such as codes that are written as numbers."""
    lists: tuple[Column, ...] | None = None
    """Columns with several categories each, such as Comedy|Drama."""
    numbers: tuple[Column, ...] | None = None
    """Columns of numbers."""
    dates: tuple[Column, ...] | None = None
    """Columns of dates."""
    years: tuple[Column, ...] | None = None
    """Columns of texts that end with a year in brackets, such as Toy Story (1995)."""
    texts: tuple[Column, ...] | None = None
    """Columns of short texts, of which the words are used; a column may be named here and above."""
    separator: Separator = "auto"
    """What stands between the categories of a list, such as "|"; auto looks at each column. [] is a list as JSON or
    Python writes it."""
    max_terms: Annotated[int, Field(ge=1, le=MOST_TERMS)] = 1000
    """Categories or words of a column that are used at most: the most frequent ones, which occur at least twice."""
