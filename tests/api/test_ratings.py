"""Ratings files from Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import recsys
from recsys.core.communicator import ALONE
from recsys.core.errors import ConfigError, DataError, UsageError
from recsys.core.events import Event
from recsys.data.file_profile import ItemsFile
from recsys.data.read import read_ratings


def test_read_and_split_give_parts(ratings_csv: Path) -> None:
    events: list[Event] = []
    dataset = recsys.read_ratings(ratings_csv, events.append, columns={"timestamp": False})
    assert len(dataset.ratings) == 900
    assert dataset.ratings.timestamp is None
    assert events
    parts = recsys.split(dataset, seed=1, valid_fraction=0, test_fraction=0.2)
    assert (len(parts.train), parts.valid, len(parts.test or [])) == (720, None, 180)


def test_a_wrong_option_is_a_config_error(ratings_csv: Path) -> None:
    with pytest.raises(ConfigError):
        recsys.read_ratings(ratings_csv, colums={})
    with pytest.raises(ConfigError):
        recsys.split(recsys.read_ratings(ratings_csv), method="by_moon")


def test_errors_of_the_library_are_one_tree(tmp_path: Path) -> None:
    with pytest.raises(recsys.RecsysError) as caught:
        recsys.read_ratings(tmp_path / "not there.csv")
    assert isinstance(caught.value, DataError)


def test_init_writes_a_config_that_trains_and_returns_the_profile(ratings_csv: Path, tmp_path: Path) -> None:
    file_profile = recsys.init(ratings_csv, tmp_path / "new.yaml", columns={"timestamp": False})
    beside = ratings_csv.parent / "movies.csv"
    profile = recsys.profile(ratings_csv, columns={"timestamp": False})
    assert file_profile == replace(profile, items=ItemsFile(beside, None, 49))
    assert (file_profile.n_ratings, file_profile.n_users, file_profile.n_items, file_profile.times) == (
        900,
        40,
        50,
        None,
    )
    assert file_profile.describe()[0].endswith("900 ratings of 50 items by 40 users")
    config = recsys.load_config(tmp_path / "new.yaml", ["training.n_epochs=1", "model.embedding_dim=2"])
    assert recsys.train(config, tmp_path / "run")["train"]["n_ratings"] == 720


@pytest.mark.parametrize(
    ("text", "n_pairs", "has_ratings"),
    [
        ("user,item\n1,2\n2,3\n1,2\n", 2, False),
        ("user,item,rating\n1,2,1\n2,3,1\n1,2,1\n", 2, False),
        ("user,item,plays\n1,2,0\n1,2,1\n2,3,1\n2,2,0\n", 2, False),
        ("user,item,rating\n1,2,\n2,3,2\n1,3,5\n1,3,4\n", 3, True),
    ],
)
def test_what_init_writes_reads_clicks_counts_and_missing_ratings(
    tmp_path: Path, text: str, n_pairs: int, has_ratings: bool
) -> None:
    (tmp_path / "events.csv").write_text(text)
    recsys.init(tmp_path / "events.csv", tmp_path / "new.yaml")
    data = recsys.load_config(tmp_path / "new.yaml").data
    assert data.has_ratings == has_ratings
    assert len(read_ratings(data, ALONE).ratings) == n_pairs


def test_init_replaces_no_file(ratings_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "new.yaml").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        recsys.init(ratings_csv, tmp_path / "new.yaml")
    assert (tmp_path / "new.yaml").read_text() == "mine"
