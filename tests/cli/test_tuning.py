"""tune and lr-find: what they print, what they write, and what they refuse."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recsys = Callable[..., Any]
Refused = Callable[..., None]
QUICK = ("--set", "training={method: sgd, n_epochs: 6, lr_max: 0.05}")


@pytest.mark.slow
def test_tune_writes_a_config_that_trains(data: Path, recsys: Recsys) -> None:
    ended = recsys("tune", "--config", "config.yaml", *QUICK, "--trials", "3")
    assert ended.code == 0
    assert "3 trials, " in ended.out
    assert ended.out.splitlines()[-1] == "Next: recsys train --config config-tuned.yaml"
    assert all(len(line) <= 80 for line in ended.out.splitlines())
    assert [line.split(":")[0] for line in ended.err.splitlines()] == ["trial 1", "trial 2", "trial 3"]
    assert (data / "config-tuned.yaml").read_text().startswith("# Written by recsys tune: valid rmse ")
    assert not (data / "runs").exists()
    again = recsys("tune", "--config", "config.yaml", *QUICK, "--trials", "4", "--json")
    answer = json.loads(again.out)
    assert (answer["n_trials"], answer["output"]) == (4, "config-tuned.yaml")
    assert [line.split(":")[0] for line in again.err.splitlines()] == ["trial 4"]
    trained = json.loads(recsys("train", "--config", "config-tuned.yaml", "--json").out)
    assert trained["valid"]["rmse"] == answer["best"]["rmse"]


def test_tune_keeps_the_comments_of_the_config(data: Path, recsys: Recsys) -> None:
    (data / "configs").mkdir()
    config = (
        "# mine\ndata: {ratings: ../ratings.csv}\ntraining: {method: sgd, lr_max: 1.0e-6}  # too low\nranking: none\n"
    )
    (data / "configs" / "config.yaml").write_text(config)
    (data / "space.yaml").write_text("training.lr_max: [0.04]\n")
    ended = recsys("tune", "--config", "configs/config.yaml", "--trials", "1", "--space", "space.yaml")
    assert ended.out.splitlines()[-1] == "Next: recsys train --config config-tuned.yaml"
    about, *lines = (data / "config-tuned.yaml").read_text().splitlines()
    assert about.startswith("# Written by recsys tune: ")
    assert lines == config.replace("../", "").replace("1.0e-6", "0.04").splitlines()


def test_where_no_trial_is_better_nothing_is_written(data: Path, recsys: Recsys) -> None:
    (data / "space.yaml").write_text("training.lr_max: [1000.0]\n")
    tune = ("tune", "--config", "config.yaml", *QUICK, "--trials", "1", "--space", "space.yaml")
    ended = recsys(*tune)
    assert ended.out.splitlines()[-1] == "No trial beat your config: keep it. Nothing was written."
    assert not (data / "config-tuned.yaml").exists()
    assert json.loads(recsys(*tune, "--json").out)["output"] is None


def test_tune_tries_what_a_file_says(data: Path, recsys: Recsys) -> None:
    (data / "space.yaml").write_text("training.lr_max: [0.04]\n")
    ended = recsys("tune", "--config", "config.yaml", *QUICK, "--trials", "1", "--space", "space.yaml")
    assert ended.err.endswith("(lr_max 0.04)\n")


def test_tuning_is_refused(data: Path, refused: Refused) -> None:
    (data / "kept.yaml").write_text("mine: true\n")
    (data / "space.yaml").write_text("training.lr_mx: [0.04]\n")
    refused("tuned config in use", 4, "tune", "--config", "config.yaml", "--output", "kept.yaml")
    refused("space with an unknown key", 2, "tune", "--config", "config.yaml", "--space", "space.yaml")
    refused("tune without valid", 2, "tune", "--config", "config.yaml", "--set", "split.valid_fraction=0")
    refused("tune without a database", 4, "tune", "--config", "config.yaml", "--storage", "sqlite:///no/such/folder.db")


@pytest.mark.slow
def test_lr_find_shows_a_range_beside_the_rate_of_the_config(
    data: Path, recsys: Recsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = recsys("lr-find", "--config", "config.yaml", *QUICK)
    assert "too few ratings to tell a range" in ended.out.splitlines()[-1]
    monkeypatch.setattr("recsys.workflows.lr_find.LITTLE", -1.0)
    monkeypatch.setattr("recsys.workflows.lr_find.LrCurve.range", (0.02, 0.04))
    for rate, last in (
        ("0.03", "keep it"),
        ("0.041", "not better: keep the config's rate"),
        ("0.0001", "Next: recsys train --config config.yaml --set 'training={method: sgd, "),
    ):
        ended = recsys(
            "lr-find", "--config", "config.yaml", "--set", f"training={{method: sgd, n_epochs: 20, lr_max: {rate}}}"
        )
        assert ended.code == 0
        assert f"the config's lr_max: {rate} (auto: 0.04), " in ended.out
        assert ended.out.splitlines()[-1].startswith(last)
    ended = recsys("lr-find", "--config", "config.yaml", *QUICK, "--output", "lr.png")
    assert ended.out.splitlines()[-1] == "plot: lr.png"
    assert (data / "lr.png").read_bytes().startswith(b"\x89PNG")
    answer = json.loads(recsys("lr-find", "--config", "config.yaml", *QUICK, "--json").out)
    assert (answer["lr_max"], answer["output"]) == (0.05, None)
    assert sorted(path.name for path in data.iterdir()) == ["config.yaml", "lr.png", "movies.csv", "ratings.csv"]


def test_lr_find_is_refused(data: Path, refused: Refused) -> None:
    refused("lr-find of gibbs", 2, "lr-find", "--config", "config.yaml", "--set", "training={method: gibbs}")
    refused("lr-find to no folder", 4, "lr-find", "--config", "config.yaml", *QUICK, "--output", "no/such/lr.png")
