"""A run whose held-out ratings are of new and seldom rated items, beside others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.workflows.evaluate import activity_of, evaluate_ratings, ratings_to_measure
from recsys.workflows.train import train

N_RATINGS = 900
RANKING = {"embedding_dim": 4, "n_epochs": 2, "popularity_weight": 0.5}


@pytest.fixture(scope="module")
def trained(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A run, and its metrics; it serves what was trained on all ratings."""
    folder = tmp_path_factory.mktemp("new") / "run"
    sgd = {"method": "sgd", "n_epochs": 2, "checkpoint_every": 9}
    config = small(training=sgd, split={"method": "new_items"}, ranking=RANKING, refit=True)
    return folder, train(config, folder)


def test_no_held_out_rating_is_dropped(trained: tuple[Path, Any]) -> None:
    metrics = trained[1]
    parts = [metrics["train"], metrics["valid"], metrics["test"]]
    assert sum(part["n_ratings"] for part in parts) == N_RATINGS
    assert all(0 < part["n_unknown_items"] < part["n_ratings"] for part in parts[1:])
    counts = {name: count for name, count in metrics["test"].items() if name.startswith("n_")}
    assert all(counts.items() <= scores.items() for scores in metrics["baselines"].values())


def test_lists_hold_no_new_item_and_miss_what_was_held_out_of_it(trained: tuple[Path, Any]) -> None:
    metrics = trained[1]
    ranking = metrics["ranking"]["test"]
    assert ranking["n_relevant_unknown_items"] == metrics["test"]["n_unknown_items"]
    assert ranking["n_relevant"] == metrics["test"]["n_ratings"]


def test_evaluate_measures_new_seldom_rated_and_other_items(trained: tuple[Path, Any]) -> None:
    folder, metrics = trained
    bundle = open_bundle(folder).measured()
    ratings = ratings_to_measure(bundle)
    evaluation = evaluate_ratings(bundle, ratings)
    assert {name: evaluation[name] for name in metrics["test"]} == metrics["test"]  # type: ignore[literal-required]
    rows = activity_of(bundle, ratings)["by_item"]
    n_new, n_few = (
        sum(row["n_ratings"] for row in rows if low <= row["low"] <= high) for low, high in ((0, 0), (1, 5))
    )
    assert n_new == metrics["test"]["n_unknown_items"]
    assert 0 < n_few < len(ratings) - n_new


def test_what_was_held_out_is_known_after_the_refit(trained: tuple[Path, Any]) -> None:
    folder, metrics = trained
    assert {fit["n_interactions"] for fit in metrics["refit"].values()} == {N_RATINGS}
    assert len(open_bundle(folder).items) > metrics["train"]["n_items"]
