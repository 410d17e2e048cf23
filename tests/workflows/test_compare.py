from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.artifacts.bundle import open_bundle
from recsys.config.schema.config import Config
from recsys.core.errors import DataError, RunError
from recsys.workflows.compare import compare
from recsys.workflows.train import train

Small = Callable[..., Config]
TrainedScorer = Callable[..., Path]


@pytest.fixture(scope="module")
def trained(small: Small, tmp_path_factory: pytest.TempPathFactory) -> TrainedScorer:
    """trained(section={…}, …) → a finished run of sgd."""

    def build(**sections: Any) -> Path:
        folder = tmp_path_factory.mktemp("compared") / "run"
        train(small(**{"training": {"method": "sgd", "n_epochs": 20}, **sections}), folder)
        return folder

    return build


@pytest.fixture(scope="module")
def first(trained: TrainedScorer) -> Path:
    return trained()


@pytest.fixture(scope="module")
def worse(trained: TrainedScorer) -> Path:
    """The same split, and a model that has hardly learned."""
    return trained(training={"method": "sgd", "n_epochs": 1, "lr_max": 1e-6})


def held_out(run: Path) -> dict[tuple[int, int], float]:
    """(user, item) → rating of the known pairs among a run's test ratings."""
    bundle = open_bundle(run)
    test = bundle.held_out("test")
    assert test is not None
    known = test.take((test.user_idx >= 0) & (test.item_idx >= 0))
    ids = bundle.users.ids[known.user_idx].tolist(), bundle.items.ids[known.item_idx].tolist()
    return dict(zip(zip(*ids, strict=True), known.rating.tolist(), strict=True))


def test_the_metrics_are_those_of_the_runs(first: Path, worse: Path) -> None:
    comparison = compare([first, worse]).to_dict()
    for run, row in zip((first, worse), comparison["runs"], strict=True):
        metrics = json.loads((run / "metrics.json").read_text())["test"]
        assert (row["rmse"], row["mae"]) == (pytest.approx(metrics["rmse"]), pytest.approx(metrics["mae"]))
        assert (row["run"], row["n_test"], row["n_not_in_common"]) == (str(run), 90, 0)
    assert comparison["n_ratings"] == 90


def test_a_model_that_has_hardly_learned_is_really_worse(first: Path, worse: Path) -> None:
    difference = compare([first, worse]).to_dict()["runs"][1]["rmse_difference"]
    assert difference["is_real"]
    assert 0 < difference["low"] < difference["value"] < difference["high"]
    other_way = compare([worse, first]).to_dict()["runs"][1]["rmse_difference"]
    assert other_way["high"] == pytest.approx(-difference["low"])


def test_a_run_does_not_differ_from_itself(first: Path) -> None:
    difference = compare([first, first]).to_dict()["runs"][1]["mae_difference"]
    assert difference == {"value": 0.0, "low": 0.0, "high": 0.0, "is_real": False}


def test_the_interval_is_that_of_users_drawn_by_hand(first: Path, worse: Path) -> None:
    bundles = [open_bundle(run) for run in (first, worse)]
    tests = [bundle.held_out("test") for bundle in bundles]
    assert tests[0] is not None
    user = tests[0].user_idx
    squares = [
        (bundle.scorer("rating").rate(test.user_idx, test.item_idx).astype(np.float64) - test.rating) ** 2
        for bundle, test in zip(bundles, tests, strict=True)
        if test is not None
    ]
    draw, drawn = np.random.default_rng(0), []
    users = np.unique(user)
    for _ in range(1000):
        rows = np.concatenate([np.flatnonzero(user == drawn_user) for drawn_user in draw.choice(users, len(users))])
        drawn.append(np.sqrt(squares[1][rows].mean()) - np.sqrt(squares[0][rows].mean()))
    difference = compare([first, worse]).to_dict()["runs"][1]["rmse_difference"]
    width = difference["high"] - difference["low"]
    assert [difference["low"], difference["high"]] == pytest.approx(
        np.quantile(drawn, [0.025, 0.975]), abs=0.15 * width
    )


def test_other_splits_are_compared_on_what_they_have_in_common(first: Path, trained: TrainedScorer) -> None:
    other = trained(seed=1)
    comparison = compare([first, other]).to_dict()
    shared = held_out(first).keys() & held_out(other).keys()
    assert 0 < comparison["n_ratings"] == len(shared) < 90
    assert comparison["n_users"] == len({user for user, _ in shared})
    assert [row["n_not_in_common"] for row in comparison["runs"]] == [90 - len(shared)] * 2
    bundle = open_bundle(other)
    users, items = zip(*sorted(shared), strict=True)
    rating = bundle.scorer("rating").rate(bundle.users.index(users), bundle.items.index(items))
    errors = rating - np.array([held_out(other)[pair] for pair in sorted(shared)])
    assert comparison["runs"][1]["mae"] == pytest.approx(np.abs(errors).mean())


