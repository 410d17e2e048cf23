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


def test_a_run_by_gibbs_is_not_updated(new: Path, recsys: Recsys, refused: Callable[..., None]) -> None:
    gibbs = ("--set", "training={method: gibbs, n_epochs: 4}", "--run-dir", "runs/sampled")
    assert recsys("train", "--config", "config.yaml", *gibbs).code == 0
    refused("update of gibbs", 2, "update", "--run", "runs/sampled", "--ratings", "new.csv")


def test_a_run_that_is_not_there_is_refused_before_anything_is_read(new: Path, recsys: Recsys) -> None:
    ended = recsys("finetune", "--from", "runs/nothing", "--config", "small.yaml", "--json")
    assert (ended.code, ended.error["kind"]) == (4, "run")
    assert ended.error["where"] == "runs/nothing"
    assert recsys("update", "--run", "runs/nothing", "--ratings", "new.csv").code == 4


def test_another_model_is_refused_with_what_differs(new: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*FINETUNE, "--set", "model.embedding_dim=5")
    assert (ended.code, ended.out) == (2, "")
    snapshot("error-finetune-another-model", ended.err.replace(str(new.parent), "<here>"))


def test_a_group_that_the_model_does_not_have_is_refused(new: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*FINETUNE, "--set", "training.freeze=[hidden]")
    assert ended.code == 2
    snapshot("error-finetune-unknown-group", ended.err)


def test_new_ratings_that_are_not_there_are_refused(new: Path, recsys: Recsys) -> None:
    ended = recsys("update", "--ratings", "nothing.csv", "--json")
    assert (ended.code, ended.error["kind"]) == (3, "data")
    assert [path.name for path in (new.parent / "runs").iterdir()] == ["first"]
