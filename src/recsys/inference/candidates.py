"""Which items may be recommended: filters for everyone, and what a user has rated already."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.arguments import ANY_IDS, FLAG, TEXT, TEXTS, count, instance, optional
from recsys.core.checked import Rule, accepted
from recsys.core.types import Array, BoolArray, Indices, Int64Array, Texts
from recsys.data.grouped import GroupedView
from recsys.data.vocabulary import UNKNOWN, only_counted
from recsys.inference.conditions import Condition
from recsys.inference.entities import has_row
from recsys.inference.ranked import By

CONDITIONS = Rule(
    'a condition such as "genres=Comedy", or a list of them',
    lambda value: (TEXT if isinstance(value, str) else TEXTS).accept(value),
)


@dataclass(frozen=True)
class ItemFilter:
    """What an item has to meet to be recommended to anyone: all of it.

    Attributes:
        min_ratings: training ratings, or interactions, that it has; at least 1 in any case.
        candidates: only these; None: all.
        exclude: none of these. Ids that are not known are left out, here and among the candidates.
        where: conditions on the columns of the items file and on the title, see `Condition`.
        include_new: also items without training ratings that are served by their features, whatever `min_ratings` is.
    """

    min_ratings: int = 0
    candidates: Sequence[int | str] | None = None
    exclude: Sequence[int | str] = ()
    where: str | Sequence[str] = ()
    include_new: bool = False

    def __post_init__(self) -> None:
        """Refuses values of the wrong type, and makes lists of what may be read only once.

        Raises:
            UsageError: a value is of the wrong type or out of range.
        """
        for name, rule in FILTER_RULES.items():
            object.__setattr__(self, name, accepted(name, getattr(self, name), rule))

    def passed(self, bundle: Bundle, by: By) -> Iterator[tuple[str, BoolArray]]:
        """Each filter by name, and which items pass it, bool, shape (n_items,).

        Args:
            by: the scorer that ranks: ranking counts interactions, rating those with a rating.
        Raises:
            UsageError: a condition makes no sense, or is on a column that the items do not have.
        """
        is_enough = bundle.counts[by].items >= max(self.min_ratings, 1)
        is_new = bundle.from_features.get(by) if self.include_new else None
        yield "min_ratings", is_enough if is_new is None else is_enough | is_new.items
        if self.candidates is not None:
            yield "candidates", _are_among(bundle, self.candidates, by)
        if self.exclude:
            yield "exclude", ~_are_among(bundle, self.exclude, by)
        if self.where:
            conditions = [Condition.parse(text) for text in _listed(self.where)]
            columns = item_columns(bundle)
            yield "where", np.logical_and.reduce([condition.met_by(columns) for condition in conditions])

    def allowed(self, bundle: Bundle, by: By) -> BoolArray:
        """The items that pass all filters, bool, shape (n_items,).

        Raises:
            UsageError: see `passed`.
        """
        allowed: BoolArray = np.logical_and.reduce([passes for _, passes in self.passed(bundle, by)])
        return allowed

    def ruled_out(self, bundle: Bundle, by: By, rated: Indices) -> dict[str, int]:
        """By filter, how many items fail it and none before it; under "already_rated" those of a user.

        Args:
            rated: the items that the user has rated.
        """
        is_new = np.ones(len(bundle.items), dtype=bool)
        is_new[rated] = False
        is_left, counts = np.ones(len(bundle.items), dtype=bool), dict[str, int]()
        for name, passes in (*self.passed(bundle, by), ("already_rated", is_new)):
            counts[name] = int(np.count_nonzero(is_left & ~passes))
            is_left &= passes
        return counts


FILTER_RULES = {
    "min_ratings": count(0),
    "candidates": optional(ANY_IDS),
    "exclude": ANY_IDS,
    "where": CONDITIONS,
    "include_new": FLAG,
}
FILTERS = instance(ItemFilter, "an ItemFilter")


@dataclass(frozen=True, eq=False)
class RatedPairs:
    """What users have rated, and is not recommended to them."""

    views: tuple[GroupedView, ...]

    @classmethod
    def of(cls, bundle: Bundle, *, held_out: bool = True) -> RatedPairs:
        """The ratings that the run and those it starts from have trained on, and those that they have held out.

        Args:
            held_out: False: the training ratings alone, so that lists can be measured on the rest.
        """
        return cls((bundle.seen.by_user, bundle.held_out_by_user) if held_out else (bundle.seen.by_user,))

    def pairs(self, users: Indices) -> tuple[Int64Array, Indices]:
        """Pairs of a position in `users`, and an item that this user has rated."""
        pairs = [view.pairs(users) for view in self.views]
        return np.concatenate([rows for rows, _ in pairs]), np.concatenate([items for _, items in pairs])


def rated_by(bundle: Bundle, user_id: int | str, user_idx: int) -> Indices:
    """The known items that a user has rated; the index is −1 for one without training ratings."""
    if user_idx == UNKNOWN:
        return rated_by_unknown(bundle, user_id)
    return RatedPairs.of(bundle).pairs(np.array([user_idx], dtype=np.int32))[1]


def rated_by_unknown(bundle: Bundle, user_id: int | str) -> Indices:
    """The known items that a user without training ratings has rated, as far as those are held out."""
    pairs, parsed = bundle.unknown_pairs, bundle.users.parse(str(user_id))
    if pairs is None or parsed is None:
        return np.empty(0, dtype=np.int32)
    own = (pairs.user_idx == pairs.users.index([parsed])[0]) & (pairs.user_idx != UNKNOWN)
    item_idx = bundle.items.index(pairs.items.ids)[pairs.item_idx[own]]
    known: Indices = item_idx[item_idx != UNKNOWN]
    return known


def index_items(bundle: Bundle, item_ids: Sequence[int | str], by: By) -> Indices:
    """The index of each item, int32; −1 where it has no row of its own, or cannot be an id."""
    parsed = [bundle.items.parse(str(item_id)) for item_id in item_ids]
    idx: Array = np.full(len(parsed), UNKNOWN, dtype=np.int32)
    idx[np.array([item_id is not None for item_id in parsed], dtype=bool)] = bundle.items.index(
        [item_id for item_id in parsed if item_id is not None]
    )
    return only_counted(idx, has_row(bundle, "item", by))


def item_columns(bundle: Bundle) -> dict[str, Texts]:
    """Every column of the items file by name, the title by this name; none where the run had no such file."""
    titles = {"title": bundle.titles} if any(bundle.titles) else {}
    return {**titles, **bundle.item_columns}


def _are_among(bundle: Bundle, item_ids: Sequence[int | str], by: By) -> BoolArray:
    """Which items are among some ids, bool, shape (n_items,)."""
    idx = index_items(bundle, item_ids, by)
    is_listed = np.zeros(len(bundle.items), dtype=bool)
    is_listed[idx[idx != UNKNOWN]] = True
    return is_listed


def _listed(where: str | Sequence[str]) -> Sequence[str]:
    """The conditions; a text alone is one condition."""
    return [where] if isinstance(where, str) else where
