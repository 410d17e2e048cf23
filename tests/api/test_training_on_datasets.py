"""Training on a dataset in memory: the same run as from its file, and the same checks on resuming."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import recsys
from recsys.core.errors import RunError

Content = Callable[[Path], dict[str, Any]]
Small = Callable[..., Any]


class StopError(Exception):
    pass


def stop_after(epoch: int) -> Callable[[Any], None]:
    def observe(event: Any) -> None:
        if getattr(event, "number", None) == epoch:
            raise StopError

    return observe


def test_a_dataset_trains_the_same_run_as_its_file(
    small: Small, ratings_csv: Path, content: Content, tmp_path: Path
) -> None:
    config = small(data={"items": str(ratings_csv.with_name("movies.csv"))})
    dataset = recsys.read_ratings(ratings_csv, items=str(ratings_csv.with_name("movies.csv")))
    recsys.train(config, tmp_path / "a" / "run")
    recsys.train(config, tmp_path / "b" / "run", data=dataset)
    assert content(tmp_path / "a" / "run") == content(tmp_path / "b" / "run")


def test_the_file_is_not_read(small: Small, ratings_csv: Path, tmp_path: Path) -> None:
    config = small(data={"ratings": str(tmp_path / "elsewhere.csv")})
    metrics = recsys.train(config, tmp_path / "run", data=recsys.read_ratings(ratings_csv))
    assert metrics["train"]["n_ratings"] == 720
    assert "elsewhere.csv" in (tmp_path / "run" / "config.yaml").read_text()


def test_resuming_reads_the_file_that_the_config_names(
    small: Small, ratings_csv: Path, content: Content, tmp_path: Path
) -> None:
    config, dataset = small(), recsys.read_ratings(ratings_csv)
    recsys.train(config, tmp_path / "a" / "run")
    with pytest.raises(StopError):
        recsys.train(config, tmp_path / "b" / "run", data=dataset, observe=stop_after(2))
    recsys.train(config, tmp_path / "b" / "run", resume=True)
    assert content(tmp_path / "a" / "run") == content(tmp_path / "b" / "run")


@pytest.mark.parametrize("again", [True, False])
def test_a_dataset_of_other_ratings_is_refused_on_resuming(
    small: Small, ratings_csv: Path, tmp_path: Path, again: bool
) -> None:
    whole = recsys.read_ratings(ratings_csv)
    fewer = replace(whole, ratings=whole.ratings.take(slice(0, 800)), fingerprints={})
    with pytest.raises(StopError):
        recsys.train(small(), tmp_path / "run", data=fewer, observe=stop_after(2))
    other = replace(fewer, ratings=replace(fewer.ratings, rating=fewer.ratings.rating + np.float32(0.5)))
    with pytest.raises(RunError, match="the data changed"):
        recsys.train(small(), tmp_path / "run", data=other if again else None, resume=True)
    assert recsys.train(small(), tmp_path / "run", data=fewer, resume=True)["n_epochs"] == 4


def test_a_run_starts_from_another_on_a_dataset(
    small: Small, finished: Path, ratings_csv: Path, content: Content, tmp_path: Path
) -> None:
    config = small(start={"run": str(finished), "replay": 0.5})
    recsys.train(config, tmp_path / "a" / "run")
    recsys.train(config, tmp_path / "b" / "run", data=recsys.read_ratings(ratings_csv))
    assert content(tmp_path / "a" / "run") == content(tmp_path / "b" / "run")


def test_splits_can_be_looked_at(ratings_csv: Path) -> None:
    splits = recsys.split(recsys.read_ratings(ratings_csv), method="time", valid_fraction=0.1, test_fraction=0.1)
    assert repr(splits.train) == "Interactions(720 rows with times on 40 users and 50 items)"
    assert repr(splits).startswith("Splits(train=Interactions(720 rows")
    assert splits.test is not None
    frame = splits.test.to_frame()
    assert list(frame.columns) == ["user_id", "item_id", "rating", "timestamp"]
    assert frame["user_id"].isin(range(-5, 35)).all()


def test_unknown_ids_in_a_part_are_shown_as_missing(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("user,item,rating,time\n1,10,1,1\n2,20,2,2\n2,10,3,3\n3,10,4,4\n1,30,5,5\n")
    splits = recsys.split(recsys.read_ratings(tmp_path / "r.csv"), method="time", valid_fraction=0, test_fraction=0.4)
    assert splits.test is not None
    assert splits.test.to_frame()[["user_id", "item_id"]].values.tolist() == [[None, 10], [1, None]]