def test_ratings_that_differ_are_not_the_same(
    first: Path, small: Small, ratings_csv: Path, tmp_path: Path, trained: TrainedScorer
) -> None:
    header, *rows = ratings_csv.read_text().splitlines()
    raised = [row.replace(",0.5,", ",1.5,") for row in rows]
    (tmp_path / "raised.csv").write_text("\n".join([header, *raised]))
    comparison = compare([first, trained(data={"ratings": str(tmp_path / "raised.csv")})]).to_dict()
    n_raised = sum(rating == 0.5 for rating in held_out(first).values())
    assert n_raised > 0
    assert comparison["runs"][0]["n_not_in_common"] == n_raised


def test_ratings_of_unknown_users_are_told_by_their_place(trained: TrainedScorer, tmp_path: Path) -> None:
    rows = [f"{n % 9},{n // 9},{1 + n * 7 % 5},{n}" for n in range(90)]
    rows += [f"{100 + n},{n % 5},{1 + n % 5},{1000 + n}" for n in range(8)]
    (tmp_path / "late.csv").write_text("user,item,rating,timestamp\n" + "\n".join(rows))
    sections = {"data": {"ratings": str(tmp_path / "late.csv")}, "split": {"method": "time"}}
    comparison = compare([trained(**sections), trained(**sections, model={"embedding_dim": 2})]).to_dict()
    assert (comparison["n_ratings"], comparison["n_without_user"], comparison["n_users"]) == (10, 8, 2)
    assert [row["n_unknown"] for row in comparison["runs"]] == [8 + 2, 8 + 2]
    assert "ranking" not in comparison
    assert comparison["ranking_missing"].startswith("no user whom all runs know")


def test_runs_with_nothing_in_common_are_refused(first: Path, finished_text: Path, trained: TrainedScorer) -> None:
    with pytest.raises(DataError, match="texts here and whole numbers"):
        compare([first, finished_text])
    folds = [trained(split={"method": "fold", "n_folds": 9, "fold": fold}) for fold in (1, 2)]
    with pytest.raises(DataError, match="no test ratings in common"):
        compare(folds)


def test_a_run_without_test_ratings_is_refused(first: Path, trained: TrainedScorer) -> None:
    with pytest.raises(RunError, match="held out no test"):
        compare([first, trained(split={"test_fraction": 0.0})])


def test_copies_of_serving_folders_can_be_compared(first: Path, worse: Path, tmp_path: Path) -> None:
    copies = [Path(shutil.copytree(run / "serving", tmp_path / name)) for run, name in ((first, "a"), (worse, "b"))]
    comparison, expected = compare(copies).to_dict(), compare([first, worse]).to_dict()
    assert comparison["runs"][1]["rmse_difference"] == expected["runs"][1]["rmse_difference"]


def test_runs_are_compared_by_the_scorer_by_which_each_recommends(trained: TrainedScorer, first: Path) -> None:
    ranking = trained(ranking={"embedding_dim": 4, "n_epochs": 4, "regularization": 0.05, "popularity_weight": 0})
    comparison = compare([first, ranking]).to_dict()
    assert comparison["runs"][1]["rmse_difference"]["value"] == 0.0
    assert [run["scorer"] for run in comparison["ranking"]["runs"]] == ["rating", "ranking"]
    metrics = json.loads((ranking / "metrics.json").read_text())["ranking"]
    for run, scores in zip(
        comparison["ranking"]["runs"], (metrics["baselines"]["rating"], metrics["test"]), strict=True
    ):
        for name in ("ndcg@10", "recall@20", "like_ndcg@10"):
            assert run[name] == pytest.approx(scores[name])
    assert comparison["ranking"]["n_users"] == metrics["test"]["n_users"]
    known = open_bundle(ranking).held_out("test")
    assert known is not None
    assert comparison["ranking"]["n_ratings"] == np.count_nonzero((known.user_idx >= 0) & (known.item_idx >= 0))
    assert comparison["ranking"]["runs"][1]["ndcg@10_difference"]["value"] == pytest.approx(
        metrics["test"]["ndcg@10"] - metrics["baselines"]["rating"]["ndcg@10"]
    )
