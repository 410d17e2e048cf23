"""Runs with features: read, trained with, resumed, served, and taken over by runs that start from them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.inference.recommender import Recommender
from recsys.workflows.resumed_runs import finished_runs
from recsys.workflows.train import train

NET = {"kind": "embedding_net", "dropout": 0.1, "embedding_dropout": 0.2}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of the items of `ratings_csv` but for 149, and of 150 and 151, which nobody has rated."""
    rows = (f"{item},{('Comedy', 'Drama|War')[item % 2]},{1990 + item % 7}\n" for item in (*range(100, 149), 150, 151))
    path = tmp_path_factory.mktemp("films") / "films.csv"
    path.write_text("movieId,genres,year\n" + "".join(rows))
    return path


@pytest.fixture(scope="module")
def configured(small: Callable[..., Config], films: Path) -> Callable[..., Config]:
    def build(**sections: Any) -> Config:
        return small(**{"model": NET, "data": {"item_features": str(films)}, **sections})

    return build


@pytest.fixture(scope="module")
def featured(configured: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("featured") / "run"
    train(configured(), folder)
    return folder


def test_a_run_keeps_its_features(featured: Path) -> None:
    features = open_bundle(featured).features("item")
    assert features is not None
    assert features.ids.ids[-3:].tolist() == [148, 150, 151]
    assert features.encoder.names[:3] == ["genres: Comedy", "genres: Drama", "genres: War"]
    assert open_bundle(featured).features("user") is None


def test_a_network_predicts_unrated_items_by_their_features(featured: Path) -> None:
    model = Recommender.open(featured)
    comedy, drama = model.predict(3, 150), model.predict(3, 151)
    assert comedy.from_features == drama.from_features == ("item",)
    assert comedy.rating != drama.rating


def test_a_run_with_features_is_resumed(
    featured: Path,
    configured: Callable[..., Config],
    interrupted: Callable[..., None],
    content: Callable[[Path], dict[str, Any]],
    films: Path,
    tmp_path: Path,
) -> None:
    run, file = tmp_path / "run", shutil.copy(films, tmp_path / "films.csv")
    config = configured(data={"item_features": str(file)})
    interrupted(config, run, after=2)
    Path(file).write_text(films.read_text().replace("149", "152").replace("Comedy", "War"))
    with pytest.raises(RunError, match=r"the data changed since the run was started: .*films.csv"):
        train(config, run, resume=True)
    shutil.copy(films, file)
    train(config, run, resume=True)
    both = content(run), content(featured)
    assert {name: text for name, text in both[0].items() if name != "config.yaml"} == {
        name: text for name, text in both[1].items() if name != "config.yaml"
    }


def test_a_run_that_starts_from_it_encodes_by_its_rules(
    featured: Path, configured: Callable[..., Config], tmp_path: Path
) -> None:
    start = {"run": str(featured), "hold_out_from": 0}
    (tmp_path / "more.csv").write_text("movieId,genres,year\n150,War,1990\n700,Western|Comedy,2020\n100,Drama,\n")
    train(configured(start=start, data={"item_features": str(tmp_path / "more.csv")}), tmp_path / "more")
    before, after = (open_bundle(run).features("item") for run in (featured, tmp_path / "more"))
    assert before is not None
    assert after is not None
    assert after.encoder.names == before.encoder.names
    assert len(after.ids) == len(before.ids) + 1
    rows = after.matrix.take(after.ids.index([150, 700])).times(np.eye(after.encoder.n_columns))
    assert rows[:, :3].tolist() == [[0, 0, 1], [1, 0, 0]]
    train(configured(start=start, data={}), tmp_path / "same")
    taken_over = open_bundle(tmp_path / "same").features("item")
    assert taken_over is not None
    np.testing.assert_array_equal(taken_over.matrix.value, before.matrix.value)


def test_refit_keeps_the_features(configured: Callable[..., Config], tmp_path: Path) -> None:
    train(configured(refit=True, training={"n_epochs": 1}), tmp_path / "run")
    assert open_bundle(tmp_path / "run").features("item") is not None


def test_runs_side_by_side_are_of_the_same_features(
    featured: Path, configured: Callable[..., Config], films: Path, tmp_path: Path
) -> None:
    shutil.copytree(featured, tmp_path / "runs" / "one")
    assert finished_runs({"one": configured()}, tmp_path / "runs", None)
    (tmp_path / "films.csv").write_text(films.read_text().replace("Comedy", "War"))
    other = configured(data={"item_features": str(tmp_path / "films.csv")})
    with pytest.raises(RunError, match="the data changed since the run was started: sha256 of item_features"):
        finished_runs({"one": other}, tmp_path / "runs", None)
