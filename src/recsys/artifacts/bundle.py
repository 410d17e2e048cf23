"""The serving folder, opened: all that predict, recommend and explain read. Copy it anywhere."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from recsys.artifacts.directory import MEASURED, SERVING_JSON, locate, run_of
from recsys.artifacts.entity_counts import EntityCounts, EntityFlags
from recsys.artifacts.entries import IdType
from recsys.artifacts.held_out import HELD_OUT, held_out_layout, held_out_part, unknown_pairs
from recsys.artifacts.item_columns import read_item_columns
from recsys.artifacts.manifest import BundleManifest, damaged
from recsys.artifacts.recorded import check_in_run
from recsys.artifacts.seen import SEEN_LAYOUT, SeenRatings, known_by_user
from recsys.artifacts.stored_scorers import StoredScorers, without_ratings
from recsys.artifacts.texts import ids_layout, texts_layout, unpack_ids, unpack_texts
from recsys.artifacts.verified import VerifiedFolder, check_layout, consistent, open_verified
from recsys.core.errors import RunError
from recsys.core.layout import ArraySpec, Layout
from recsys.core.types import Arrays, Counts, Texts
from recsys.core.words import joined
from recsys.data.chunks import chunks
from recsys.data.grouped import GroupedView
from recsys.data.interactions import HeldOut, Interactions
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.models.specs import kinds_served_by
from recsys.scoring.drift import Drift
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.protocols import RatingScorer, TrainedScorer

if TYPE_CHECKING:
    from recsys.config.schema.data import Data
    from recsys.data.features.features import Features
    from recsys.data.features.kind import Role
    from recsys.data.scale import Scale
    from recsys.evaluation.intervals import Intervals
    from recsys.scoring.implicit.scorer import ImplicitFactors

USERS, ITEMS, SEEN = "users.safetensors", "items.safetensors", "seen.safetensors"
INTERVALS = "intervals.safetensors"
COUNTS = {"rating": "n_ratings", "ranking": "n_interactions"}  # objective → name of the array


@dataclass(frozen=True, eq=False)
class Bundle:
    """An opened serving folder. Scorers, ratings and intervals are read when first asked for.

    Attributes:
        scorers: by the name of the objective that they were trained for.
        counts: by objective.
        titles: of each item, object (str), "" where there is none.
        from_features: by scorer, who has no interactions and is served by features; see recsys.artifacts.featured.
        new_columns: by number, the further columns of the items file of those items that lie behind.
    """

    folder: VerifiedFolder[BundleManifest]
    scorers: Mapping[str, TrainedScorer]
    users: Vocabulary
    items: Vocabulary
    counts: Mapping[str, EntityCounts]
    titles: Texts
    from_features: Mapping[str, EntityFlags] = field(default_factory=dict)
    new_columns: Mapping[str, Texts] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """Where the folder lies."""
        return self.folder.path

    @cached_property
    def run_folder(self) -> Path:
        """The run that the folder lies in; of a copy, the folder itself."""
        return run_of(self.path)

    @property
    def manifest(self) -> BundleManifest:
        """What serving.json says."""
        return self.folder.manifest

    def scorer(self, name: str) -> TrainedScorer:
        """The scorer of this name.

        Raises:
            RunError: there is none, it is of a kind that this version does not know, or it is damaged.
        """
        if name not in self.scorers:
            names = " or ".join(map(repr, self.scorers))
            raise RunError(f"the run has no scorer {name!r}", where=str(self.path), expected=names)
        return self.scorers[name]

    def solving(self, name: str) -> AbstractContextManager[None]:
        """Turns equations of a scorer's rows that have no solution, as training leaves none, into a damaged file."""
        return consistent(self.path / self.manifest.scorers[name].file)

    def measured(self) -> Bundle:
        """The bundle of what was measured on held-out ratings: this one, unless it was trained on all ratings after.

        Raises:
            RunError: that one is not there.
        """
        if (measured := self.find_measured()) is not None:
            return measured
        raise RunError(
            "the run was trained on all ratings, and what was measured before that is not here",
            where=str(self.path),
            expected=f"a whole run, with a folder {MEASURED}",
            hint="measure it on other ratings: recsys evaluate --data FILE",
        )

    def find_measured(self) -> Bundle | None:
        """As `measured`; None where that one is not there, as beside a copy of the serving folder."""
        if self.manifest.trained_on == "train":
            return self
        has_it = self.run_folder != self.path and (self.run_folder / MEASURED).exists()
        return open_bundle(self.run_folder / MEASURED) if has_it else None

    @property
    def rating(self) -> RatingScorer:
        """The scorer that predicts ratings.

        Raises:
            RunError: the run has none.
        """
        if "rating" in self.scorers and (scorer := self.scorer("rating").as_rating()) is not None:
            return scorer
        raise without_ratings(self.path)

    @property
    def ranking(self) -> ImplicitFactors | None:
        """The scorer that ranks items; None where the run has none of its own for that."""
        return self.scorer("ranking").as_implicit() if "ranking" in self.scorers else None

    @property
    def recommends_by(self) -> str:
        """The name of the scorer by which items are recommended: ranking, or rating where there is no other."""
        return "ranking" if "ranking" in self.scorers else "rating"

    @property
    def scale(self) -> Scale:
        """Mean, standard deviation and range of the training ratings.

        Raises:
            RunError: the run was trained without ratings.
        """
        if self.manifest.scale is not None:
            return self.manifest.scale
        raise RunError(
            "the run was trained without ratings",
            where=str(self.path),
            expected="a run that was trained on ratings",
        )

    @property
    def factors(self) -> Factors:
        """The rating scorer of a dot product, for what only its factors can answer.

        Raises:
            RunError: the run's model is something else.
        """
        factors = self.rating.as_factors()
        if factors is not None:
            return factors
        raise RunError(
            f"this needs a dot product, and the run's model is {self.manifest.scorers['rating'].model}",
            where=str(self.path),
            expected="a run whose score is a mean, two biases and the product of two rows of factors",
            hint=f"train one with model.kind: {joined(kinds_served_by('factors'))}",
        )

    @property
    def drift(self) -> Drift | None:
        """How users' biases move, where the model has that."""
        return self.rating.drift

    @property
    def sizes(self) -> dict[str, int]:
        """Numbers as layouts name them."""
        return {"n_users": self.manifest.n_users, "n_items": self.manifest.n_items}

    @cached_property
    def data(self) -> Data:
        """How the run's ratings were read: another file of the same data is read likewise."""
        from recsys.config.schema.data import data_as_read  # one prediction reads no file

        with consistent(self.folder.json):
            return data_as_read(self.manifest.data.model_dump())

    def entities(self, role: Literal["user", "item"]) -> tuple[Vocabulary, Counts]:
        """The users or the items, and how many training ratings each has."""
        counts = self.counts["rating"]
        return (self.users, counts.users) if role == "user" else (self.items, counts.items)

    def title_at(self, item_idx: int) -> str | None:
        """The title of an item, if it has one; index −1 is an unknown item."""
        return None if item_idx == UNKNOWN else str(self.titles[item_idx]) or None

    @cached_property
    def seen(self) -> SeenRatings:
        """The ratings that the run was trained on."""
        counts, n = self.counts["ranking"].users, self.manifest.n_interactions
        arrays = self.folder.mapped(SEEN)
        check_layout(self.path / SEEN, arrays, SEEN_LAYOUT, n_interactions=n, **self.sizes)
        start = np.concatenate([[0], np.cumsum(counts)])
        if start[-1] != n or start.min() < 0:  # a sum may wrap
            raise damaged(self.path / USERS, f"its counts add up to {start[-1]:,}, and there are {n:,} interactions")
        rating = arrays["rating"]
        if "rating" in self.manifest.scorers and all(np.isnan(rating[rows]).all() for rows in chunks(n)):
            raise damaged(self.path / SEEN, "it has no rating, and the run has learned ratings")
        return SeenRatings(self.users, self.items, GroupedView(start, arrays["item_idx"], None), rating)

    def held_out(self, part: HeldOut) -> Interactions | None:
        """The ratings that the run was measured on, with times where predictions depend on them; None without.

        earlier, earlier_valid: the test and validation ratings of the runs which it starts from; with the latter, pairs
        that those had held out and did not know.
        """
        return held_out_part(self._held_out, part, self.users, self.items)

    @property
    def unknown_pairs(self) -> Interactions | None:
        """The held-out pairs whose user or item the run does not know, on vocabularies of their own; None without."""
        with consistent(self.path / HELD_OUT):
            return unknown_pairs(self._held_out)

    @cached_property
    def held_out_by_user(self) -> GroupedView:
        """The held-out ratings of every part, as far as their users and items are known."""
        parts = [self.held_out(part) for part in get_args(HeldOut)]
        return known_by_user([ratings for ratings in parts if ratings is not None], len(self.users))

    @cached_property
    def item_columns(self) -> dict[str, Texts]:
        """The other columns of the items file: name → the text of each item, object (str), "" where there is none."""
        return read_item_columns(self.folder, self.new_columns)

    @cached_property
    def intervals(self) -> Intervals | None:
        """What the run knows of how far ratings lie from its predictions; None if it has learned nothing of that."""
        from recsys.artifacts.intervals import intervals_layout, read_intervals  # and how they come about

        if (entry := self.manifest.intervals) is None:
            return None
        arrays = self.folder.mapped(INTERVALS)
        check_layout(self.path / INTERVALS, arrays, intervals_layout(entry), **self.sizes)
        with consistent(self.path / INTERVALS):
            counts = self.counts["rating"]
            known = counts.users[: self.manifest.n_users], counts.items[: self.manifest.n_items]
            return read_intervals(arrays, entry, *known, self.drift)

    def features(self, role: Role) -> Features | None:
        """What the run knows of items or users beside their ratings, and how it encodes more of them; None without.

        Raises:
            RunError: the file of them is damaged.
        """
        return self._features.get(role)

    @cached_property
    def _features(self) -> dict[Role, Features]:
        from recsys.artifacts.features import read_role  # most runs have none

        return {role: read_role(self.folder, entry) for role, entry in self.manifest.features.items()}

    @cached_property
    def _held_out(self) -> Arrays:
        arrays = self.folder.arrays(HELD_OUT)
        check_layout(self.path / HELD_OUT, arrays, held_out_layout(self.manifest.id_types), **self.sizes)
        return arrays


