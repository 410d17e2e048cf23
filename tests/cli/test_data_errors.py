"""What is wrong with a data file, as `recsys train` says it: exit 3, and nothing is left behind."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HEAD = "userId,movieId,rating,timestamp\n"
ROWS = "".join(
    f"{user},{item},{(user * item) % 5 + 1},{1_000_000 + user}\n" for user in range(1, 6) for item in range(1, 6)
)

FILES = {
    "empty file": "",
    "header only": HEAD,
    "no rating column": "userId,movieId,ratng\n1,2,3\n2,3,4\n",
    "no user column": "who,movieId,rating\n1,2,3\n2,3,4\n",
    "clicks": "userId,movieId,timestamp\n1,2,1000\n2,3,1000\n",
    "not a number": HEAD + ROWS + "6,1,good,1000006\n",
    "decimal comma": "userId;movieId;rating\n1;2;3,500\n2;3;4,125\n",
    "not finite": HEAD + ROWS + "6,1,inf,1000006\n",
    "no rating": HEAD + ROWS + "6,1,,1000006\n",
    "empty user id": HEAD + ROWS + ",1,3,1000006\n",
    "empty item id": HEAD + ROWS + "6,,3,1000006\n",
    "ragged row": HEAD + ROWS + "6,1,3\n",
    "duplicates": HEAD + ROWS + "1,1,3,1000006\n",
    "single user": HEAD + "".join(f"1,{item},{item},1000000\n" for item in range(1, 6)),
    "single item": HEAD + "".join(f"{user},1,{user},1000000\n" for user in range(1, 6)),
    "all equal": HEAD + "".join(f"{user},{item},1,1000000\n" for user in range(1, 6) for item in range(1, 6)),
    "unclosed quote": HEAD + ROWS + '6,"1,3,1000006\n',
}
Refused = Callable[..., None]


@pytest.fixture(autouse=True)
def _config(here: Path) -> None:
    (here / "config.yaml").write_text("data: {ratings: ratings.csv}\ntraining: {method: adamw, n_epochs: 1}\n")


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used_is_refused_with_its_place(name: str, here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text(FILES[name])
    refused(name, 3, "train", "--config", "config.yaml")


@pytest.mark.parametrize(
    ("name", "content"),
    [("not text", zlib.compress(ROWS.encode())), ("latin-1", (HEAD + ROWS + "é,1,3,1000006\n").encode("latin-1"))],
)
def test_a_file_that_is_not_text_is_refused(name: str, content: bytes, here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_bytes(content)
    refused(name, 3, "train", "--config", "config.yaml")


def test_a_file_that_is_not_there_is_refused_with_the_nearest_name(here: Path, refused: Refused) -> None:
    (here / "rating.csv").write_text(HEAD + ROWS)
    refused("not there", 3, "train", "--config", "config.yaml")


def test_a_folder_is_refused(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").mkdir()
    refused("a folder", 3, "train", "--config", "config.yaml")


def test_a_column_that_is_asked_for_and_not_there_is_refused_with_the_nearest_name(
    here: Path, refused: Refused
) -> None:
    (here / "ratings.csv").write_text(HEAD + ROWS)
    refused("missing column", 3, "train", "--config", "config.yaml", "--set", "data.columns.item=movie_id")


def test_a_time_that_is_used_has_to_be_one(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text(HEAD + ROWS + "6,1,3,yesterday\n")
    refused("bad time", 3, "train", "--config", "config.yaml", "--set", "split.method=time")


def test_a_split_by_time_needs_times(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text("".join(line.rpartition(",")[0] + "\n" for line in (HEAD + ROWS).splitlines()))
    refused("no times", 3, "train", "--config", "config.yaml", "--set", "split.method=time")


def test_a_file_of_titles_that_is_not_there_is_refused(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text(HEAD + ROWS)
    refused("no titles", 3, "train", "--config", "config.yaml", "--set", "data.items=movies.csv")


def test_init_refuses_as_train_does(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text(FILES["no rating column"])
    refused("init misspelt rating", 3, "init", "ratings.csv", "--output", "new.yaml")
    refused("init not there", 3, "init", "ratngs.csv", "--output", "new.yaml")


def test_commands_in_hints_are_quoted(here: Path, recsys: Callable[..., Any]) -> None:
    (here / "ratings.csv").write_text(HEAD.replace("rating", "My rating") + ROWS)
    refused = recsys("init", "ratings.csv", "--output", "new.yaml", "--json").error
    assert refused["hint"].endswith("(init: --rating 'My rating')")
    (here / "ratings.csv").write_text(HEAD + ROWS)
    assert recsys("init", "ratings.csv", "--output", "my config.yaml").out.endswith("train --config 'my config.yaml'\n")
    train = ("train", "config.yaml", "--set", "ranking=none", "--run-dir", "runs/my run")
    assert recsys(*train).code == 0
    assert recsys(*train, "--json").error["hint"].endswith("--resume --run-dir 'runs/my run'")


def test_a_dry_run_refuses_as_train_does(here: Path, refused: Refused) -> None:
    (here / "ratings.csv").write_text(FILES["not a number"])
    refused("dry run", 3, "train", "--config", "config.yaml", "--dry-run")


def test_files_for_a_run_are_refused_with_their_place(run: Path, refused: Refused) -> None:
    (run.parents[1] / "new.csv").write_text("who,what\n1,100\n")
    refused("evaluate other columns", 3, "evaluate", "--data", "new.csv")
    refused("predict other columns", 3, "predict", "--input", "new.csv", "--output", "out.csv")
    refused("candidates not there", 3, "recommend", "1", "--candidates", "nw.csv")
