"""A bundle with users and items that the run knows by their features alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Lock

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.entity_counts import EntityCounts, EntityFlags
from recsys.artifacts.feature_priors import new_item_texts, read_priors
from recsys.scoring.feature_prior.extension import ExtendedSide
from recsys.scoring.feature_prior.prior import Priors
from recsys.scoring.protocols import TrainedScorer


def with_featured(bundle: Bundle) -> Bundle:
    """The bundle in which everyone with features and without interactions has a row from the features.

    Those whom the run has not been trained with lie behind all others, which keep their indices and rows to the bit.
    """
    priors = {} if bundle.from_features else read_priors(bundle)
    if not any(priors.values()):
        return bundle
    roles = {role for of_roles in priors.values() for role in of_roles}
    users = ExtendedSide(bundle.users, bundle.features("user") if "user" in roles else None)
    items = ExtendedSide(bundle.items, bundle.features("item") if "item" in roles else None)
    texts = new_item_texts(bundle, items.ids.n_behind)
    return replace(
        bundle,
        scorers=_ExtendedScorers(bundle, priors, users, items),
        users=users.ids,
        items=items.ids,
        counts={
            name: EntityCounts(users.counts(counts.users), items.counts(counts.items))
            for name, counts in bundle.counts.items()
        },
        titles=np.concatenate([bundle.titles, texts["titles"]]),
        from_features={
            name: EntityFlags(
                users.are_from_features(bundle.counts[name].users, of_roles.get("user")),
                items.are_from_features(bundle.counts[name].items, of_roles.get("item")),
            )
            for name, of_roles in priors.items()
        },
        new_columns={name: column for name, column in texts.items() if name != "titles"},
    )


class _ExtendedScorers(Mapping[str, TrainedScorer]):
    """The scorers of a bundle with the rows of those behind, each made when it is first asked for."""

    def __init__(self, bundle: Bundle, priors: Mapping[str, Priors], users: ExtendedSide, items: ExtendedSide) -> None:
        self._bundle, self._priors, self._users, self._items = bundle, priors, users, items
        self._made: dict[str, TrainedScorer] = {}
        self._lock = Lock()

    def __getitem__(self, name: str) -> TrainedScorer:
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(name)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._bundle.scorers)

    def __len__(self) -> int:
        return len(self._bundle.scorers)

    def __contains__(self, name: object) -> bool:
        return name in self._bundle.scorers

    def _make(self, name: str) -> TrainedScorer:
        scorer, counts, priors = self._bundle.scorers[name], self._bundle.counts[name], self._priors[name]
        users, items = (
            self._users.rows(counts.users, priors.get("user")),
            self._items.rows(counts.items, priors.get("item")),
        )
        return scorer.extended(users, items)
