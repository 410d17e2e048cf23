"""New users, visitors, and which run is served, as typed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.metrics import read_metrics

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]

NEW = "userId,movieId,rating\n-99,100,5\n77,100,5\n77,120,1\n3,99,2\n"
FOLD_IN = ("fold-in", "--ratings", "new.csv", "--run-dir", "runs/second")


@pytest.fixture
def new(run: Path, data: Path) -> Path:
    (data / "new.csv").write_text(NEW)
    return data / "new.csv"


def test_fold_in_says_what_is_new_and_what_to_type_next(new: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*FOLD_IN)
    assert (ended.code, ended.err) == (0, "")
    snapshot("fold-in", ended.out)
    assert recsys("recommend", "--run", "second", "--", "-99").code == 0
    snapshot("runs-of-two", recsys("runs").out)


def test_a_folded_in_run_is_used_by_default_once_it_is_promoted(new: Path, recsys: Recsys) -> None:
    recsys(*FOLD_IN)
    assert recsys("recommend", "--", "-99").code == 5
    assert recsys("recommend", 1).used == "run: runs/first (newest finished)"
    assert recsys("promote", "second").out == "default run: runs/second (promoted)\n"
    assert recsys("recommend", "--", "-99").used == "run: runs/second (promoted)"


def test_fold_in_answers_in_json_and_names_the_new_run_after_its_parent(new: Path, data: Path, recsys: Recsys) -> None:
    shutil.move(data / "runs" / "first", data / "runs" / "movies-20250102T030405Z-2")
    answer = json.loads(recsys("fold-in", "--ratings", "new.csv", "--json").out)
    folder = Path(answer.pop("run_dir"))
    assert folder.name.startswith("movies-2")
    assert read_metrics(folder) == answer
    assert answer["parent"]["run"] == "movies-20250102T030405Z-2"
    assert (answer["parent"]["n_new_users"], answer["parent"]["n_new_items"]) == (2, 1)


def test_ratings_on_another_scale_are_noted_and_those_of_a_visitor_refused(
    new: Path, data: Path, recsys: Recsys
) -> None:
    new.write_text("userId,movieId,rating\n77,100,10\n77,101,3\n")
    note = "note: 1 of 2 ratings are outside the rating scale of the run, 0.5 to 5: "
    assert recsys(*FOLD_IN).err.startswith(note)
    ended = recsys("recommend", "--ratings", "new.csv", "--run", "runs/first")
    assert (ended.code, ended.err.splitlines()[0]) == (
        3,
        "error: new.csv:2: the rating 10 lies outside the rating scale of the run",
    )


def test_known_rows_are_refused(new: Path, refused: Callable[..., None]) -> None:
    new.write_text(NEW + "3,100,2\n77,999,1\n")
    refused("fold in known", 3, *FOLD_IN)


def test_a_used_folder_is_refused(new: Path, refused: Callable[..., None]) -> None:
    refused("fold in used", 4, *FOLD_IN[:-1], "runs/first")


def test_a_sigmoid_is_refused(text_run: Path, here: Path, refused: Callable[..., None]) -> None:
    (here / "new.csv").write_text("reader,isbn,stars\nme,007,5\n")
    refused("fold in sigmoid", 4, *FOLD_IN)


def test_a_visitor_is_shown_items_like_a_user(run: Path, data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    (data / "visitor.csv").write_text("movieId,rating\n100,5\n120,1\n999,4\n")
    ended = recsys("recommend", "--ratings", "visitor.csv", "-n", 3)
    assert ended.err == "note: ignored, without training ratings: 1 of 3 rated items\n"
    snapshot("recommend-visitor", ended.out)
    answer = json.loads(recsys("recommend", "--ratings", "visitor.csv", "-n", 3, "--json").out)
    assert (answer["user_id"], answer["n_ratings"], answer["n_unknown_items"]) == (None, 3, 1)
    assert [item["rank"] for item in answer["items"]] == [1, 2, 3]


@pytest.mark.parametrize("arguments", [("1", "--ratings", "new.csv"), ("--all", "--ratings", "new.csv"), ()])
def test_recommend_takes_one_of_user_visitor_and_all(arguments: tuple[str, ...], new: Path, recsys: Recsys) -> None:
    ended = recsys("recommend", *arguments)
    assert (ended.code, ended.out) == (2, "")
