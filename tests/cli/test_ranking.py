"""The second table of train, what it says of the most popular items, and evaluate --ranking for several scorers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.cli.ranking import show_ranking
from recsys.core.seeding import rng

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]
TASTES = "ranking={embedding_dim: 4, n_epochs: 4, regularization: 0.01}"
TRAIN = ("train", "--config", "config.yaml", "--run-dir", "runs/new", "--set")


@pytest.fixture
def tastes(data: Path) -> None:
    """Two groups of 20 users, each of which rates half of its own 20 items, and the first ten items more often."""
    rows = [
        (user, item, 1 + (3 * user + item) % 5)
        for user in range(40)
        for item in range(40)
        if user % 2 == item % 2 and (user // 2 + item) % (3 if item < 10 else 2)
    ]
    text = "".join(f"{user},{item},{rating}\n" for user, item, rating in rows)
    (data / "ratings.csv").write_text("userId,movieId,rating\n" + text)


@pytest.mark.slow  # it trains three times
@pytest.mark.usefixtures("tastes")
def test_train_ends_with_how_its_scorers_rank(recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*TRAIN, TASTES)
    assert ended.code == 0
    snapshot("train-two-scorers", ended.out)
    metrics = json.loads(Path("runs/new/metrics.json").read_text())["ranking"]
    assert metrics["objective"] == "ranking"
    assert list(metrics["baselines"]) == ["popular", "rating"]
    assert metrics["test"]["ndcg@10"] > metrics["baselines"]["popular"]["ndcg@10"]
    evaluated = json.loads(recsys("evaluate", "--ranking", "--json").out)["ranking"]
    assert evaluated["any"]["scorers"]["ranking"]["ndcg@10"] == metrics["test"]["ndcg@10"]
    assert evaluated["like"]["scorers"]["rating"]["ndcg@10"] == metrics["baselines"]["rating"]["like_ndcg@10"]
    ended = recsys("evaluate", "--ranking", "--new-users")
    assert ended.code == 0
    assert "without whom the scorer was trained again" in ended.out
    snapshot("runs-with-two-scorers", recsys("runs").out)


@pytest.mark.slow  # it trains four fits
@pytest.mark.usefixtures("tastes")
def test_a_refit_says_what_is_served_and_what_was_measured(recsys: Recsys) -> None:
    ended = recsys(*TRAIN, TASTES, "--refit")
    assert ended.code == 0
    starts = [line for line in ended.err.splitlines() if line.startswith("training the")]
    assert starts[1:3] == [
        "training the ranking scorer (2 of 4)",
        "training the rating scorer on all interactions (3 of 4)",
    ]
    n_all = len(Path("ratings.csv").read_text().splitlines()) - 1
    assert f"Trained once more on all data, which is served: the rating scorer on {n_all:,} interactions" in ended.out


def test_a_ranking_scorer_that_the_most_popular_items_beat_counts_as_below_the_baseline(
    data: Path, recsys: Recsys
) -> None:
    """What users rate is no matter of taste, only how; and the ranking scorer overfits."""
    draw = rng(1, "popular")
    rows = [(user, item) for user in range(60) for item in range(30) if draw.random() < 0.9 - 0.025 * item]
    text = "".join(f"{user},{item},{5 if user % 2 == item % 2 else 1}\n" for user, item in rows)
    (data / "ratings.csv").write_text("userId,movieId,rating\n" + text)
    ended = recsys(*TRAIN, "ranking={embedding_dim: 32, regularization: 0.000001}", "--fail-below-baseline")
    assert ended.code == 7
    assert "The ranking scorer does NOT beat the most popular items" in ended.out
    assert "the most popular items are the better recommendations" in ended.out
    assert "the ranking scorer is not better than the most popular items" in ended.err


def test_clicks_are_evaluated_and_compared_by_how_they_are_ranked(data: Path, recsys: Recsys) -> None:
    pairs = [line.split(",")[:2] for line in (data / "ratings.csv").read_text().splitlines()]
    (data / "clicks.csv").write_text("".join(f"{user},{item}\n" for user, item in pairs))
    (data / "clicks.yaml").write_text("data: {ratings: clicks.csv, columns: {rating: false}}\n")
    for dim in (2, 4):
        settings = f"ranking={{embedding_dim: {dim}, n_epochs: 2, regularization: 0.05}}"
        ended = recsys("train", "--config", "clicks.yaml", "--run-dir", f"runs/{dim}", "--set", settings)
        assert ended.code == 0
        assert "ranking scorer" in ended.out
    metrics = json.loads(Path("runs/4/metrics.json").read_text())
    answer = json.loads(recsys("evaluate", "--run", "runs/4", "--ranking", "--json").out)
    assert answer["objective"] == "ranking"
    assert answer["ndcg@10"] == metrics["test"]["ndcg@10"] == answer["ranking"]["any"]["scorers"]["ranking"]["ndcg@10"]
    assert answer["baselines"].keys() == answer["ranking"]["baselines"].keys() == {"popular"}
    assert (answer["ranking"]["like"], answer["ranking"]["threshold"]) == (None, None)
    assert recsys("evaluate", "--run", "runs/4", "--data", "clicks.csv").code == 0
    assert "a threshold is a rating" in recsys("evaluate", "--run", "runs/4", "--ranking", "--threshold", "3").err
    assert "trained without ratings" in recsys("evaluate", "--run", "runs/4", "--interval", "0.9").err
    assert "ranking scorer" in recsys("evaluate", "--run", "runs/4").out
    (data / "more.csv").write_text("1,100\n2,101\n")
    new = ("--set", "split={valid_fraction: 0, test_fraction: 0}", "--run-dir", "runs/more")
    shown = recsys("update", "--ratings", "more.csv", "--run", "runs/4", *new).out
    assert "old interactions replayed" in shown
    assert "layer group" not in shown
    (data / "clicked.txt").write_text("".join(f"{item}\n" for user, item in pairs if user == "1"))
    listed = recsys("recommend", "1", "--run", "runs/4", "--candidates", "clicked.txt")
    assert "have been chosen by the user" in listed.out
    assert "what a user has chosen" in listed.err
    comparison = json.loads(recsys("compare", "runs/2", "runs/4", "--json").out)
    assert comparison["objective"] == "ranking"
    assert comparison["runs"][1]["ndcg@10"] == pytest.approx(metrics["test"]["ndcg@10"])


def test_a_metric_that_some_lists_lack_leaves_its_place_empty(capsys: pytest.CaptureFixture[str]) -> None:
    """Lists have a diversity where two of their items have features."""
    metrics: dict[str, Any] = {"ranking": {"ndcg@10": 0.1}, "rating": {"ndcg@10": 0.2, "diversity@10": 0.5}}
    counts = dict.fromkeys(
        ("n_users", "n_relevant", "n_relevant_unknown_users", "n_relevant_already_rated", "n_relevant_unknown_items"), 1
    )
    scores = {"scorers": metrics, "baselines": {"popular": {"ndcg@10": 0.3, "coverage@10": 0.1}}, **counts}
    ranking: Any = {
        "any": scores,
        "like": None,
        "threshold": None,
        "k": 10,
        "protocol": "known_users",
        "n_candidates": 9,
    }
    show_ranking(ranking)
    [line] = [line.split() for line in capsys.readouterr().out.splitlines() if "diversity" in line]
    assert line == ["diversity@10", "0.5000"]
