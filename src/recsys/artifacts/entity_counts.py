"""How many interactions each user and each item has."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.core.types import Counts


@dataclass(frozen=True, eq=False)
class EntityCounts:
    """How many training interactions each user and each item has, int64, shapes (n_users,) and (n_items,)."""

    users: Counts
    items: Counts
