"""What a column of a features file can be."""

from __future__ import annotations

from typing import Literal

TermKind = Literal["category", "list", "text"]
NumberKind = Literal["number", "date", "year"]
Kind = TermKind | NumberKind
Role = Literal["user", "item"]
"""Whose features they are."""
ROLES: tuple[Role, ...] = ("item", "user")
LARGEST_Z = 3.0
"""Standard deviations from the mean beyond which a number counts as this far."""


def is_number(kind: Kind) -> bool:
    """Whether columns of this kind hold numbers, and not terms."""
    return kind in ("number", "date", "year")
