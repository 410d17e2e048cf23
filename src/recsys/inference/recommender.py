"""A trained model in use: predictions with their parts, and the best unseen items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.errors import RunError, UnknownIdError
from recsys.core.types import Array, Indices, Json, Times
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.inference.candidates import ItemFilter, RatedPairs, index_items
from recsys.inference.explain import Explanation
from recsys.inference.explain import explain as explain_prediction
from recsys.inference.fold_in import FixedRows, Prior, linear_factors, solve, user_prior
from recsys.inference.prediction import Interval, Prediction
from recsys.inference.similar import Similar, similar_items
from recsys.scoring.protocols import RatingScorer
from recsys.scoring.top import masked_top_n

OnUnknown = Literal["error", "mean"]


@dataclass(frozen=True)
class Recommendation:
    """An item for a user. `n_ratings` is how many training ratings the item has."""

    rank: int
    item_id: int | str
    title: str | None
    rating: float
    score: float
    n_ratings: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


class Recommender:
    """Answers from a serving folder. It never changes once opened, so that threads can share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def open(cls, run: Path | None = None) -> Recommender:
        """Opens a run, its serving folder, or a copy of that; without one, the run that is served by default."""
        return cls(open_bundle(run))

    def predict(
        self,
        user_id: int | str,
        item_id: int | str,
        *,
        on_unknown: OnUnknown = "error",
        interval: float | None = None,
        at: float | None = None,
    ) -> Prediction:
        """The rating that the user would give the item.

        Args:
            on_unknown: what to do about an id without training ratings: raise, or predict with the mean of the
                known biases and factors or embeddings (and say so in known_user, known_item).
            interval: a level such as 0.9: adds `std`, and the interval that holds so large a share of such ratings.
            at: when, in seconds since 1970-01-01 UTC; left out, the user's bias without its drift.
        Raises:
            UnknownIdError: with on_unknown="error".
            UsageError: the level is not between 0 and 1.
            RunError: the run cannot give an interval, or none of that level; its predictions do not depend on time.
        """
        bundle = self.bundle
        if at is not None:
            _check_time(bundle)
        user, user_idx = _find("user", bundle, user_id, on_unknown)
        item, item_idx = _find("item", bundle, item_id, on_unknown)
        one_user, one_item = np.array([user_idx], dtype=np.int32), np.array([item_idx], dtype=np.int32)
        scorer, when = bundle.rating, None if at is None else np.array([at], dtype=np.float64)
        score = scorer.score(one_user, one_item, when)
        std, around = self._interval(one_user, one_item, interval, when) if interval is not None else (None, None)
        return Prediction(
            user_id=user,
            item_id=item,
            rating=float(scorer.rating_of(one_user, score)[0]),
            score=float(score[0]),
            link=scorer.link.kind,
            parts=scorer.parts(user_idx, item_idx, at),
            known_user=user_idx != UNKNOWN,
            known_item=item_idx != UNKNOWN,
            title=bundle.title_at(item_idx),
            std=std,
            interval=around,
        )

    def recommend(
        self,
        user_id: int | str,
        n: int = 10,
        *,
        min_ratings: int = 0,
        candidates: Sequence[int | str] | None = None,
        exclude: Sequence[int | str] = (),
        where: str | Sequence[str] = (),
    ) -> list[Recommendation]:
        """The n items with the highest scores among those that the user has not rated, best first.

        Rated are the training, validation and test ratings of the run and of those that it starts from.

        Args:
            n: how many; fewer come back where there are not so many.
            min_ratings: leaves out items with fewer training ratings, whose scores stand on little.
            candidates: only these items; those that are not known are left out.
            exclude: none of these items.
            where: conditions on columns of the items file, such as "genres=Comedy"; all have to hold.
        Raises:
            UnknownIdError: the user has no training ratings.
            UsageError: a condition makes no sense, or is on a column that the items do not have.
        """
        bundle = self.bundle
        allowed = ItemFilter(min_ratings, candidates, exclude, where).allowed(bundle)
        _, user_idx = _find("user", bundle, user_id, "error")
        allowed[self._rated_by(user_idx)] = False
        return self._best(bundle.rating, user_idx, allowed, n)

    def recommend_for(
        self,
        item_ids: Sequence[int | str],
        ratings: Sequence[float] | Array,
        n: int = 10,
        *,
        min_ratings: int = 0,
        candidates: Sequence[int | str] | None = None,
        exclude: Sequence[int | str] = (),
        where: str | Sequence[str] = (),
    ) -> list[Recommendation]:
        """The n best items for a visitor who has rated a few, see recsys.inference.fold_in; nothing is stored.

        Args:
            item_ids: what the visitor rated, each once; items without training ratings say nothing and are left out.
            ratings: of each, in the units of the training ratings.
            n, min_ratings, candidates, exclude, where: as in `recommend`.
        Raises:
            UnknownIdError: none of the items has training ratings.
            UsageError: as in `recommend`.
            RunError: the model is not a dot product with linear output.
        """
        bundle, factors = self.bundle, linear_factors(self.bundle)
        allowed = ItemFilter(min_ratings, candidates, exclude, where).allowed(bundle)
        rated = index_items(bundle, item_ids)
        known = rated != UNKNOWN
        if not known.any():
            raise UnknownIdError(
                f"none of the {len(rated):,} rated items has training ratings",
                where=f"the run's {len(bundle.items):,} items",
                expected=f"item ids of the training ratings, such as {bundle.items.id_at(0)!r}",
            )
        (row,) = solve(
            self._user_prior,
            factors.global_mean,
            FixedRows.items(factors),
            codes=np.zeros(int(known.sum()), dtype=np.int32),
            other_idx=rated[known],
            rating=np.asarray(ratings, dtype=np.float32)[known],
        )
        std = None if factors.user_std is None else factors.user_std[-1:]
        session = replace(factors, user_bias=row[:1], user_factors=row[None, 1:], user_std=std)
        allowed[rated[known]] = False
        return self._best(session, 0, allowed, n)

    def similar(self, item_id: int | str, n: int = 10, *, min_ratings: int = 0) -> list[Similar]:
        """The items whose factors are most like the item's, see `similar_items`.

        Raises:
            UnknownIdError: the item has no training ratings.
        """
        _, item_idx = _find("item", self.bundle, item_id, "error")
        return similar_items(self.bundle, item_idx, n, min_ratings=min_ratings)

    def explain(self, user_id: int | str, item_id: int | str, n: int = 10) -> Explanation:
        """A prediction, and the n of the user's own ratings that contribute most to it, see recsys.inference.explain.

        Raises:
            UnknownIdError: the user or the item has no training ratings.
        """
        prediction = self.predict(user_id, item_id)
        _, user_idx = _find("user", self.bundle, user_id, "error")
        _, item_idx = _find("item", self.bundle, item_id, "error")
        return explain_prediction(self.bundle, prediction, user_idx, item_idx, n)

    def ruled_out(self, user_id: int | str, filters: ItemFilter) -> dict[str, int]:
        """By filter, how many items it leaves out of those that the ones before it leave, for a user.

        Raises:
            UnknownIdError: the user has no training ratings.
            UsageError: as in `recommend`.
        """
        _, user_idx = _find("user", self.bundle, user_id, "error")
        return filters.ruled_out(self.bundle, self._rated_by(user_idx))

    def ruled_out_for(self, item_ids: Sequence[int | str], filters: ItemFilter) -> dict[str, int]:
        """The same for a visitor who has rated these items.

        Raises:
            UsageError: as in `recommend`.
        """
        rated = index_items(self.bundle, item_ids)
        return filters.ruled_out(self.bundle, rated[rated != UNKNOWN])

    def _rated_by(self, user_idx: int) -> Indices:
        return RatedPairs.of(self.bundle).pairs(np.array([user_idx], dtype=np.int32))[1]

    def _interval(
        self, user_idx: Indices, item_idx: Indices, level: float, timestamp: Times | None
    ) -> tuple[float, Interval]:
        """The std and the interval of one pair."""
        from recsys.inference.intervals import rate_with_intervals  # and with it evaluation: for who asks

        predicted = rate_with_intervals(self.bundle, level, user_idx, item_idx, timestamp)
        return float(predicted.std[0]), Interval(level, float(predicted.low[0]), float(predicted.high[0]))

    @cached_property
    def _user_prior(self) -> Prior:
        return user_prior(self.bundle)

    def _best(self, scorer: RatingScorer, user_idx: int, allowed: Array, n: int) -> list[Recommendation]:
        """Of the scorer's user, among the items that are allowed."""
        user = np.array([user_idx], dtype=np.int32)
        (best,), (score,) = masked_top_n(scorer.score_all(user), n, allowed=allowed)
        is_left = np.isfinite(score)
        best, score = best[is_left], score[is_left]
        rating = scorer.rating_of(user, score)
        return [
            Recommendation(
                rank=rank + 1,
                item_id=self.bundle.items.id_at(idx),
                title=self.bundle.title_at(idx),
                rating=float(rating[rank]),
                score=float(score[rank]),
                n_ratings=int(self.bundle.counts["rating"].items[idx]),
            )
            for rank, idx in enumerate(best.tolist())
        ]


