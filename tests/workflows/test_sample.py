from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

import recsys
from recsys.core.errors import RunError, UsageError
from recsys.workflows.sample import N_USERS, write_sample


def test_the_same_bytes_each_time_and_no_file_is_replaced(tmp_path: Path) -> None:
    first, second = recsys.sample(tmp_path / "a"), recsys.sample(tmp_path / "below" / "b")
    assert [Path(path).read_bytes() for path in first.values()] == [Path(path).read_bytes() for path in second.values()]
    assert "made up" in (tmp_path / "a" / "README.md").read_text()
    with pytest.raises(UsageError, match="exists already"):
        recsys.sample(tmp_path / "a")


def test_there_is_no_folder_until_it_is_whole(tmp_path: Path) -> None:
    def configure(ratings: Path, items: Path, config: Path) -> None:
        assert ratings.exists()
        assert items.exists()
        raise RunError(f"cannot write {config}")

    with pytest.raises(RunError, match="cannot write"):
        write_sample(tmp_path / "a", configure)
    assert not list(tmp_path.iterdir())


def test_the_config_names_the_titles_and_is_valid(tmp_path: Path) -> None:
    written = recsys.sample(tmp_path / "sample")
    config = recsys.load_config(written["config"])
    assert (str(config.data.ratings), str(config.data.items)) == (written["ratings"], written["items"])
    dataset = recsys.read_ratings(written["ratings"])
    assert len(dataset.ratings.users) == N_USERS
    assert set(dataset.ratings.rating) == {1, 2, 3, 4, 5}


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_recommendations_are_of_the_genres_that_a_user_likes(tmp_path: Path) -> None:
    written = recsys.sample(tmp_path / "sample")
    metrics = recsys.train(written["config"], tmp_path / "run")
    assert recsys.beats_baseline(metrics)
    model = recsys.load(tmp_path / "run")
    neighbours = model.similar(1, 10)
    assert sum((item.title or "").startswith("Cooking") for item in neighbours) >= 9
    genres = {int(row["item"]): row["genre"] for row in rows_of(written["items"])}
    hits, rows = 0, rows_of(written["ratings"])
    for user in range(1, 51):
        own = Counter(genres[int(row["item"])] for row in rows if row["user"] == str(user))
        liked = {genre for genre, _ in own.most_common(2)}
        hits += sum(genres[int(item.item_id)] in liked for item in model.recommend(user, 5))
    assert hits > 0.8 * 250  # a third by chance
