"""Rows of items with training ratings, drawn towards what their features tell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError
from recsys.core.events import Event, Note, silent
from recsys.core.seeding import rng
from recsys.data.features.encoder import FeatureEncoder, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.affinities import Affinities, weight_after
from recsys.scoring.factors.scorer import Factors, Rows, in_rating_units
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.link import Link
from recsys.training.affinities import with_affinities
from recsys.workflows.featured_rows import LAST, draw_rows_to_features
from recsys.workflows.train import train

N_USERS, N_ITEMS, N_FEW = 400, 60, 20
KIND = np.arange(N_ITEMS) % 2
"""The one feature of an item, which says whether it is liked."""


@pytest.fixture(scope="module")
def world() -> tuple[Factors, TrainingInputs]:
    """Items with many ratings have the right bias, and those with 4 a wrong one."""
    draw = rng(3, "world")
    liked = np.where(KIND == 1, 1.0, -1.0)
    counts = np.where(np.arange(N_ITEMS) < N_FEW, 4, 200)
    item_idx = np.repeat(np.arange(N_ITEMS, dtype=np.int32), counts)
    train_part, valid = (ratings(items, liked, draw) for items in (item_idx, np.arange(N_ITEMS, dtype=np.int32)))
    bias = np.where(np.arange(N_ITEMS) < N_FEW, draw.normal(0, 1, N_ITEMS), liked).astype(np.float32)
    none = np.zeros((N_USERS, 1), np.float32), np.zeros(N_USERS, np.float32), np.ones(N_USERS, bool)
    factors = in_rating_units(
        3.0, 1.0, Rows(*none), Rows(none[0][:N_ITEMS], bias, none[2][:N_ITEMS]), Link("clip", 0.0, 6.0)
    )
    features = Features(
        Vocabulary(np.arange(N_ITEMS)),
        FeatureEncoder("item", (TermsColumn("kind", "category", None, ("a", "b")),)),
        FeatureMatrix.of_entries(np.arange(N_ITEMS), KIND, np.ones(N_ITEMS), (N_ITEMS, 2)),
    )
    return factors, TrainingInputs(Splits(train_part, valid, None), item_features=features)


def ratings(item_idx: np.ndarray, liked: np.ndarray, draw: np.random.Generator) -> Interactions:
    user_idx = np.concatenate(
        [draw.permutation(N_USERS)[:count] for count in np.bincount(item_idx, minlength=N_ITEMS)]
    ).astype(np.int32)
    rating = (3 + liked[item_idx] + draw.normal(0, 0.3, len(item_idx))).astype(np.float32)
    vocabularies = Vocabulary(np.arange(N_USERS)), Vocabulary(np.arange(N_ITEMS))
    return Interactions(user_idx, item_idx, rating, None, *vocabularies)


def drawn(world: tuple[Factors, TrainingInputs], **options: Any) -> tuple[Factors, Any]:
    factors, inputs = world
    counts = {"user": inputs.train.user_counts, "item": inputs.train.item_counts}
    priors = fit_priors(factors, counts, inputs.ids, inputs.features)  # type: ignore[arg-type]
    return draw_rows_to_features(factors, priors, inputs, options.pop("observe", silent), **options)


def test_items_with_few_ratings_get_the_rows_that_features_tell(world: tuple[Factors, TrainingInputs]) -> None:
    factors, shares = drawn(world)
    assert shares["item"][0] > 0.6
    liked = np.where(KIND == 1, 1.0, -1.0)[:N_FEW]
    before, after = (np.abs(each.item_bias[:N_FEW] - liked).mean() for each in (world[0], factors))
    assert after < 0.3 < 0.9 < before


def test_all_other_rows_keep_their_bits(world: tuple[Factors, TrainingInputs]) -> None:
    factors, _ = drawn(world)
    assert factors.item_bias[N_FEW:].tobytes() == world[0].item_bias[N_FEW:].tobytes()
    assert factors.user_bias.tobytes() == world[0].user_bias.tobytes()


def test_shares_of_a_part_are_carried_to_the_whole(world: tuple[Factors, TrainingInputs]) -> None:
    factors, shares = drawn(world, shares={"item": np.full(len(LAST), 0.5)})
    assert shares["item"].tolist() == [0.5, 0.5, 0.5]
    half, whole = (np.abs(each.item_bias - world[0].item_bias)[:N_FEW] for each in (factors, drawn(world)[0]))
    assert (half < whole).all()


def test_what_users_make_of_features_counts_by_the_same_share(world: tuple[Factors, TrainingInputs]) -> None:
    factors, inputs = world
    counts = {"user": inputs.train.user_counts, "item": inputs.train.item_counts}
    priors = fit_priors(factors, counts, inputs.ids, inputs.features)  # type: ignore[arg-type]
    told = with_affinities(factors, priors["item"], inputs)
    assert isinstance(told, Factors)
    after, _ = draw_rows_to_features(told, priors, inputs, silent, {"item": np.array([0.5, 0.0, 0.0])})
    assert after.affinities is not None
    assert told.affinities is not None
    assert np.flatnonzero(after.affinities.item.has_any).tolist() == list(range(N_FEW))
    users, items = np.arange(N_FEW, dtype=np.int32), np.arange(N_FEW, dtype=np.int32)
    whole = told.affinities.of_features(users, inputs.feature_matrices()["item"].take(items))
    weight = 0.5 * weight_after(np.full(N_FEW, 4))
    np.testing.assert_allclose(after.affinities.score(users, items), weight * whole, rtol=1e-5, atol=1e-8)
    assert whole.any()


def test_their_ratings_move_the_row_beside_what_users_make_of_features(world: tuple[Factors, TrainingInputs]) -> None:
    """The more users like the features of an item anyway, the less their ratings say for its row."""
    factors, inputs = world
    counts = {"user": inputs.train.user_counts, "item": inputs.train.item_counts}
    priors = fit_priors(factors, counts, inputs.ids, inputs.features)  # type: ignore[arg-type]
    everyone = np.tile(np.array([1.0, 0.0, 0.0], np.float32), (N_USERS, 1))
    fond = replace(factors, affinities=Affinities.of(everyone, np.array([0, 1], np.int32), N_ITEMS))
    whole = {"item": np.array([1.0, 0.0, 0.0])}
    plain, beside = (draw_rows_to_features(each, priors, inputs, silent, whole)[0] for each in (factors, fond))
    difference = (beside.item_bias - plain.item_bias)[:N_FEW]
    assert (difference < -0.01).all()
    assert (difference > -weight_after(np.array(4))).all()


def test_the_shares_are_said(world: tuple[Factors, TrainingInputs]) -> None:
    events: list[Event] = []
    drawn(world, observe=events.append)
    (note,) = events
    assert isinstance(note, Note)
    assert note.text.startswith("features tell this share of the rows of items: 7")
    assert note.text.endswith("% with 1 to 5 ratings, 0% with 6 to 20 ratings, 0% with 21 to 100 ratings")


def test_without_validation_ratings_of_a_group_its_rows_stay(world: tuple[Factors, TrainingInputs]) -> None:
    assert drawn(world)[1]["item"][1:].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"data": {"features_for": "all"}}, "features_for: all needs features"),
        ({"data": {"features_for": "all", "item_features": "films.csv"}, "split": {"valid_fraction": 0}}, "on valid"),
    ],
)
def test_what_is_missing_is_said(small: Callable[..., Config], sections: dict[str, Any], key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        small(**sections)


def test_a_run_serves_such_rows_also_after_a_refit(small: Callable[..., Config], tmp_path: Path) -> None:
    films = tmp_path / "films.csv"
    films.write_text("movieId,genres\n" + "".join(f"{item},{'AB'[item % 2]}\n" for item in range(100, 150)))
    runs = {}
    for name in ("new", "all"):
        data = {"item_features": str(films), "features_for": name}
        config = small(data=data, training={"method": "sgd", "n_epochs": 2}, refit=True, ranking="none")
        train(config, tmp_path / name)
        bundle = open_bundle(tmp_path / name)
        runs[name] = bundle.factors.item_bias, bundle.measured().factors.item_bias
    assert all(not np.array_equal(*pair) for pair in zip(*runs.values(), strict=True))
