"""New items of real data, predicted and ranked from what is known of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import recsys

MOVIELENS = Path(__file__).parents[2] / "data" / "movielens-small"


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "method"), [("svdpp", "gibbs"), ("dot_product", "sgd")])
def test_features_gain_on_new_items_and_leave_the_others(kind: str, method: str, tmp_path: Path) -> None:
    data = {"ratings": str(MOVIELENS / "ratings.csv"), "items": str(MOVIELENS / "movies.csv")}
    config = {
        "data": {**data, "item_features": "items"},
        "model": {"kind": kind},
        "training": {"method": method, **({"n_epochs": 60} if method == "gibbs" else {})},
        "split": {"method": "new_items", "valid_fraction": 0},
        "ranking": "none",
    }
    recsys.train(config, tmp_path / "run")
    none, *others = recsys.evaluate(tmp_path / "run", by_activity=True)["by_activity"]["by_item"]
    assert none["high"] == 0
    assert none["model"] < 0.97 * none["without_features"]
    assert none["model"] < none["biases"]
    assert all(row["model"] == row["without_features"] for row in others)
