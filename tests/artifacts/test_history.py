from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts import history
from recsys.core.events import Epoch, Scores


def rows(*valid: float | None) -> list[dict[str, Any]]:
    return [{"epoch": number, "valid_rmse": rmse} for number, rmse in enumerate(valid, start=1)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    for row in rows(0.9, 0.8, 0.7):
        history.append(path, row)
    return path


def test_a_row_says_what_the_contract_says() -> None:
    epoch = Epoch(2, 5, 0.1, 0.9, 1.5, 1000.0, Scores(0.95, 0.75, 10, 0, 0))
    assert history.row(epoch, 3.25) == {
        "epoch": 2,
        "lr": 0.1,
        "train_rmse": 0.9,
        "valid_rmse": 0.95,
        "valid_mae": 0.75,
        "seconds": 1.5,
        "ratings_per_second": 1000.0,
        "fit_seconds": 3.25,
    }


def test_without_valid_its_figures_are_null() -> None:
    row = history.row(Epoch(2, 5, 0.1, 0.9, 1.5, 1000.0), 3.25)
    assert (row["valid_rmse"], row["valid_mae"]) == (None, None)


def test_an_epoch_is_a_line(path: Path) -> None:
    assert [json.loads(line) for line in path.read_text().splitlines()] == rows(0.9, 0.8, 0.7)
    assert history.read(path) == rows(0.9, 0.8, 0.7)


def test_a_history_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert history.read(tmp_path / "history.jsonl") == []


@pytest.mark.parametrize("torn", ['{"epoch": 4, "valid', "{", '{"epoch": 4, "x": "\udcff'])
def test_a_torn_last_line_is_dropped(path: Path, torn: str) -> None:
    with path.open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert history.read(path) == rows(0.9, 0.8, 0.7)
    assert history.cut(path, 3) == rows(0.9, 0.8, 0.7)
    history.append(path, {"epoch": 4, "valid_rmse": 0.6})
    assert history.read(path) == rows(0.9, 0.8, 0.7, 0.6)


def test_cut_takes_later_epochs_off_the_disk_too(path: Path) -> None:
    assert history.cut(path, 2) == rows(0.9, 0.8)
    assert history.read(path) == rows(0.9, 0.8)


@pytest.mark.parametrize(
    ("valid", "best"),
    [([], None), ([None, None], None), ([0.9, 0.7, 0.8], 2), ([0.9, 0.7, 0.7], 2), ([None, 0.9, None, 0.8], 4)],
)
def test_the_best_epoch_is_the_first_with_the_lowest_valid_rmse(valid: list[float | None], best: int | None) -> None:
    assert history.best_epoch(rows(*valid)) == best


@pytest.mark.parametrize(
    ("valid", "patience", "out"),
    [
        ([0.9, 0.8, 0.81], 2, False),
        ([0.9, 0.8, 0.81, 0.82], 2, True),
        ([0.9, 0.8, 0.81, 0.79], 2, False),
        ([0.9, 0.8, 0.8], 1, True),  # as good is no improvement
        ([0.9, None, None, None], 1, False),  # only evaluations count
        ([0.9, None, 0.95], 1, True),
        ([0.9, 0.95, 0.96, 0.97], None, False),
        ([], 1, False),
    ],
)
def test_patience_runs_out_after_so_many_evaluations_without_improvement(
    valid: list[float | None], patience: int | None, out: bool
) -> None:
    assert history.is_out_of_patience(rows(*valid), patience) is out
