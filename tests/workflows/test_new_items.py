"""A run whose held-out ratings are of new and seldom rated items, beside others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recsys
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


@pytest.fixture(scope="module")
def featured(small: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Callable[..., Any]]:
    """A folder with a run that knows the colours of all items, and what trains another one alike there."""
    folder = tmp_path_factory.mktemp("featured")
    rows = "".join(f"{item},{'red' if item % 2 else 'green'}\n" for item in range(100, 150))
    (folder / "colours.csv").write_text(f"movieId,colour\n{rows}")
    data = {"item_features": str(folder / "colours.csv")}
    sgd = {"method": "sgd", "n_epochs": 2, "checkpoint_every": 9}

    def trained(name: str, **sections: Any) -> Any:
        return train(small(training=sgd, split={"method": "new_items"}, data=data, **sections), folder / name)

    trained("first")
    return folder, trained


def test_a_run_that_goes_on_knows_which_new_items_it_holds_out(featured: tuple[Path, Callable[..., Any]]) -> None:
    folder, trained = featured
    metrics = trained("second", start={"run": str(folder / "first")}, seed=3)
    again = recsys.evaluate(folder / "second")
    assert {name: again[name] for name in metrics["test"]} == metrics["test"]


def test_new_items_stay_served_by_features_where_more_are_folded_in(
    featured: tuple[Path, Callable[..., Any]],
) -> None:
    folder, _ = featured
    (folder / "more.csv").write_text("movieId,colour\n500,red\n")
    recsys.fold_in(None, folder / "first", folder / "child", items=folder / "more.csv")
    parent, child = recsys.evaluate(folder / "first"), recsys.evaluate(folder / "child")
    assert 0 < parent["n_items_from_features"] == child["n_items_from_features"]
    assert parent["rmse"] == child["rmse"]
