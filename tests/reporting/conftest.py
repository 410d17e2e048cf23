from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.schema.config import Config
from recsys.core.seeding import rng
from recsys.data.catalogue import ItemCatalogue
from recsys.data.interactions import Interactions
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.data.vocabulary import Vocabulary
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.fallback import with_fallback
from recsys.scoring.link import Link

N_USERS, N_ITEMS = 150, 300


@pytest.fixture(scope="session")
def films(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """300 films whose taste has a wide direction and a narrow one, some films far more popular than others.

    War films are liked by those who like high numbers in the first factor, new ones by those who like low ones in the
    second. Blockbusters are popular, which says nothing about taste. Every second film is Blue, for no reason.
    """
    draw = rng(11, "films")
    user, item = draw.normal(size=(N_USERS, 2)) * [1.0, 0.5], draw.normal(size=(N_ITEMS, 2)) * 0.7
    popularity = draw.permutation(np.linspace(0.05, 0.9, N_ITEMS) ** 2)
    rates = draw.random((N_USERS, N_ITEMS)) < popularity
    rates[0] = True  # so that every film has a rating
    rated = np.argwhere(rates).astype(np.int32)
    bias = draw.normal(0, 0.5, N_ITEMS)
    factors = _factors(user, item, draw.normal(0, 0.3, N_USERS), bias)
    train = Interactions(rated[:, 0], rated[:, 1], factors.score(rated[:, 0], rated[:, 1]), None, *_vocabularies())
    war, new = item[:, 0] + draw.normal(0, 0.5, N_ITEMS) > 0.4, item[:, 1] + draw.normal(0, 0.5, N_ITEMS) < 0
    genres = {
        idx: "|".join(
            name
            for name, has in (("War", war), ("Blockbuster", popularity > 0.4), ("Blue", np.arange(N_ITEMS) % 2 == 0))
            if has[idx]
        )
        for idx in range(N_ITEMS)
    }
    titles = {idx: f"Film {idx} ({1990 + 20 * int(new[idx])})" for idx in range(N_ITEMS)}
    columns = {
        "genres": {idx: text for idx, text in genres.items() if text},
        "link": {idx: f"film/{idx}" for idx in titles},
    }
    inputs = TrainingInputs(Splits(train, None, train.take(slice(0, 500))), ItemCatalogue(titles, columns))
    run = tmp_path_factory.mktemp("films") / "run"
    write_bundle(run, {"rating": ServedScorer("dot_product", factors)}, inputs, small())
    return open_bundle(run)


def _factors(user: Any, item: Any, user_bias: Any, item_bias: Any) -> Factors:
    rows = (
        with_fallback(array.astype(np.float32), np.ones(len(array), dtype=bool))
        for array in (user_bias, item_bias, user, item)
    )
    return Factors(3.0, *rows, Link("identity", 0, 5))


def _vocabularies() -> tuple[Vocabulary, Vocabulary]:
    return Vocabulary(np.arange(N_USERS)), Vocabulary(np.arange(N_ITEMS))


@pytest.fixture
def with_factors() -> Callable[..., Bundle]:
    """with_factors(store, users, items) → the store with other factors."""
    from dataclasses import replace

    def build(bundle: Bundle, users: Any, items: Any) -> Bundle:
        factors = bundle.factors
        user_factors, item_factors = (with_fallback(rows, np.ones(len(rows), dtype=bool)) for rows in (users, items))
        changed = replace(factors, user_factors=user_factors, item_factors=item_factors)
        return replace(bundle, scorers={"rating": changed})

    return build


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "figures"
