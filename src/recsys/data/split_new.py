"""Splits that ask how well new and seldom rated items, or users, are predicted, beside the others."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from recsys.config.schema.split import Split
from recsys.core.collectives import add_up
from recsys.core.communicator import Communicator
from recsys.core.errors import DataError
from recsys.core.seeding import rng
from recsys.core.types import BoolArray, Counts, Indices
from recsys.data.interactions import Interactions
from recsys.data.parts import TEST, TRAIN, VALID, PartOfRow, draw_parts
from recsys.data.ranks.order import drawn, places, uniform

FEW = 5  # rows that a thinned item keeps in train, at most
IS_OTHER, IS_NEW, IS_THINNED = 0, 1, 2
Role = Literal["user", "item"]


def hold_out_new(role: Role, ratings: Interactions, how: Split, seed: int, communicator: Communicator) -> PartOfRow:
    """Holds out items whole, thins others to 1 to 5 rows in train, and holds out some rows of all the rest.

    Each fraction is the share of the items that are new in a part, the share of those that are thinned for it, and the
    share of the rows of the rest. What is new and thinned for test does not depend on valid_fraction. An item with a
    single row that is drawn to be thinned keeps it. For users in the same way.

    Args: as of `cut`.
    Raises:
        DataError: a share of the items is less than one of them.
    """
    is_item = role == "item"
    idx, own = (ratings.item_idx, ratings.item_counts) if is_item else (ratings.user_idx, ratings.user_counts)
    counts = add_up(own, communicator)
    left = rng(seed, f"new {role}s").permutation(np.flatnonzero(counts))
    kind = np.full(len(counts), IS_OTHER, dtype=np.int8)
    part = np.full(len(ratings), TRAIN, dtype=np.int8)
    n_all = len(left)
    for name, code, fraction in (("test", TEST, how.test_fraction), ("valid", VALID, how.valid_fraction)):
        n = round(n_all * fraction)
        if fraction and not n:
            raise _too_few(role, name, n_all, fraction)
        new, thinned, left = np.split(left, [n, 2 * n])
        kind[new], kind[thinned] = IS_NEW, IS_THINNED
        is_chosen = np.zeros(len(counts), dtype=bool)
        is_chosen[new] = is_chosen[thinned] = True
        rows = np.flatnonzero(is_chosen[idx])
        are_few = _are_few(idx[rows], counts, rng(seed, f"{name} of few {role}s"), communicator)
        part[rows[~(are_few & (kind[idx[rows]] == IS_THINNED))]] = code
    rest = np.flatnonzero(kind[idx] == IS_OTHER)
    draw = partial(draw_parts, how.valid_fraction, how.test_fraction, rng(seed, f"split of other {role}s"))
    part[rest] = drawn(len(rest), draw, communicator)
    return part


def _are_few(idx: Indices, counts: Counts, random: np.random.Generator, communicator: Communicator) -> BoolArray:
    """Which rows are among those that an item keeps: 1 to 5 of them, but not all unless there is but one.

    Args:
        idx: the item of each row of this rank.
        counts: rows of each item, on all ranks.
    """
    n_kept = random.integers(1, np.clip(counts - 1, 1, FEW) + 1)
    return places(idx, uniform(len(idx), random, communicator), counts, communicator) < n_kept[idx]


def _too_few(role: Role, name: str, n: int, fraction: float) -> DataError:
    return DataError(
        f"{n} {role}s are too few for a {name} part with a share of {fraction:g} of them",
        where=f"split.{name}_fraction",
        expected=f"a share that makes at least one {role}",
        hint=f"raise split.{name}_fraction, or set it to 0 to go without",
    )
