"""Commands that read their ratings, pairs or lists of items from standard input and from pipes."""

from __future__ import annotations

import io
import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
Stdin = Callable[[str], None]


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Stdin:
    """stdin(text) gives standard input a text."""
    return lambda text: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_the_way_from_a_pipe_to_a_run(data: Path, recsys: Recsys, stdin: Stdin) -> None:
    ratings = (data / "ratings.csv").read_text()
    stdin(ratings)
    ended = recsys("init", "-", "--output", "piped.yaml")
    assert ended.out.startswith("/dev/stdin: 900 ratings of 50 items by 40 users\n")
    assert ended.out.endswith("Wrote piped.yaml. Next:\n  cat RATINGS | recsys train --config piped.yaml\n")
    stdin(ratings)
    trained = recsys(
        "train", "--config", "piped.yaml", "--set", "ranking=none", "--set", "training.n_epochs=1", "--json"
    )
    assert json.loads(trained.out)["train"]["n_ratings"] == 720
    stdin("")
    ended = recsys("train", "--config", "piped.yaml", "--json")
    assert (ended.code, ended.error["where"], ended.error["what"]) == (3, "/dev/stdin", "nothing came through")


@pytest.mark.parametrize(
    "arguments",
    [
        ("train", "--config", "config.yaml", "--set", "data.ratings=-", "--set", "training.n_epochs=1"),
        ("train", "--config", "config.yaml", "--set", "data.ratings=-", "--dry-run"),
        ("evaluate", "--data", "-"),
        ("predict", "--input", "-", "--output", "p.csv"),
        ("update", "--ratings", "-", "--set", "training.n_epochs=1"),
        ("lr-find", "--config", "config.yaml", "--set", "data.ratings=-"),
    ],
    ids=lambda arguments: " ".join(arguments[:1]),
)
def test_ratings_from_standard_input(run: Path, recsys: Recsys, stdin: Stdin, arguments: tuple[str, ...]) -> None:
    stdin((run.parents[1] / "ratings.csv").read_text())
    ended = recsys(*arguments, "--json")
    assert ended.code == 0, ended.err
    assert json.loads(ended.out)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--ratings", "-"), "movieId,rating\n110,5\n120,1\n"),
        (("-5", "--candidates", "-"), "110\n111\n112\n113\n114\n115\n"),
        (("-5", "--exclude", "-"), "110\n111\n"),
    ],
    ids=["ratings", "candidates", "exclude"],
)
def test_recommending_by_standard_input(
    run: Path, recsys: Recsys, stdin: Stdin, arguments: tuple[str, ...], text: str
) -> None:
    Path("in.csv").write_text(text)
    by_file = recsys("recommend", *("in.csv" if argument == "-" else argument for argument in arguments))
    stdin(text)
    assert recsys("recommend", *arguments) == by_file
    assert by_file.code == 0, by_file.err


def test_folding_in_from_standard_input(run: Path, recsys: Recsys, stdin: Stdin) -> None:
    stdin("userId,movieId,rating\n77,100,5\n77,120,1\n")
    ended = recsys("fold-in", "--ratings", "-")
    assert ended.out.startswith("1 new user added from 2 ratings\n"), ended.err


@pytest.mark.slow
def test_process_substitution(data: Path, script: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    recsys = shlex.quote(script)
    lines = [
        "set -e",
        f"{recsys} init <(cat ratings.csv) --output piped.yaml",
        f"{recsys} train --config config.yaml --set data.ratings=<(gzip -c ratings.csv) "
        "--set data.items=<(cat movies.csv)",
        f"{recsys} similar 110 -n 1",
        f"cat ratings.csv | {recsys} cross-validate --config config.yaml --set data.ratings=- --folds 2 --jobs 2",
    ]
    ended = subprocess.run([bash, "-c", "\n".join(lines)], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "/dev/fd/" in ended.stdout.splitlines()[0]
    assert "Film " in ended.stdout
    assert not [*data.rglob("recsys-*")]
