"""A serving folder of known rows: films of two genres, of which some are known by their genre alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.loading.load import config_from
from recsys.core.seeding import rng
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.encoder import FeatureEncoder, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions, reindex
from recsys.data.parts import TEST, VALID
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.factors.scorer import Rows, in_rating_units
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.implicit.scorer import implicit_factors
from recsys.scoring.implicit.targets import TargetTable
from recsys.scoring.link import Link
from recsys.training.affinities import with_affinities

USERS = Vocabulary(np.arange(1, 25))
ITEMS = Vocabulary(np.arange(100, 120))
NEW_COMEDY, NEW_DRAMA, NAMELESS, STRANGER = 50, 131, 132, 999
NEW_USER, TASTES = 25, ("comic", "tragic")
"""An id before and one behind all others, one of the file without a genre, and one that no file has."""
GENRES = TermsColumn("genres", "list", "|", ("Comedy", "Drama"))
CONFIG = {"data": {"ratings": "unused.csv"}, "ranking": {"method": "ials"}}
TITLES = {100: "Known", NEW_COMEDY: "New comedy"}


def features() -> Features:
    """Even ids are comedies, odd ones dramas."""
    ids = np.array([NEW_COMEDY, *ITEMS.ids.tolist(), NEW_DRAMA, NAMELESS])
    matrix = FeatureMatrix.of_entries(np.arange(len(ids)), ids % 2, np.ones(len(ids)), (len(ids), 2))
    without = np.append(np.arange(len(ids) - 1), -1)
    return Features(Vocabulary(ids), FeatureEncoder("movieId", (GENRES,)), matrix.take(without))


def user_features() -> Features:
    """Users in turn like comedies and dramas, and are called so; the last one of the file has rated nothing."""
    ids = np.arange(1, NEW_USER + 1)
    matrix = FeatureMatrix.of_entries(ids - 1, (ids - 1) % 2, np.ones(len(ids)), (len(ids), 2))
    return Features(
        Vocabulary(ids), FeatureEncoder("userId", (TermsColumn("taste", "category", None, TASTES),)), matrix
    )


def interactions() -> Interactions:
    """Everyone rates half of the films; those of their genre higher."""
    user_idx, item_idx = (part.ravel() for part in np.meshgrid(np.arange(24), np.arange(20), indexing="ij"))
    seen = rng(5, "seen").random(len(user_idx)) < 0.5
    user_idx, item_idx = user_idx[seen].astype(np.int32), item_idx[seen].astype(np.int32)
    rating = np.where((user_idx + item_idx) % 2 == 0, 4.5, 2.5).astype(np.float32)
    return Interactions(user_idx, item_idx, rating, None, USERS, ITEMS)


def splits() -> Splits:
    """Of half of the users, ratings of a known item, the two new ones and one that no file has are held out."""
    train = interactions()
    ids = np.array([100, NEW_COMEDY, NEW_DRAMA, STRANGER])
    user_idx, which = (part.ravel() for part in np.meshgrid(np.arange(12, 24), np.arange(4), indexing="ij"))
    all_ids = Vocabulary(np.sort(ids))
    rating = np.where((user_idx + ids[which]) % 2 == 0, 4.5, 2.5).astype(np.float32)
    held_out = Interactions(user_idx.astype(np.int32), all_ids.index(ids)[which], rating, None, USERS, all_ids)
    part = np.where(user_idx % 3 == 0, VALID, TEST).astype(np.int8)
    is_unknown = ids[which] != 100
    valid, test = (reindex(held_out.take(part == code), USERS, ITEMS) for code in (VALID, TEST))
    return Splits(train, valid, test, held_out.take(is_unknown), part[is_unknown])


def trained() -> tuple[dict[str, ServedScorer], TrainingInputs]:
    """A rating and a ranking scorer with the priors of their items, and what they were trained on."""
    parts, draw = splits(), rng(6, "rows")
    train = parts.train
    taste = np.array([1, -1])

    def rows(n: int) -> np.ndarray:
        return (taste[np.arange(n) % 2, None] * np.array([1, 0.2]) + 0.1 * draw.normal(size=(n, 2))).astype(np.float32)

    users, items = rows(24), rows(20)
    bias = (0.1 * draw.normal(size=20)).astype(np.float32)
    every = np.ones(24, dtype=bool)
    rating = in_rating_units(
        3.5,
        1.0,
        Rows(users, np.zeros(24, np.float32), every),
        Rows(items, bias, every[:20]),
        Link("clip", 0.5, 5.0),
    )
    targets = TargetTable.of(train.rating, 1.0)
    ranking = implicit_factors(users / 2, items / 2, train.by_user(), train.item_counts, 0.1, 0.01, 0.0, targets)
    inputs = TrainingInputs(parts, ItemCatalogue(TITLES), item_features=features(), user_features=user_features())
    counts = {"user": train.user_counts, "item": train.item_counts}
    served = {
        name: ServedScorer(model, scorer, priors=fit_priors(scorer, counts, inputs.ids, inputs.features))  # type: ignore[arg-type]
        for name, model, scorer in (("rating", "dot_product", rating), ("ranking", "implicit_factors", ranking))
    }
    with_them = with_affinities(rating, served["rating"].priors["item"], inputs)
    return served | {"rating": replace(served["rating"], scorer=with_them)}, inputs


def featured_bundle(folder: Path) -> Bundle:
    """A serving folder with them, written and opened."""
    served, inputs = trained()
    write_bundle(folder, served, inputs, config_from(CONFIG, folder))
    return open_bundle(folder)
