"""Users and items by the ids that people give."""

from __future__ import annotations

from typing import Literal, get_args

from recsys.artifacts.bundle import Bundle
from recsys.core.arguments import choice
from recsys.core.checked import shown
from recsys.core.errors import UnknownIdError
from recsys.core.types import BoolArray
from recsys.core.words import counted
from recsys.data.features.kind import Role
from recsys.data.vocabulary import UNKNOWN

OnUnknown = Literal["error", "mean"]
ON_UNKNOWN = choice(*get_args(OnUnknown))


def find_user(bundle: Bundle, raw_id: int | str, objective: str, on_unknown: OnUnknown | None = None) -> int:
    """The index of a user; −1 for one without training interactions, with on_unknown="mean".

    Args:
        objective: what the interactions count for, "rating" or "ranking".
        on_unknown: None: whoever asks has no such choice.
    Raises:
        UnknownIdError: there are none, unless on_unknown="mean".
    """
    return find_entity(bundle, "user", raw_id, objective, on_unknown)[1]


def find_item(bundle: Bundle, raw_id: int | str, objective: str) -> int:
    """The index of an item.

    Raises:
        UnknownIdError: it has no training interactions.
    """
    return find_entity(bundle, "item", raw_id, objective)[1]


def find_entity(
    bundle: Bundle, role: Role, raw_id: int | str, objective: str, on_unknown: OnUnknown | None = None
) -> tuple[int | str, int]:
    """The id in the run's type, and its index; −1 where it has no training interactions.

    Args, Raises: as of `find_user`.
    """
    parsed, idx = _find(bundle, role, raw_id, objective)
    if idx == UNKNOWN and on_unknown != "mean":
        hint = _hint(bundle, role, raw_id, has_mean=on_unknown is not None)
        raise _unknown(bundle, role, raw_id, objective, hint, is_wrong_type=parsed is None)
    return raw_id if parsed is None else parsed, idx


def all_known(bundle: Bundle, objective: str, **raw_ids: int | str) -> bool:
    """Whether all ids, `user` and `item` as far as they are given, have rows of their own."""
    roles: tuple[Role, ...] = ("user", "item")
    return all(_find(bundle, role, raw_ids[role], objective)[1] != UNKNOWN for role in roles if role in raw_ids)


def has_row(bundle: Bundle, role: Role, objective: str) -> BoolArray:
    """Who has a row of their own, from interactions or features; bool, shape (n,)."""
    counts, flags = bundle.counts[objective], bundle.from_features.get(objective)
    of_role = counts.users if role == "user" else counts.items
    if flags is None:
        return of_role > 0
    return (of_role > 0) | (flags.users if role == "user" else flags.items)


def from_features(bundle: Bundle, objective: str, user_idx: int | None, item_idx: int | None) -> tuple[Role, ...]:
    """Which of a user and an item are served by their features; they may be −1, or None where there is no such one."""
    if (flags := bundle.from_features.get(objective)) is None:
        return ()
    user = user_idx not in (None, UNKNOWN) and bool(flags.users[user_idx])
    item = item_idx not in (None, UNKNOWN) and bool(flags.items[item_idx])
    return (*(("user",) if user else ()), *(("item",) if item else ()))


def _find(bundle: Bundle, role: Role, raw_id: int | str, objective: str) -> tuple[int | str | None, int]:
    """The id in the run's type, None if it cannot be one, and the index; −1 for one without a row of its own."""
    vocabulary = bundle.users if role == "user" else bundle.items
    parsed = vocabulary.parse(str(raw_id))
    idx = UNKNOWN if parsed is None else int(vocabulary.index([parsed])[0])
    return parsed, idx if idx != UNKNOWN and has_row(bundle, role, objective)[idx] else UNKNOWN


def interactions_called(bundle: Bundle, objective: str) -> str:
    """What the interactions of an objective are: "ratings" where each has one, else "interactions"."""
    n_ratings, n_interactions = bundle.manifest.n_ratings, bundle.manifest.n_interactions
    return "ratings" if objective == "rating" or n_ratings == n_interactions else "interactions"


def _unknown(
    bundle: Bundle, role: Role, raw_id: int | str, objective: str, hint: str | None, *, is_wrong_type: bool
) -> UnknownIdError:
    vocabulary, _ = bundle.entities(role)
    example = vocabulary.id_at(0)
    ids = "whole numbers" if vocabulary.id_type is int else "texts"
    rows = interactions_called(bundle, objective)
    what = "cannot be an id here" if is_wrong_type else f"has no training {rows}"
    return UnknownIdError(
        f"{role} {shown(raw_id)} {what}",
        where=f"the run's {counted(len(vocabulary), role)}",
        expected=f"one of the {role} ids of the training {rows}, which are {ids} such as {shown(example)}",
        hint=hint,
    )


def _hint(bundle: Bundle, role: Role, raw_id: int | str, *, has_mean: bool) -> str | None:
    """The id that was meant, perhaps; else where ids are found, and what can be done without one."""
    near = bundle.entities(role)[0].nearest(str(raw_id))
    meant = f"did you mean {near!r}? " if near is not None and str(near) != str(raw_id) else ""
    titles = ["recsys items TEXT finds ids by titles"] if role == "item" and any(bundle.titles) else []
    mean = [f"--on-unknown mean takes the mean {role}"] if has_mean else []
    return f"{meant}{'; '.join([*titles, *mean])}".strip() or None
