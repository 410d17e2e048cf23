"""Which run is meant: by name, by default, promoted; and how old ones go."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from recsys.artifacts.metrics import read_metrics, write_metrics

Recsys = Callable[..., Any]
ASK = "recsys.cli.prune.sys.stdin.isatty"


@pytest.fixture
def two(run: Path, data: Path) -> tuple[Path, Path]:
    """Two finished runs, the second one newer."""
    second = Path(shutil.copytree(run, data / "runs" / "second"))
    for age, folder in enumerate((run, second)):
        for name in ("config.yaml", "metrics.json"):
            os.utime(folder / name, (age, age))
    return run, second


@pytest.mark.parametrize(
    "command",
    [
        ("inspect", "first"),
        ("inspect", "first", "--layers"),
        ("compare", "first", "second"),
        ("promote", "first"),
        ("predict", 0, 100, "--run", "first"),
        ("recommend", 0, "--run", "first"),
        ("explain", 0, 100, "--run", "first"),
        ("similar", 100, "--run", "first"),
        ("items", "film", "--run", "first"),
        ("interpret", "--run", "first"),
        ("evaluate", "--run", "first"),
        ("export-factors", "--run", "first", "--output", "factors"),
        ("train", "--resume", "--run-dir", "first"),
    ],
    ids=lambda command: command[0],
)
def test_a_run_is_known_by_its_bare_name_and_by_a_path_below_home(
    command: tuple[object, ...], two: tuple[Path, Path], data: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(data))
    (data / "first").mkdir()  # a folder that is no run does not stand in the way
    ended = recsys(*command)
    assert (ended.code, ended.used) == (0, "")
    shutil.rmtree(data / "factors", ignore_errors=True)
    at_home = ["~/runs/first" if part == "first" else part for part in command]
    assert recsys(*at_home).code == 0


def test_a_name_that_is_nearly_one_is_hinted_at(two: tuple[Path, Path], recsys: Recsys) -> None:
    for command in (("promote", "frst"), ("inspect", "frst"), ("evaluate", "--run", "frst")):
        ended = recsys(*command, "--json")
        assert (ended.code, ended.error["hint"]) == (4, "did you mean first? recsys runs lists the runs")


def test_the_default_run_is_named_whenever_it_is_used(two: tuple[Path, Path], recsys: Recsys) -> None:
    of_ids = [("predict", 0, 100), ("recommend", 0), ("similar", 100), ("items", "film")]
    for command in (
        *of_ids,
        ("interpret",),
        ("evaluate",),
        ("report",),
        ("inspect",),
        ("export-factors", "--output", "factors"),
    ):
        assert recsys(*command).used == "run: runs/second (newest finished)", command
    recsys("promote", "first")
    assert recsys("predict", 0, 100, "--json").used == "run: runs/first (promoted)"


def test_a_promoted_run_answers_until_it_is_taken_back(two: tuple[Path, Path], recsys: Recsys) -> None:
    def served() -> list[bool]:
        return [overview["default"] for overview in json.loads(recsys("runs", "--json").out)]

    assert served() == [False, True]
    assert recsys("promote", "runs/first").out == "default run: runs/first (promoted)\n"
    assert served() == [True, False]
    assert recsys("runs").out.endswith("default run: first (promoted)\n")
    both = {"promoted": "runs/second", "default": "runs/second"}
    assert json.loads(recsys("promote", "runs/second", "--json").out) == both
    recsys("promote", "runs/first")
    shutil.rmtree(two[0])
    gone = recsys("recommend", "1", "--json")
    assert (gone.code, gone.error["what"]) == (4, "the promoted run is not there")
    assert recsys("runs").out.endswith("the promoted run is missing: runs/first\n")
    assert json.loads(recsys("promote", "--none", "--json").out) == {"promoted": None, "default": None}
    assert recsys("recommend", "1").code == 0
    assert recsys("promote", "--none").out == "no run is promoted: the newest finished is the default\n"


def test_promote_alone_shows_the_default_run(two: tuple[Path, Path], recsys: Recsys) -> None:
    assert recsys("promote").out == "default run: runs/second (newest finished)\n"
    assert json.loads(recsys("promote", "--json").out) == {"promoted": None, "default": "runs/second"}
    recsys("promote", "first")
    assert recsys("promote").out == "default run: runs/first (promoted)\n"


@pytest.mark.parametrize(("arguments", "code"), [(("runs/first", "--none"), 2), (("runs/nothing",), 4)])
def test_promote_refuses_what_is_not_one_finished_run(
    arguments: tuple[str, ...], code: int, run: Path, refused: Callable[..., None]
) -> None:
    refused(" ".join(["promote", *(argument.replace("/", "-") for argument in arguments)]), code, "promote", *arguments)


def test_a_newer_run_that_is_worse_on_the_same_test_ratings_is_named(data: Path, recsys: Recsys) -> None:
    worse = ("--run-dir", "runs/worse", "--set", "training.n_epochs=1", "--set", "training.lr_max=0.5")
    train = ("train", "--config", "config.yaml")
    assert "is worse than" not in recsys(*train, "--run-dir", "runs/good").out
    for out in (recsys(*train, *worse).out, recsys("runs").out):
        assert "worse is worse than good on the same test ratings: rmse " in out
        assert "to make good the default: recsys promote good" in out
    other_test = (*train, "--run-dir", "runs/other", *worse[2:], "--set", "seed=1")
    assert "is worse than" not in recsys(*other_test).out
    listed = {Path(run["path"]).name: run["better"] for run in json.loads(recsys("runs", "--json").out)}
    assert [(name, [run["run"] for run in better]) for name, better in listed.items()] == [
        ("good", []),
        ("worse", ["good"]),
        ("other", []),
    ]
    recsys("promote", "good")
    assert "recsys promote good" not in recsys("runs").out


def end_of_input(*_: object, **__: object) -> bool:
    raise typer.Abort


def test_prune_shows_what_it_would_remove_and_asks(
    two: tuple[Path, Path], data: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    prune = ("runs", "--prune", 1)
    recsys("promote", "first")
    assert recsys(*prune).out == "kept runs/first: it is promoted\nnothing to remove\n"
    recsys("promote", "--none")
    ended = recsys(*prune)
    assert (ended.code, ended.out) == (2, "to remove: runs/first\n")
    assert "nothing was removed" in ended.err
    assert recsys(*prune, "--json").code == recsys("runs", "--yes").code == 2
    monkeypatch.setattr(ASK, lambda: True)
    monkeypatch.setattr("typer.confirm", end_of_input)
    assert (recsys(*prune).code, len(list((data / "runs").iterdir()))) == (0, 2)
    for answer, left in ((False, ["first", "second"]), (True, ["second"])):
        monkeypatch.setattr("typer.confirm", lambda *_, answer=answer, **__: answer)
        assert recsys(*prune).code == 0
        assert sorted(path.name for path in (data / "runs").iterdir()) == left
    assert recsys("runs", "--prune", 0).code == 2


def test_prune_without_a_question_names_the_runs_that_were_made_from_what_goes(
    two: tuple[Path, Path], data: Path, recsys: Recsys
) -> None:
    metrics = read_metrics(two[1])
    assert metrics is not None
    start = {"run": "first", "path": str(two[0]), "n_new_users": 0, "n_new_items": 0, "n_replayed": 0}
    parts = {when: {"new": None, "old": None} for when in ("before", "after")}
    metrics["start"] = {**start, "n_held_out_not_new": 0, **parts}  # type: ignore[typeddict-item]
    write_metrics(two[1], metrics)
    shutil.copytree(two[0], data / "copy")
    shown = "removed runs/first (parent of second, which is whole without it)\n"
    assert recsys("runs", "--clean", "--yes").code == recsys("runs", "--dry-run").code == 2
    assert recsys("runs", "--clean", "--prune", 1, "--yes").out == shown
    shutil.move(data / "copy", two[0])
    os.utime(two[0] / "metrics.json", (0, 0))
    assert json.loads(recsys("runs", "--prune", 1, "--yes", "--json").out) == {
        "removed": ["runs/first"],
        "kept": {},
        "children": {"runs/first": ["second"]},
        "leftovers": [],
    }


@pytest.mark.parametrize(
    "command",
    [
        ("init", "~/ratings.csv", "--items", "~/movies.csv", "--output", "~/new.yaml"),
        ("config", "validate", "~/config.yaml"),
        ("train", "~/config.yaml", "--run-dir", "~/runs/new"),
        ("finetune", "~/config.yaml", "--from", "~/runs/first", "--run-dir", "~/runs/new"),
        ("update", "--ratings", "~/new.csv", "--run-dir", "~/runs/new"),
        ("fold-in", "--ratings", "~/new.csv", "--run-dir", "~/runs/new"),
        (
            "cross-validate",
            "~/config.yaml",
            "--train-files",
            "~/f{fold}.csv",
            "--test-files",
            "~/t{fold}.csv",
            "--jobs",
            1,
        ),
        ("predict", "--input", "~/pairs.csv", "--output", "~/out.csv"),
        ("recommend", 0, "--candidates", "~/items.csv", "--exclude", "~/none.csv"),
        ("recommend", "--ratings", "~/visitor.csv"),
        ("recommend", "--all", "--output", "~/out.csv"),
        ("evaluate", "--data", "~/ratings.csv"),
        ("report", "--output", "~/report.html"),
        ("export-factors", "--output", "~/factors"),
        ("sample", "~/sample"),
    ],
    ids=lambda command: " ".join(map(str, command[:2])),
)
def test_a_path_below_home_is_one_wherever_a_file_is_named(
    command: tuple[object, ...], run: Path, data: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(data))
    (data / "pairs.csv").write_text("userId,movieId\n0,100\n")
    (data / "visitor.csv").write_text("movieId,rating\n100,5\n")
    (data / "new.csv").write_text("userId,movieId,rating,timestamp\n77,100,5,1\n77,110,2,2\n")
    (data / "items.csv").write_text("movieId\n100\n101\n110\n111\n")
    (data / "none.csv").write_text("movieId\n112\n")
    header, *rows = (data / "ratings.csv").read_text().splitlines(keepends=True)
    for fold in (1, 2):
        (data / f"f{fold}.csv").write_text("".join([header, *rows[50:]]))
        (data / f"t{fold}.csv").write_text("".join([header, *rows[:50]]))
    ended = recsys(*command)
    assert ended.code == 0, ended.err
    assert not (data / "~").exists()


def test_what_stopped_commands_left_is_listed_and_removed(data: Path, recsys: Recsys) -> None:
    left = data / "runs" / ".writing-config-1a2b"
    for clean in (("--clean",), ("--clean", "--json"), ("--prune", 9, "--yes")):
        left.mkdir(parents=True)
        (left / "half").write_bytes(bytes(1_200_000))
        listed = recsys("runs").out.splitlines()
        assert listed == [
            "no runs under runs",
            "1 leftover of stopped commands, 1.2 MB: recsys runs --clean removes it",
        ]
        as_json = recsys("runs", "--json")
        assert (json.loads(as_json.out), as_json.err) == ([], listed[1] + "\n")
        would = recsys("runs", *clean, "--dry-run").out
        assert left.exists()
        assert ".writing-config-1a2b" in would or "to remove: 1 leftover" in would
        shown = recsys("runs", *clean).out
        assert "removed 1 leftover of stopped commands, 1.2 MB" in shown or json.loads(shown) == {
            "leftovers": ["runs/.writing-config-1a2b"],
            "bytes": 1_200_000,
        }
        assert not left.exists()
    assert recsys("runs", "--clean").out == "nothing to remove\n"
