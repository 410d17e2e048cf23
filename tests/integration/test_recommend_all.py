"""Lists for every user of movielens-small: nothing in them that the user has rated."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import recsys

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_user_gets_ten_items_that_they_have_not_rated_anywhere_in_the_file(tmp_path: Path) -> None:
    config = recsys.load_config(ROOT / "configs" / "movielens-small.yaml")
    recsys.train(config, tmp_path / "run")
    counts = recsys.recommend_all(recsys.load(tmp_path / "run"), tmp_path / "all.csv")
    assert config.data.ratings is not None
    with config.data.ratings.open(newline="") as file:
        rated = {(row["userId"], row["movieId"]) for row in csv.DictReader(file)}
    with (tmp_path / "all.csv").open(newline="") as file:
        listed = [(row["user_id"], row["item_id"]) for row in csv.DictReader(file)]
    users = {user for user, _ in rated}
    assert Counter(user for user, _ in listed) == dict.fromkeys(users, 10)
    assert len(set(listed)) == len(listed)
    assert not set(listed) & rated
    assert counts == {"n_users": len(users), "n_recommendations": 10 * len(users), "n_users_with_fewer": 0}
