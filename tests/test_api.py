from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import recsys
from recsys import api
from recsys.config.schema.config import Config
from recsys.core.errors import ConfigError, DataError
from recsys.core.events import Event


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def quick(ratings_csv: Path) -> dict[str, Any]:
    return {
        "data": {"ratings": ratings_csv},
        "model": {"embedding_dim": 2},
        "training": {"method": "adamw", "n_epochs": 1},
    }


def test_every_name_is_there_and_says_what_it_does() -> None:
    for name in set(recsys.__all__) - {"__version__"}:
        assert getattr(recsys, name).__doc__
    assert dir(recsys) == recsys.__all__
    with pytest.raises(AttributeError, match="no attribute 'fit'"):
        _ = recsys.fit


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


def test_lr_find_returns_the_curve(ratings_csv: Path) -> None:
    events: list[Event] = []
    found = recsys.lr_find(quick(ratings_csv), observe=events.append)
    assert found.lr[0] < found.steepest <= found.minimum <= found.lr[-1]
    assert events


def test_train_takes_a_mapping_a_config_or_a_file(ratings_csv: Path, tmp_path: Path, runs: Path) -> None:
    mapping = quick(ratings_csv)
    (tmp_path / "movies.yaml").write_text(json.dumps(mapping, default=str))
    given: list[Any] = [mapping, recsys.load_config(tmp_path / "movies.yaml"), tmp_path / "movies.yaml"]
    results = [recsys.train(config) for config in given]
    assert results[0]["test"] == results[1]["test"] == results[2]["test"]
    folders = [Path(result["run_dir"]) for result in results]
    assert all(folder.parent == runs and (folder / "metrics.json").exists() for folder in folders)
    assert [
        folder.name.rpartition("-")[0].startswith(name)
        for folder, name in zip(folders, ("run", "run", "movies"), strict=True)
    ] == [True] * 3


def test_train_resumes(small: Callable[..., Config], interrupted: Callable[..., None], tmp_path: Path) -> None:
    interrupted(small(), tmp_path / "run", after=2)
    metrics = recsys.train(small(), tmp_path / "run", resume=True)
    assert (metrics["n_epochs"], metrics["run_dir"]) == (4, str(tmp_path / "run"))
    assert recsys.train(small(), tmp_path / "run", resume=True) == metrics


def test_a_trained_run_predicts_recommends_evaluates_and_exports(
    finished: Path, ratings_csv: Path, tmp_path: Path
) -> None:
    recommender = recsys.load(finished)
    assert 0.5 <= recommender.predict(0, 100).rating <= 5
    assert len(recommender.recommend(0, 3)) == 3
    assert recsys.evaluate(finished, ratings_csv)["n_ratings"] == 900
    files = recsys.export_factors(finished, tmp_path / "out", "npz")
    assert {path.name for path in files} == {"README.md", "factors.npz", "model.json"}


def test_without_a_name_the_newest_run_is_meant(ratings_csv: Path, runs: Path) -> None:
    with pytest.raises(recsys.RecsysError, match="no finished run"):
        recsys.load()
    recsys.train(quick(ratings_csv))
    assert recsys.load().predict(0, 100)
    assert recsys.evaluate(None, ratings_csv)["n_ratings"] == 900


def test_paths_may_be_text(finished: Path, ratings_csv: Path) -> None:
    assert recsys.load(str(finished)).predict(0, 100) == recsys.load(finished).predict(0, 100)
    assert len(recsys.read_ratings(str(ratings_csv)).ratings) == 900
    config = recsys.load_config(str(finished / "config.yaml"), ["training.n_epochs=9"])
    assert config.training.n_epochs == 9


def test_errors_of_the_library_are_one_tree(tmp_path: Path) -> None:
    with pytest.raises(recsys.RecsysError) as caught:
        recsys.read_ratings(tmp_path / "not there.csv")
    assert isinstance(caught.value, DataError)


def test_the_names_of_the_package_are_those_of_the_api() -> None:
    assert set(recsys.__all__) - {"__version__", "RecsysError"} <= set(api.__all__)


def test_a_run_is_read_similar_items_are_found_and_predictions_explained(finished: Path) -> None:
    found = recsys.interpret(finished, 3, n_directions=2)
    assert (len(found.highest), len(found.directions)) == (3, 2)
    recommender = recsys.load(finished)
    assert len(recommender.similar(110, 5)) == 5
    assert recommender.explain(0, 110).prediction == recommender.predict(0, 110)


def test_update_trains_a_run_on(finished: Path, ratings_csv: Path, tmp_path: Path) -> None:
    metrics = recsys.update(ratings_csv, finished, tmp_path / "next", overrides=["training.n_epochs=2"])
    assert (metrics["n_epochs"], metrics["run_dir"]) == (2, str(tmp_path / "next"))
    assert metrics["start"]["path"] == str(finished)
    assert recsys.load(metrics["run_dir"]).predict(0, 100).known_user


def test_what_tuning_finds_can_be_trained(ratings_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text("training.lr_max: [0.02, 0.1]\n")
    config = {**quick(ratings_csv), "training": {"method": "sgd", "n_epochs": 5}}
    found = recsys.tune(config, 2, storage=f"sqlite:///{tmp_path}/study.db", space=tmp_path / "space.yaml")
    assert recsys.train(found["config"], tmp_path / "run")["valid"]["rmse"] == found["best"]["rmse"]
