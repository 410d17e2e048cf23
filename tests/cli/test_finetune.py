"""recsys finetune and update, as typed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import CONFIG

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]
FINETUNE = ("finetune", "--from", "runs/first", "--config", "small.yaml")


@pytest.fixture
def new(run: Path, data: Path) -> Path:
    """Ratings of a user and an item that the run does not know, and of some that it does."""
    rows = "".join(f"{user},{item},{1 + item % 5}\n" for user in (0, 1, 777) for item in (100, 103, 104, 888, 120))
    (data / "new.csv").write_text("userId,movieId,rating\n" + rows)
    (data / "small.yaml").write_text(
        CONFIG.replace("ratings.csv", "new.csv").replace("}\n", ", duplicates: last}\n", 1)
    )
    return data / "new.csv"


def test_finetune_shows_the_rates_of_the_groups_and_what_it_changed(
    new: Path, recsys: Recsys, snapshot: Snapshot
) -> None:
    ended = recsys(*FINETUNE, "--set", "training.lr_max=slice(3e-3)", "--run-dir", "runs/second")
    assert ended.code == 0
    snapshot("finetune", ended.out)
    assert [line.split() for line in ended.out.splitlines() if line.startswith(("items ", "users "))] == [
        ["items", "0.001"],
        ["users", "0.003"],
    ]
    recsys(*FINETUNE, "--set", "training.freeze=[items]", "--run-dir", "runs/third")
    assert "frozen" in recsys("inspect", "runs/third", "--layers").out


def test_update_goes_on_from_the_run_that_is_served(new: Path, recsys: Recsys) -> None:
    ended = recsys("update", "--ratings", "new.csv", "--set", "data.columns.timestamp=false", "--json")
    assert ended.code == 0
    answer = json.loads(ended.out)
    assert answer["start"]["run"] == "first"
    assert answer["run_dir"].startswith("runs/first-")
    assert answer["start"]["after"]["old"]["n_ratings"] > 0
    assert [(group["name"], group["frozen"]) for group in answer["groups"]] == [("items", False), ("users", False)]


HANDFUL = "userId,movieId,rating\n0,100,3\n0,103,2\n-3,120,5\n"


def test_a_handful_of_ratings_is_trained_on_and_the_old_held_out_ratings_decide(run: Path, recsys: Recsys) -> None:
    (run.parent.parent / "few.csv").write_text(HANDFUL)
    ended = recsys("update", "--ratings", "few.csv", "--json")
    assert "note: 3 new rows, fewer than 50: none is held out, and the scores are on what first" in ended.err
    answer = json.loads(ended.out)
    before = json.loads((run / "metrics.json").read_text())
    start, held_out = answer["start"], before["test"]["n_ratings"] - answer["test"]["n_ratings"]
    assert (start["before"]["new"], start["after"]["new"], held_out in range(4)) == (None, None, True)
    assert start["after"]["old"] == answer["test"]
    assert answer["valid"]["n_ratings"] > 80
    assert answer["train"]["n_ratings"] - before["train"]["n_ratings"] in range(4)
    measured = json.loads(recsys("evaluate", "--run", answer["run_dir"], "--json").out)
    assert measured["rmse"] == pytest.approx(answer["test"]["rmse"])
    again = json.loads(recsys("update", "--run", answer["run_dir"], "--ratings", "few.csv", "--json").out)
    assert again["test"]["n_ratings"] == answer["test"]["n_ratings"]
    split = json.loads(
        recsys(
            "update",
            "--ratings",
            "few.csv",
            "--set",
            "start.hold_out_from=0",
            "--set",
            "split.test_fraction=0.4",
            "--set",
            "split.valid_fraction=0",
            "--json",
        ).out
    )
    assert split["test"]["n_ratings"] == 1


@pytest.mark.parametrize(
    ("command", "rows"),
    [
        (("update",), HANDFUL),
        (("fold-in",), "userId,movieId,rating\n77,100,3\n77,103,2\n"),
        (("recommend",), "userId,movieId,rating\n77,100,3\n77,103,2\n"),
    ],
    ids=["update", "fold-in", "recommend"],
)
def test_times_may_be_missing_wherever_new_ratings_are_read(
    run: Path, data: Path, recsys: Recsys, command: tuple[str, ...], rows: str
) -> None:
    columns = "{user: userId, item: movieId, rating: rating, timestamp: timestamp}"
    named = ("--set", f"data.columns={columns}", "--set", "training.n_epochs=1", "--run-dir", "runs/named")
    assert recsys("train", "--config", "config.yaml", *named).code == 0
    for text in (rows, rows.replace("userId", "user_id")):
        (data / "few.csv").write_text(text)
        assert recsys(*command, "--run", "runs/named", "--ratings", "few.csv").code == 0


@pytest.mark.parametrize(
    ("ratings", "note"),
    [
        (lambda n: 1 + n % 10, "note: 25 of 50 ratings are outside the rating scale of the run, 0.5 to 5: if they"),
        (
            lambda n: n % 2,
            "note: all 50 ratings, up to 1, are in the lower half of the rating scale of the run, 0.5 to",
        ),
        (lambda n: 1 + n % 5, ""),
    ],
    ids=["larger", "smaller", "the same"],
)
def test_another_rating_scale_is_noticed(
    run: Path, data: Path, recsys: Recsys, ratings: Callable[[int], int], note: str
) -> None:
    rows = "".join(f"{n % 30},{100 + n},{ratings(n) or 0.5}\n" for n in range(50))
    (data / "new.csv").write_text("userId,movieId,rating\n" + rows)
    n_outside = note.startswith("note: 25") * 25
    for command in (("update", "--ratings"), ("evaluate", "--data")):
        ended = recsys(*command, "new.csv", "--run", "runs/first", "--json")
        answer = json.loads(ended.out)
        assert (note in ended.err, "scale" in ended.err) == (True, bool(note))
        assert answer.get("start", answer)["n_outside_scale"] == n_outside


def test_a_run_by_gibbs_is_not_updated(new: Path, recsys: Recsys, refused: Callable[..., None]) -> None:
    gibbs = ("--set", "training={method: gibbs, n_epochs: 4}", "--run-dir", "runs/sampled")
    assert recsys("train", "--config", "config.yaml", *gibbs).code == 0
    refused("update of gibbs", 2, "update", "--run", "runs/sampled", "--ratings", "new.csv")


def test_a_run_without_a_ranking_scorer_has_none_to_update(new: Path, refused: Callable[..., None]) -> None:
    refused("update of ranking alone", 4, "update", "--only", "ranking", "--ratings", "new.csv")


def test_a_run_that_is_not_there_is_refused_before_anything_is_read(new: Path, recsys: Recsys) -> None:
    ended = recsys("finetune", "--from", "runs/nothing", "--config", "small.yaml", "--json")
    assert (ended.code, ended.error["kind"]) == (4, "run")
    assert ended.error["where"] == "runs/nothing"
    assert recsys("update", "--run", "runs/nothing", "--ratings", "new.csv").code == 4


def test_another_model_is_refused_with_what_differs(new: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*FINETUNE, "--set", "model.embedding_dim=5")
    assert (ended.code, ended.out) == (2, "")
    snapshot("error-finetune-another-model", ended.err.replace(str(new.parent), "<here>"))


def test_the_model_is_that_of_the_run(new: Path, recsys: Recsys) -> None:
    """A config as init writes it has the default dim, which is another one."""
    small = new.with_name("small.yaml")
    text = small.read_text()
    small.write_text(text.replace("{embedding_dim: 4}", "{embedding_dim: 64, y_range: null, clip: false}"))
    ended = recsys(*FINETUNE, "--json")
    assert ended.code == 0
    assert "note: the model is that of first: embedding_dim 4 for 64\n" in ended.err
    answer = json.loads(ended.out)
    assert answer["embedding_dim"] == 4
    assert "clip: false" in Path(answer["run_dir"], "config.yaml").read_text()
    small.write_text(text.replace("model: {embedding_dim: 4}", "model: {kind: embedding_net, layers: [8]}"))
    assert "kind dot_product for embedding_net and layers None for [8]" in recsys(*FINETUNE, "--json").err
    small.write_text(text.replace("model: {embedding_dim: 4}\n", ""))
    assert "the model is that of" not in recsys(*FINETUNE, "--json").err


def test_a_group_that_the_model_does_not_have_is_refused(new: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*FINETUNE, "--set", "training.freeze=[hidden]")
    assert ended.code == 2
    snapshot("error-finetune-unknown-group", ended.err)


def test_new_ratings_that_are_not_there_are_refused(new: Path, recsys: Recsys) -> None:
    ended = recsys("update", "--ratings", "nothing.csv", "--json")
    assert (ended.code, ended.error["kind"]) == (3, "data")
    assert [path.name for path in (new.parent / "runs").iterdir()] == ["first"]
