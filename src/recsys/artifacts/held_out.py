"""What a run holds out, in its serving folder: read when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np

from recsys.artifacts.entries import IdTypes
from recsys.artifacts.texts import ids_layout, pack_ids, unpack_ids
from recsys.core.layout import ArraySpec, Layout
from recsys.core.types import Arrays
from recsys.data.behind import with_those_behind
from recsys.data.interactions import HeldOut, Interactions
from recsys.data.parts import TEST, TRAIN, VALID, PartOfRow
from recsys.data.vocabulary import Vocabulary

HELD_OUT = "held_out.safetensors"
COLUMNS = ("user_idx", "item_idx", "rating")
TIME = "timestamp"  # kept beside them where the predictions depend on it
UNKNOWN_PART = "unknown_part"
PARTS: dict[HeldOut, int] = {"valid": VALID, "test": TEST}
UNKNOWN_USERS, UNKNOWN_ITEMS = "unknown_users.", "unknown_items."  # before the names of their ids


def held_out_arrays(
    parts: Mapping[HeldOut, Interactions | None],
    unknown: Interactions | None,
    unknown_part: PartOfRow | None = None,
    *,
    with_times: bool,
) -> Arrays:
    """The parts as they are stored, and the pairs of users or items that the run does not know.

    Args:
        unknown_part: the part of each of these, where something is known of some of them.
    """
    arrays = {
        f"{part}_{name}": getattr(ratings, name)
        for part, ratings in parts.items()
        if ratings is not None
        for name in (*COLUMNS, *((TIME,) if with_times and ratings.timestamp is not None else ()))
    }
    if unknown is None:
        return arrays
    users = {UNKNOWN_USERS + name: array for name, array in pack_ids(unknown.users).items()}
    items = {UNKNOWN_ITEMS + name: array for name, array in pack_ids(unknown.items).items()}
    arrays |= {} if unknown_part is None else {UNKNOWN_PART: unknown_part.astype(np.uint8)}
    return {**arrays, "unknown_user_idx": unknown.user_idx, "unknown_item_idx": unknown.item_idx, **users, **items}


def held_out_layout(id_types: IdTypes) -> Layout:
    """What the arrays are: of each part there are all or none."""
    layout: dict[str, ArraySpec] = {}
    for part in get_args(HeldOut):
        n = f"{part} rows"
        layout |= {
            f"{part}_user_idx": ArraySpec("int32", (n,), -1, ("n_users", -1), group=part),
            f"{part}_item_idx": ArraySpec("int32", (n,), -1, ("n_items", -1), group=part),
            f"{part}_rating": ArraySpec("float32", (n,), nan=True, group=part),
            f"{part}_{TIME}": ArraySpec("float64", (n,), group=f"{part} times"),
        }
    of_users = ids_layout(id_types.user, "unknown users", UNKNOWN_USERS, "unknown")
    of_items = ids_layout(id_types.item, "unknown items", UNKNOWN_ITEMS, "unknown")
    return {
        **layout,
        **of_users,
        **of_items,
        "unknown_user_idx": ArraySpec("int32", ("unknown rows",), 0, ("unknown users", -1), group="unknown"),
        "unknown_item_idx": ArraySpec("int32", ("unknown rows",), 0, ("unknown items", -1), group="unknown"),
        UNKNOWN_PART: ArraySpec("uint8", ("unknown rows",), TRAIN, TEST, group=UNKNOWN_PART),
    }


def held_out_part(arrays: Arrays, part: HeldOut, users: Vocabulary, items: Vocabulary) -> Interactions | None:
    """A part, on the vocabularies of the run; None if there was none."""
    if f"{part}_rating" not in arrays:
        return None
    user_idx, item_idx, rating = (arrays[f"{part}_{name}"] for name in COLUMNS)
    ratings = Interactions(user_idx, item_idx, rating, arrays.get(f"{part}_{TIME}"), users, items)
    if not (users.n_behind or items.n_behind) or part not in PARTS or UNKNOWN_PART not in arrays:
        return ratings
    unknown = unknown_pairs(arrays)
    assert unknown is not None
    return with_those_behind(ratings, unknown.take(arrays[UNKNOWN_PART] == PARTS[part]), users, items)


def part_of_unknown(arrays: Arrays) -> PartOfRow | None:
    """VALID or TEST for each of the unknown pairs, TRAIN where of an earlier run; None where that was not written."""
    return arrays[UNKNOWN_PART].astype(np.int8) if UNKNOWN_PART in arrays else None


def unknown_pairs(arrays: Arrays) -> Interactions | None:
    """The held-out pairs whose user or item the run does not know, without ratings, on vocabularies of their own.

    Raises:
        ValueError: ids are not utf-8, or do not rise.
    """
    if "unknown_user_idx" not in arrays:
        return None
    users, items = (unpack_ids(arrays, prefix) for prefix in (UNKNOWN_USERS, UNKNOWN_ITEMS))
    rating = np.full(len(arrays["unknown_user_idx"]), np.nan, dtype=np.float32)
    return Interactions(arrays["unknown_user_idx"], arrays["unknown_item_idx"], rating, None, users, items)
