"""cross-validate, compare and evaluate: what they print, and what they refuse."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
Snapshot = Callable[..., None]
Refused = Callable[..., None]
CROSS = ("cross-validate", "--config", "config.yaml", "--folds", "3", "--jobs", "1")


def fits(text: str) -> bool:
    """Whether a table fits 80 columns; sentences are broken on a terminal only."""
    return all(len(line) <= 80 or line.endswith((".", "?")) for line in text.splitlines())


def test_cross_validate(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys(*CROSS)
    assert ended.code == 0
    assert fits(ended.out)
    snapshot("cross-validate", ended.out)
    assert ended.err.splitlines()[0].startswith("fold-1: test rmse ")
    assert not (data / "runs").exists()


def test_cross_validate_as_json_with_the_runs_kept(data: Path, recsys: Recsys) -> None:
    ended = recsys(*CROSS, "--json", "--run-dir", "folds", "--set", "split.valid_fraction=0")
    answer = json.loads(ended.out)
    assert (answer["n_folds"], answer["n_ratings"]) == (3, 900)
    assert [fold["run_dir"] for fold in answer["folds"]] == ["folds/fold-1", "folds/fold-2", "folds/fold-3"]
    assert recsys("predict", "0", "100", "--run", "folds/fold-2").code == 0


def test_compare_splits(data: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("cross-validate", "--config", "config.yaml", "--compare-splits", "--jobs", "1")
    assert fits(ended.out)
    snapshot("compare-splits", ended.out)


def test_folds_that_are_files(data: Path, recsys: Recsys) -> None:
    header, *rows = (data / "ratings.csv").read_text().splitlines()
    for fold, part in enumerate((rows[:450], rows[450:])):
        (data / f"u{fold}.test.csv").write_text("\n".join([header, *part]))
        (data / f"u{1 - fold}.train.csv").write_text("\n".join([header, *part]))
    files = ("--train-files", "u{fold}.train.csv", "--test-files", "u{fold}.test.csv")
    answer = json.loads(recsys("cross-validate", "--config", "config.yaml", "--jobs", "1", *files, "--json").out)
    assert [(fold["fold"], fold["n_ratings"]) for fold in answer["folds"]] == [("0", 450), ("1", 450)]


def test_cross_validation_is_refused(data: Path, refused: Refused) -> None:
    refused("folds and files", 2, *CROSS, "--train-files", "a{fold}", "--test-files", "b{fold}")
    refused("train files alone", 2, *CROSS[:3], "--train-files", "a{fold}")
    refused("no fold in a pattern", 2, *CROSS[:3], "--train-files", "a", "--test-files", "b{fold}")
    refused("no fold files", 3, *CROSS[:3], "--train-files", "a{fold}", "--test-files", "b{fold}")
    refused("too many folds", 3, *CROSS[:3], "--folds", "901", "--jobs", "1")
    refused("one fold", 2, *CROSS[:3], "--folds", "1")


@pytest.mark.slow
def test_ctrl_c_ends_all_folds_and_leaves_nothing(data: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (data / "aside").mkdir()
    monkeypatch.setenv("TMPDIR", str(data / "aside"))
    long = ("cross-validate", "--config", "config.yaml", "--set", "training.n_epochs=100000", "--jobs", "2")
    running = subprocess.Popen([script, *long], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list(data.glob("aside/recsys-*/fold-*/history.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=30)
    assert running.returncode == 130, stderr
    assert stderr.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in stderr
    assert not list(data.glob("aside/recsys-*"))


@pytest.fixture
def two_runs(run: Path, recsys: Recsys) -> tuple[str, str]:
    """runs/first, and runs/second of the same split."""
    assert (
        recsys("train", "--config", "config.yaml", "--set", "model.embedding_dim=2", "--run-dir", "runs/second").code
        == 0
    )
    return "runs/first", "runs/second"


def test_compare(two_runs: tuple[str, str], recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("compare", *two_runs)
    assert (ended.code, ended.err) == (0, "")
    assert fits(ended.out)
    table, _, verdict = ended.out.rstrip().rpartition("\n")
    snapshot("compare", table)
    assert "runs/second" in verdict
    answer = json.loads(recsys("compare", *two_runs, "--json").out)
    assert [row["run"] for row in answer["runs"]] == list(two_runs)
    assert answer["n_ratings"] == 90


def test_compare_says_what_is_not_in_common(two_runs: tuple[str, str], recsys: Recsys) -> None:
    assert recsys("train", "--config", "config.yaml", "--set", "seed=1", "--run-dir", "runs/third").code == 0
    ended = recsys("compare", "runs/first", "runs/third")
    assert ended.err.count("test interactions of runs/") == 2
    assert "not in common" in ended.err


def test_a_comparison_is_refused(run: Path, data: Path, refused: Refused, finished_text: Path) -> None:
    refused("compare one", 2, "compare", "runs/first")
    refused("compare no such run", 4, "compare", "runs/first", "runs/none")
    shutil.copytree(finished_text, data / "runs" / "text")
    refused("compare other ids", 3, "compare", "runs/first", "runs/text")


def test_evaluate_with_activity_and_ranking(run: Path, recsys: Recsys, snapshot: Snapshot) -> None:
    ended = recsys("evaluate", "--by-activity", "--ranking", "--k", "5")
    assert (ended.code, ended.err) == (0, "")
    assert fits(ended.out)
    snapshot("evaluate-all", ended.out)


def test_evaluate_as_json(run: Path, recsys: Recsys) -> None:
    answer = json.loads(recsys("evaluate", "--by-activity", "--ranking", "--threshold", "3", "--json").out)
    assert answer["by_activity"].keys() == {"by_user", "by_item"}
    assert (answer["ranking"]["threshold"], answer["ranking"]["k"]) == (3.0, 10)
    assert json.loads(recsys("evaluate", "--json").out).keys() == answer.keys() - {"by_activity", "ranking"}


def test_an_evaluation_is_refused(run: Path, refused: Refused) -> None:
    refused("k without ranking", 2, "evaluate", "--k", "5")
    refused("scorer without layers", 2, "inspect", run, "--scorer", "ranking")
    refused("nothing relevant", 3, "evaluate", "--ranking", "--threshold", "6")


def test_promised_and_covered_stand_side_by_side(run: Path, recsys: Recsys, snapshot: Callable[..., None]) -> None:
    snapshot("evaluate intervals", recsys("evaluate", "--interval", "0.9").out)
    answer = json.loads(recsys("evaluate", "--interval", "0.8", "--json").out)
    assert answer["intervals"].keys() == {
        "level", "coverage", "mean_width", "n_ratings", "by_user", "by_item", "by_width"
    }  # fmt: skip
    snapshot("predict interval", recsys("predict", "0", "100", "--interval", "0.9").out)


def test_intervals_that_cannot_be_given_are_refused(run: Path, refused: Callable[..., None]) -> None:
    refused("interval in percent", 2, "evaluate", "--interval", "90")
    refused("interval too high", 4, "predict", "0", "100", "--interval", "0.9999")
