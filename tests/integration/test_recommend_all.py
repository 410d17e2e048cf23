"""Lists for every user of movielens-small: nothing in them that the user has rated."""

from __future__ import annotations

import csv
import subprocess
import sys
import time
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


RESUMED = """
import sys
import recsys
from recsys.artifacts import growing
from recsys.scoring import tiles

growing.SAVE_SECONDS = 0.0
tiles.SCORES = 1 << 16  # few users at once
recsys.recommend_all(recsys.load(sys.argv[1]), sys.argv[2], 500, resume=True)
"""


@pytest.mark.slow
def test_lists_have_the_same_bytes_after_kills(tmp_path: Path) -> None:
    """Killed at ten instants, from before its first block to where it removes what it has kept."""
    config = recsys.load_config(ROOT / "configs" / "movielens-small.yaml", overrides=["ranking=none"])
    recsys.train(config, tmp_path / "run")
    command = [sys.executable, "-c", RESUMED, str(tmp_path / "run")]
    begin = time.monotonic()
    subprocess.run([*command, str(tmp_path / "whole.csv")], check=True)
    seconds = time.monotonic() - begin
    n_killed = 0
    for share in (0.4, 0.5, 0.6, 0.7, 0.7, 0.8, 0.8, 0.9, 0.95, 1.0):
        with subprocess.Popen([*command, str(tmp_path / "top.csv")]) as process:
            try:
                process.wait(seconds * share)
            except subprocess.TimeoutExpired:
                process.kill()
                n_killed += 1
        if process.returncode == 0:
            break
    subprocess.run([*command, str(tmp_path / "top.csv")], check=True)
    assert n_killed > 0
    assert (tmp_path / "top.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert not (tmp_path / "top.csv.partial").exists()
