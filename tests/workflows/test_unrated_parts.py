"""Interactions of which few have a rating: parts that were held out, and new data, without any."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import DataError
from recsys.workflows.compare import compare
from recsys.workflows.cross_validate import compare_splits
from recsys.workflows.evaluate import activity_of, coverage_of, evaluate_ratings, interactions_to_measure
from recsys.workflows.train import train
from recsys.workflows.update import update_config

Small = Callable[..., Config]
HEAD = "userId,movieId,rating,timestamp\n"


@pytest.fixture(scope="module")
def config(small: Small, ratings_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Ratings in the first half of the time alone; the 0 of the others is a click."""
    rows = [line.split(",") for line in ratings_csv.read_text().splitlines()[1:]]
    path = tmp_path_factory.mktemp("few") / "few.csv"
    lines = [
        f"{user},{item},{rating if at < 450 else 0},{time}\n" for at, (user, item, rating, time) in enumerate(rows)
    ]
    path.write_text(HEAD + "".join(lines))
    return small(
        data={"ratings": str(path), "no_rating": [0]},
        split={"method": "time"},
        ranking={"embedding_dim": 5, "n_epochs": 2},
        training={"n_epochs": 2},
    )


@pytest.fixture(scope="module")
def run(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unrated") / "run"
    train(config, folder)
    return folder


def test_a_run_without_held_out_ratings_is_measured_by_how_it_ranks(run: Path) -> None:
    bundle = open_bundle(run)
    held_out = interactions_to_measure(bundle)
    assert bundle.intervals is None
    assert evaluate_ratings(bundle, held_out)["objective"] == "ranking"
    assert compare([run, run]).objective.name == "ranking"


def test_errors_of_no_ratings_are_refused(run: Path) -> None:
    bundle = open_bundle(run)
    none = interactions_to_measure(bundle).rated()
    for measure in (lambda: activity_of(bundle, none), lambda: coverage_of(bundle, none, 0.8)):
        with pytest.raises(DataError, match="none of the interactions to measure has a rating"):
            measure()


def test_splits_that_hold_out_no_rating_are_refused(config: Config) -> None:
    with pytest.raises(DataError, match="has held out can be measured by rmse"):
        compare_splits(config, jobs=1)


@pytest.mark.parametrize("only", [None, "ranking"])
@pytest.mark.parametrize("rating", [0, 5])
def test_a_run_is_updated_by_clicks_alone_or_by_ratings_of_one_user(
    run: Path, tmp_path: Path, only: str | None, rating: int
) -> None:
    new = tmp_path / "new.csv"
    new.write_text(HEAD + "".join(f"777,{item},{rating},{2_000_000_000 + item}\n" for item in range(100, 110)))
    train(update_config(run, new, ["split.test_fraction=0", "split.valid_fraction=0"], only=only), tmp_path / "child")
    before, after = open_bundle(run), open_bundle(tmp_path / "child")
    assert after.manifest.n_interactions == before.manifest.n_interactions + 10
    assert (after.scale.mean, after.scale.high) == (before.scale.mean, before.scale.high)


def test_where_nothing_is_replayed_clicks_alone_teach_no_ratings(run: Path, tmp_path: Path) -> None:
    new = tmp_path / "new.csv"
    new.write_text(HEAD + "777,100,0,2000000000\n778,101,0,2000000001\n")
    overrides = ["split.test_fraction=0", "split.valid_fraction=0", "start.replay=0"]
    with pytest.raises(DataError, match="none of the 2 training rows has a rating"):
        train(update_config(run, new, overrides), tmp_path / "child")
