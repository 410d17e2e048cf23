"""Users and items by the ids that people give."""

from __future__ import annotations

from typing import Literal, get_args

from recsys.artifacts.bundle import Bundle
from recsys.core.arguments import choice
from recsys.core.errors import UnknownIdError
from recsys.data.vocabulary import UNKNOWN

OnUnknown = Literal["error", "mean"]
ON_UNKNOWN = choice(*get_args(OnUnknown))
HINTS = {
    ("user", "rating"): "predict and recommend have --on-unknown mean for such users",
    ("item", "rating"): "predict has --on-unknown mean for such items",
    ("user", "ranking"): "recommend has --on-unknown mean for such users",
}


def find_user(bundle: Bundle, raw_id: int | str, objective: str, on_unknown: OnUnknown = "error") -> int:
    """The index of a user; −1 for one without training interactions, with on_unknown="mean".

    Args:
        objective: what the interactions count for, "rating" or "ranking".
    Raises:
        UnknownIdError: there are none, with on_unknown="error".
    """
    return find_entity(bundle, "user", raw_id, objective, on_unknown)[1]


def find_item(bundle: Bundle, raw_id: int | str, objective: str) -> int:
    """The index of an item.

    Raises:
        UnknownIdError: it has no training interactions.
    """
    return find_entity(bundle, "item", raw_id, objective, "error")[1]


def find_entity(
    bundle: Bundle, role: Literal["user", "item"], raw_id: int | str, objective: str, on_unknown: OnUnknown
) -> tuple[int | str, int]:
    """The id in the run's type, and its index; −1 where it has no training interactions.

    Raises:
        UnknownIdError: there are none, with on_unknown="error".
    """
    counted = bundle.counts[objective]
    vocabulary, counts = (bundle.users, counted.users) if role == "user" else (bundle.items, counted.items)
    parsed = vocabulary.parse(str(raw_id))
    idx = UNKNOWN if parsed is None else int(vocabulary.index([parsed])[0])
    if idx != UNKNOWN and not counts[idx]:
        idx = UNKNOWN
    if idx == UNKNOWN and on_unknown == "error":
        raise _unknown(bundle, role, raw_id, objective, is_wrong_type=parsed is None)
    return raw_id if parsed is None else parsed, idx


def interactions_called(bundle: Bundle, objective: str) -> str:
    """What the interactions of an objective are: "ratings" where each has one, else "interactions"."""
    n_ratings, n_interactions = bundle.manifest.n_ratings, bundle.manifest.n_interactions
    return "ratings" if objective == "rating" or n_ratings == n_interactions else "interactions"


def _unknown(
    bundle: Bundle, role: Literal["user", "item"], raw_id: int | str, objective: str, *, is_wrong_type: bool
) -> UnknownIdError:
    vocabulary, _ = bundle.entities(role)
    near = vocabulary.nearest(str(raw_id))
    example = vocabulary.id_at(0)
    ids = "whole numbers" if vocabulary.id_type is int else "texts"
    rows = interactions_called(bundle, objective)
    what = "cannot be an id here" if is_wrong_type else f"has no training {rows}"
    is_near = near is not None and str(near) != str(raw_id)
    return UnknownIdError(
        f"{role} {raw_id!r} {what}",
        where=f"the run's {len(vocabulary):,} {role}s",
        expected=f"one of the {role} ids of the training {rows}, which are {ids} such as {example!r}",
        hint=f"did you mean {near!r}?" if is_near else HINTS.get((role, objective)),
    )
