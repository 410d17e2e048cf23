"""What training begins with: the ratings, what is known of the items, and what an earlier run leaves to this one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property

from recsys.core.types import Array, Arrays, Indices
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.features import Features
from recsys.data.features.kind import Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.grouped import columns_by
from recsys.data.interactions import HeldOut, Interactions, join
from recsys.data.prepared import Prepared
from recsys.data.ranks.division import Division
from recsys.data.scale import Scale
from recsys.data.split import Splits
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class WarmStart:
    """What a run takes over from the one that it starts from. Ratings are on the vocabularies of the new run.

    Attributes:
        parameters: the earlier models', by scorer, under their vocabulary names.
        rows: "user" and "item" → for each row of the new model, the earlier one's; −1: a fresh one.
        scale: of the earlier run's ratings, in whose units its parameters are, with room for the new ones at its ends;
            None where there are none.
        prior_train: training ratings of the earlier run, which are not trained on again.
        prior_test: what the earlier run was measured on, and is not trained on here.
        prior_valid: validation ratings of the earlier run and of those before it, and held-out pairs that those did not
            know: not to be recommended.
        oversampled: training ratings that are seen more often than once in an epoch: so often more.
        holds_out_new: whether valid and test are of the new ratings; else they are those of the earlier run.
        replays_all: whether the ratings of the earlier run are trained on again, but for those that are held out now.
    """

    parameters: Mapping[str, Arrays]
    rows: dict[str, Indices]
    scale: Scale | None
    prior_train: Interactions
    prior_test: Interactions | None
    prior_valid: Interactions | None
    oversampled: Interactions | None
    replays_all: bool
    holds_out_new: bool = True

    @property
    def rating_parameters(self) -> Arrays:
        """Those of the model of ratings."""
        return self.parameters["rating"]

    @property
    def rating_scale(self) -> Scale:
        """The scale of a run that starts from one with ratings."""
        assert self.scale is not None
        return self.scale


@dataclass(frozen=True, eq=False)
class TrainingInputs:
    """All that training begins with.

    Attributes:
        fingerprints: sha256 of each data file, by its key in the config's `data` section.
        warm_start: None: from scratch.
        item_features, user_features: None where the run has none.
        prepared: the training rows in other orders, where they come from a prepared store or are divided among ranks;
            None: else.
        division: of the training rows among ranks; None: all of them are here.
    """

    splits: Splits
    catalogue: ItemCatalogue = field(default_factory=ItemCatalogue)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    warm_start: WarmStart | None = None
    item_features: Features | None = None
    user_features: Features | None = None
    prepared: Prepared | None = None
    division: Division | None = None

    def read_by_first(self) -> AbstractContextManager[None]:
        """While it lasts, rank 0 alone reads training rows; all ranks have to come to its end."""
        return nullcontext() if self.division is None else self.division.read_by_first()

    @property
    def features(self) -> dict[Role, Features]:
        """By whom they are of, those that there are."""
        both: dict[Role, Features | None] = {"user": self.user_features, "item": self.item_features}
        return {role: features for role, features in both.items() if features is not None}

    @property
    def ids(self) -> dict[Role, Vocabulary]:
        """The vocabularies."""
        return {"user": self.seen.users, "item": self.seen.items}

    def feature_matrices(self) -> dict[Role, FeatureMatrix]:
        """The features of each user and each item of the vocabularies, of those roles that have any."""
        return {role: features.matrix_of(self.ids[role]) for role, features in self.features.items()}

    @property
    def train(self) -> Interactions:
        """The training rows that have a rating."""
        return self.splits.train.rated()

    @property
    def scale(self) -> Scale:
        """What a model of ratings standardises and clips by; something has to be rated."""
        return self.train.scale if self.warm_start is None else self.warm_start.rating_scale

    @property
    def prior_test(self) -> Interactions | None:
        """What earlier runs were measured on, and is not trained on here."""
        return None if self.warm_start is None else self.warm_start.prior_test

    @property
    def held_out(self) -> dict[HeldOut, Interactions | None]:
        """What is not trained on, by what it is for: here, and "earlier" in the runs that this one starts from."""
        return {
            "valid": self.splits.valid,
            "test": self.splits.test,
            "earlier": self.prior_test,
            "earlier_valid": None if self.warm_start is None else self.warm_start.prior_valid,
        }

    def unrated(self) -> TrainingInputs:
        """The same interactions without their ratings, see Interactions.unrated."""
        train, valid, test = self.splits.train, self.splits.valid, self.splits.test
        start = self.warm_start
        return replace(
            self,
            splits=replace(
                self.splits,
                train=train.unrated(),
                valid=valid.unrated() if valid else None,
                test=test.unrated() if test else None,
            ),
            warm_start=None if start is None else replace(start, prior_train=start.prior_train.unrated()),
            prepared=None,
        )

    @cached_property
    def seen(self) -> Interactions:
        """All interactions, rated or not, of here and of earlier runs; without times where there is such a run."""
        start, train = self.warm_start, self.splits.train
        return train if start is None else join(start.prior_train, train)

    @property
    def seen_by_user(self) -> tuple[Array, Array]:
        """Items and ratings of all interactions, by user and then in their order."""
        if self.prepared is not None:
            return self.prepared.seen_item, self.prepared.seen_rating
        item_idx, rating = columns_by(self.seen.user_idx, self.seen.user_counts, [self.seen.item_idx, self.seen.rating])
        return item_idx, rating

    @property
    def seen_ratings(self) -> Interactions:
        """Those of them that have a rating."""
        return self.seen.rated()

    @property
    def repeated_train(self) -> Interactions:
        """The training ratings, each as often as it is seen in an epoch."""
        oversampled = None if self.warm_start is None else self.warm_start.oversampled
        return self.train if oversampled is None else join(self.train, oversampled.rated())