def open_bundle(path: Path | None = None) -> Bundle:
    """Opens a run, its serving folder, or a copy of that; without a path, the run that is served by default.

    Raises:
        RunError: there is none, it is damaged, or of another version's format.
    """
    folder = open_verified(locate(path), SERVING_JSON, BundleManifest)
    check_in_run(folder.path, SERVING_JSON)
    manifest = folder.manifest
    _check_names(folder)
    users = _entities(folder, USERS, manifest.id_types.user, manifest.n_users, {})
    items = _entities(folder, ITEMS, manifest.id_types.item, manifest.n_items, texts_layout("titles", "n"))
    with consistent(folder.path / USERS):
        known_users = unpack_ids(users)
    with consistent(folder.path / ITEMS):
        known_items, titles = unpack_ids(items), unpack_texts("titles", items)
    return Bundle(
        folder=folder,
        scorers=StoredScorers(folder),
        users=known_users,
        items=known_items,
        counts={objective: EntityCounts(users[array], items[array]) for objective, array in COUNTS.items()},
        titles=titles,
    )


def _check_names(folder: VerifiedFolder[BundleManifest]) -> None:
    """Refuses scorers for something of which there are no counts."""
    for name in folder.manifest.scorers.keys() - COUNTS.keys():
        raise RunError(
            f"{name!r} is a scorer that this version does not know",
            where=str(folder.json),
            expected=joined(COUNTS),
            hint=f"use the version that wrote it, recsys {folder.manifest.recsys_version}",
        )


def _entities(folder: VerifiedFolder[BundleManifest], name: str, id_type: IdType, n: int, more: Layout) -> Arrays:
    """The arrays of the users or of the items: ids, counts, and `more`."""
    counts = dict.fromkeys(COUNTS.values(), ArraySpec("int64", ("n",), 0, folder.manifest.n_interactions))
    arrays = folder.arrays(name)
    check_layout(folder.path / name, arrays, {**ids_layout(id_type, "n"), **counts, **more}, n=n)
    if "rating" in folder.manifest.scorers and not arrays[COUNTS["rating"]].any():
        raise damaged(folder.path / name, f"{COUNTS['rating']} is 0 everywhere, and the run has learned ratings")
    return arrays
