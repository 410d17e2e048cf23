"""Of each user and each item a number or a flag: how many interactions it has, and what its row stands on."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.core.types import BoolArray, Counts


@dataclass(frozen=True, eq=False)
class EntityCounts:
    """How many training interactions each user and each item has, int64, shapes (n_users,) and (n_items,)."""

    users: Counts
    items: Counts


@dataclass(frozen=True, eq=False)
class EntityFlags:
    """Something that is true of some users and of some items, bool, shapes (n_users,) and (n_items,)."""

    users: BoolArray
    items: BoolArray
