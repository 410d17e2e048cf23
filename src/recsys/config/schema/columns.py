"""How a config names a column."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

MOST_COLUMNS = 10_000_000
Column = str | Annotated[int, Field(ge=1, le=MOST_COLUMNS)]
"""A name of the header, or a position that counts from 1."""
