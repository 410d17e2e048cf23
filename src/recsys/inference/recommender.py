"""A trained model in use: predictions with their parts, and the best unseen items."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.featured import with_featured
from recsys.core.arguments import ID, IDS, LEVEL, RATINGS, SECONDS, count, optional
from recsys.core.checked import checked
from recsys.core.threads import one_blas_thread
from recsys.core.types import Array, Float32Array
from recsys.data.vocabulary import UNKNOWN
from recsys.inference.candidates import FILTER_RULES, FILTERS, ItemFilter, index_items, rated_by
from recsys.inference.entities import (
    ON_UNKNOWN,
    OnUnknown,
    all_known,
    find_entity,
    find_item,
    find_user,
    from_features,
)
from recsys.inference.explain import Explanation
from recsys.inference.explain import explain as explain_prediction
from recsys.inference.explain_ranking import RankExplanation, explain_rank_score
from recsys.inference.fold_in import Prior, can_fold_in, linear_factors, user_prior
from recsys.inference.prediction import Prediction, check_time, interval_of
from recsys.inference.ranked import BY, By, Recommendation, TopItems, best_items, chosen_scorer, ranking_factors
from recsys.inference.similar import Similar, similar_items
from recsys.inference.visitor import Visitor
from recsys.inference.visitor_features import (
    FEATURES,
    VisitorFeatures,
    encode_visitor,
    prior_of_visitor,
    visitor_prior,
)
from recsys.scoring.factors.scorer import Factors


class Recommender:
    """Answers from a serving folder. It never changes once opened, so that threads can share it."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    @classmethod
    def open(cls, run: Path | None = None) -> Recommender:
        """Opens a run, its serving folder, or a copy of that; without one, the run that is served by default."""
        return cls(open_bundle(run))

    @property
    def ranks_by(self) -> By:
        """The scorer that items are recommended by where none is named: "ranking" where the run has that."""
        return chosen_scorer(self.bundle, None)

    @checked(user_id=ID, item_id=ID, on_unknown=ON_UNKNOWN, interval=optional(LEVEL), at=optional(SECONDS))
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
            on_unknown: what to do about an id without training ratings and without features: raise, or predict with
                the mean of the known biases and factors or embeddings (and say so in known_user, known_item). One with
                features is predicted by these (and named in from_features).
            interval: a level such as 0.9: adds `std`, and the interval that holds so large a share of such ratings.
            at: when, in seconds since 1970-01-01 UTC; left out, the user's bias without its drift.
        Raises:
            UnknownIdError: with on_unknown="error".
            UsageError: the level is not between 0 and 1.
            RunError: the run cannot give an interval, or none of that level; its predictions do not depend on time.
        """
        if at is not None:
            check_time(self.bundle)
        bundle = self._bundle_with("rating", user=user_id, item=item_id)
        scorer = bundle.rating
        user, user_idx = find_entity(bundle, "user", user_id, "rating", on_unknown)
        item, item_idx = find_entity(bundle, "item", item_id, "rating", on_unknown)
        one_user, one_item = np.array([user_idx], dtype=np.int32), np.array([item_idx], dtype=np.int32)
        when = None if at is None else np.array([at], dtype=np.float64)
        score = scorer.score(one_user, one_item, when)
        std, around = interval_of(bundle, one_user, one_item, interval, when) if interval is not None else (None, None)
        by_features = from_features(bundle, "rating", user_idx, item_idx)
        return Prediction(
            user_id=user,
            item_id=item,
            rating=float(scorer.rating_of(one_user, score)[0]),
            score=float(score[0]),
            link=scorer.link.kind,
            parts=scorer.parts(user_idx, item_idx, at),
            known_user=user_idx != UNKNOWN and "user" not in by_features,
            known_item=item_idx != UNKNOWN and "item" not in by_features,
            title=bundle.title_at(item_idx),
            std=std,
            interval=around,
            from_features=by_features,
        )

    @one_blas_thread()
    @checked(user_id=ID, n=count(), by=BY, on_unknown=ON_UNKNOWN, **FILTER_RULES)
    def recommend(
        self,
        user_id: int | str,
        n: int = 10,
        *,
        by: By | None = None,
        on_unknown: OnUnknown = "error",
        min_ratings: int = 0,
        candidates: Sequence[int | str] | None = None,
        exclude: Sequence[int | str] = (),
        where: str | Sequence[str] = (),
        include_new: bool = False,
    ) -> list[Recommendation]:
        """The n items with the highest scores among those that the user has not rated, best first.

        Rated are the training, validation and test ratings of the run and of those that it starts from, and likewise
        what is no rating, such as a click.

        Args:
            n: how many; fewer come back where there are not so many.
            by: "ranking": by how likely the user chooses an item; "rating": by the predicted rating; None: by ranking
                where the run has a scorer for that.
            on_unknown: what to do about a user without training ratings: raise, or list for the mean user.
            min_ratings: leaves out items with fewer training ratings, whose scores stand on little.
            candidates: only these items; those that are not known are left out.
            exclude: none of these items.
            where: conditions on columns of the items file, such as "genres=Comedy"; all have to hold.
            include_new: also items without training ratings that the run knows by their features.
        Raises:
            UnknownIdError: the user has no training ratings, with on_unknown="error".
            UsageError: a condition makes no sense, or is on a column that the items do not have.
            RunError: the run has no such scorer.
        """
        by = chosen_scorer(self.bundle, by)
        bundle = self.with_new if include_new else self._bundle_with(by, user=user_id)
        allowed = ItemFilter(min_ratings, candidates, exclude, where, include_new).allowed(bundle, by)
        user_idx = find_user(bundle, user_id, by, on_unknown)
        allowed[rated_by(bundle, user_id, user_idx)] = False
        return best_items(bundle, by, user_idx, allowed, n)

    @one_blas_thread()
    @checked(item_ids=IDS, ratings=optional(RATINGS), n=count(), by=BY, features=optional(FEATURES), **FILTER_RULES)
    def recommend_for(
        self,
        item_ids: Sequence[int | str],
        ratings: Sequence[float] | Array | None,
        n: int = 10,
        *,
        by: By | None = None,
        min_ratings: int = 0,
        candidates: Sequence[int | str] | None = None,
        exclude: Sequence[int | str] = (),
        where: str | Sequence[str] = (),
        include_new: bool = False,
        features: VisitorFeatures | None = None,
    ) -> list[Recommendation]:
        """The n best items for a visitor who has rated a few, see recsys.inference.visitor; nothing is stored.

        By ranking, someone without known items gets the list of the mean user.

        Args:
            item_ids: what the visitor rated, each once; items without training ratings say nothing and are left out.
            ratings: of each, in the units of the training ratings, NaN where there is none; None: there are none.
            n, by, min_ratings, candidates, exclude, where, include_new: as in `recommend`.
            features: what else is known of the visitor, by the columns of the run's `data.user_features`.
        Raises:
            UnknownIdError: by rating, none of the items has training ratings.
            UsageError: as in `recommend`, or by rating without ratings.
            RunError: as in `recommend`; by rating, the model is not a dot product with linear output.
        """
        bundle, by = self.with_new if include_new else self.bundle, chosen_scorer(self.bundle, by)
        allowed = ItemFilter(min_ratings, candidates, exclude, where, include_new).allowed(bundle, by)
        ranking = ranking_factors(bundle) if by == "ranking" else None
        known = None if features is None else encode_visitor(bundle, features)
        visitor = Visitor.of(bundle, by, item_ids, ratings, known)
        allowed[visitor.item_idx] = False
        if ranking is not None:
            by_features = None if known is None else visitor_prior(bundle, by)
            with bundle.solving("ranking"):
                scores = visitor.ranking_scores(ranking, by_features)
            top = TopItems.of(scores, allowed, n)
            return top.described(bundle, by, self._ratings_for(bundle, visitor, top))
        user, session = np.zeros(1, dtype=np.int32), self._session(bundle, visitor)
        top = TopItems.of(session.score_all(user), allowed, n)
        return top.described(bundle, by, session.rating_of(user, top.score))

    @one_blas_thread()
    @checked(item_id=ID, n=count(), by=BY, min_ratings=count(0))
    def similar(self, item_id: int | str, n: int = 10, *, by: By | None = None, min_ratings: int = 0) -> list[Similar]:
        """The items whose factors are most like the item's, see `similar_items`.

        An item without training ratings has the factors that its features tell; such items are not listed.

        Args:
            by: whose factors: of "ranking", or of "rating"; None: of ranking where the run has a scorer for that.
        Raises:
            UnknownIdError: the item has no training ratings.
            RunError: the run has no such scorer, or one without factors.
        """
        by = chosen_scorer(self.bundle, by)
        bundle = self._bundle_with(by, item=item_id)
        return similar_items(bundle, by, find_item(bundle, item_id, by), n, min_ratings=min_ratings)

    @one_blas_thread()
    @checked(user_id=ID, item_id=ID, n=count())
    def explain(self, user_id: int | str, item_id: int | str, n: int = 10) -> Explanation:
        """A prediction, and the n of the user's own ratings that contribute most to it, see recsys.inference.explain.

        Raises:
            UnknownIdError: the user or the item has no training ratings.
        """
        bundle = self._bundle_with("rating", item=item_id)
        user_idx, item_idx = find_user(self.bundle, user_id, "rating"), find_item(bundle, item_id, "rating")
        return explain_prediction(bundle, self.predict(user_id, item_id), user_idx, item_idx, n)

    @one_blas_thread()
    @checked(user_id=ID, item_id=ID, n=count())
    def explain_ranking(self, user_id: int | str, item_id: int | str, n: int = 10) -> RankExplanation:
        """A rank score, and the n of the user's own items that contribute most to it.

        See recsys.inference.explain_ranking.

        Raises:
            UnknownIdError: the user or the item has no training ratings.
            RunError: the run has no ranking scorer.
        """
        by = chosen_scorer(self.bundle, "ranking")
        bundle = self._bundle_with(by, item=item_id)
        user_idx, item_idx = find_user(self.bundle, user_id, by), find_item(bundle, item_id, by)
        return explain_rank_score(bundle, user_idx, item_idx, n)

    @checked(user_id=ID, filters=FILTERS, by=BY, on_unknown=ON_UNKNOWN)
    def ruled_out(
        self, user_id: int | str, filters: ItemFilter, *, by: By | None = None, on_unknown: OnUnknown = "error"
    ) -> dict[str, int]:
        """By filter, how many items it leaves out of those that the ones before it leave, for a user.

        Raises:
            UnknownIdError, UsageError, RunError: as in `recommend`.
        """
        by = chosen_scorer(self.bundle, by)
        bundle = self.with_new if filters.include_new else self._bundle_with(by, user=user_id)
        user_idx = find_user(bundle, user_id, by, on_unknown)
        return filters.ruled_out(bundle, by, rated_by(bundle, user_id, user_idx))

    @checked(item_ids=IDS, filters=FILTERS, by=BY)
    def ruled_out_for(
        self, item_ids: Sequence[int | str], filters: ItemFilter, *, by: By | None = None
    ) -> dict[str, int]:
        """The same for a visitor who has rated these items.

        Raises:
            UsageError, RunError: as in `recommend`.
        """
        bundle, by = self.with_new if filters.include_new else self.bundle, chosen_scorer(self.bundle, by)
        rated = index_items(bundle, item_ids, by)
        return filters.ruled_out(bundle, by, rated[rated != UNKNOWN])

    @cached_property
    def with_new(self) -> Bundle:
        """The bundle with those who have no training ratings, and whom the run knows by their features."""
        return with_featured(self.bundle)

    def _bundle_with(self, objective: str, **raw_ids: int | str) -> Bundle:
        """The bundle, `with_new` where one of the ids needs it: whoever has training ratings is served as without."""
        return self.bundle if all_known(self.bundle, objective, **raw_ids) else self.with_new

    @cached_property
    def _user_prior(self) -> Prior:
        return user_prior(self.bundle)

    def _session(self, bundle: Bundle, visitor: Visitor) -> Factors:
        """The rating scorer with the visitor as its only user."""
        prior = prior_of_visitor(bundle, self._user_prior, visitor.features)
        with bundle.solving("rating"):
            return visitor.as_user_of(linear_factors(bundle), prior)

    def _ratings_for(self, bundle: Bundle, visitor: Visitor, top: TopItems) -> Float32Array | None:
        """The ratings that are predicted for a visitor; None where the run cannot tell."""
        if "rating" not in bundle.scorers:
            return None
        item_idx = top.item_idx.astype(np.int32)
        if np.isnan(visitor.rating).all() and visitor.features is None:
            return bundle.rating.rate(np.full(len(item_idx), UNKNOWN, dtype=np.int32), item_idx)
        if not can_fold_in(bundle):
            return None
        session = self._session(bundle, visitor)
        return session.rate(np.zeros(len(item_idx), dtype=np.int32), item_idx)
