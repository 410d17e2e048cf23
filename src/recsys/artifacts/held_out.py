"""What a run holds out, in its serving folder: read when it is first needed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from recsys.artifacts.texts import pack_ids, unpack_ids
from recsys.artifacts.verified import check_layout
from recsys.core.types import Arrays
from recsys.data.interactions import HeldOut, Interactions
from recsys.data.vocabulary import Vocabulary

HELD_OUT = "held_out.safetensors"
COLUMNS = ("user_idx", "item_idx", "rating")
TIME = "timestamp"  # kept beside them where the predictions depend on it
UNKNOWN_USERS, UNKNOWN_ITEMS = "unknown_users.", "unknown_items."  # before the names of their ids


def held_out_arrays(
    parts: Mapping[HeldOut, Interactions | None], unknown: Interactions | None, *, with_times: bool
) -> Arrays:
    """The parts as they are stored, and the pairs of users or items that the run does not know."""
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
    return {**arrays, "unknown_user_idx": unknown.user_idx, "unknown_item_idx": unknown.item_idx, **users, **items}


def held_out_part(
    path: Path, arrays: Arrays, part: HeldOut, users: Vocabulary, items: Vocabulary
) -> Interactions | None:
    """A part, on the vocabularies of the run; None if there was none.

    Args:
        path: of the file that the arrays are from.
    Raises:
        RunError: an array is not as it was written.
    """
    if f"{part}_rating" not in arrays:
        return None
    n = arrays[f"{part}_rating"].shape
    types = zip(COLUMNS, ("int32", "int32", "float32"), strict=True)
    check_layout(path, arrays, {f"{part}_{name}": (dtype, n) for name, dtype in types})
    user_idx, item_idx, rating = (arrays[f"{part}_{name}"] for name in COLUMNS)
    return Interactions(user_idx, item_idx, rating, arrays.get(f"{part}_{TIME}"), users, items)


def unknown_pairs(path: Path, arrays: Arrays) -> Interactions | None:
    """The held-out pairs whose user or item the run does not know, without ratings, on vocabularies of their own.

    Args, Raises: as of `held_out_part`.
    """
    if "unknown_user_idx" not in arrays:
        return None
    n = arrays["unknown_user_idx"].shape
    check_layout(path, arrays, {f"unknown_{name}": ("int32", n) for name in COLUMNS[:2]})
    users, items = (
        unpack_ids({name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)})
        for prefix in (UNKNOWN_USERS, UNKNOWN_ITEMS)
    )
    rating = np.full(n, np.nan, dtype=np.float32)
    return Interactions(arrays["unknown_user_idx"], arrays["unknown_item_idx"], rating, None, users, items)