def _check_time(bundle: Bundle) -> None:
    """Refuses a time where predictions do not depend on it."""
    if bundle.drift is None:
        raise RunError(
            "the run's predictions do not depend on time",
            where=str(bundle.path),
            expected="a run that was trained by gibbs with model.user_drift: true",
            hint="leave the time out",
        )


def _find(
    role: Literal["user", "item"], bundle: Bundle, raw_id: int | str, on_unknown: OnUnknown
) -> tuple[int | str, int]:
    """The id in the run's type, and its index; −1 where it has no training ratings."""
    vocabulary, counts = bundle.entities(role)
    parsed = vocabulary.parse(str(raw_id))
    idx = UNKNOWN if parsed is None else int(vocabulary.index([parsed])[0])
    if idx != UNKNOWN and not counts[idx]:
        idx = UNKNOWN
    if idx == UNKNOWN and on_unknown == "error":
        raise _unknown(role, vocabulary, raw_id, is_wrong_type=parsed is None)
    return raw_id if parsed is None else parsed, idx


def _unknown(role: str, vocabulary: Vocabulary, raw_id: int | str, *, is_wrong_type: bool) -> UnknownIdError:
    near = vocabulary.nearest(str(raw_id))
    example = vocabulary.id_at(0)
    ids = "whole numbers" if vocabulary.id_type is int else "texts"
    return UnknownIdError(
        f"{role} {raw_id!r} cannot be an id here" if is_wrong_type else f"{role} {raw_id!r} has no training ratings",
        where=f"the run's {len(vocabulary):,} {role}s",
        expected=f"one of the {role} ids of the training ratings, which are {ids} such as {example!r}",
        hint=f"did you mean {near!r}?" if near is not None else "predict has --on-unknown mean for such ids",
    )
