from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.artifacts import history
from recsys.artifacts.history import HistoryRow
from recsys.core.errors import RunError
from recsys.core.events import Epoch
from recsys.objectives.rating import RATING

EPOCH = Epoch(2, 5, 0.1, {"rmse": 0.9}, 1.5, 1000.0, {"rmse": 0.95, "mae": 0.75})
ACCURACY = replace(RATING, name="accuracy", direction="maximize")


def rows(*valid: float | None, scorer: str = "rating") -> list[HistoryRow]:
    return [
        HistoryRow(
            scorer=scorer,
            epoch=number,
            lr=0.1,
            seconds=1.0,
            ratings_per_second=90.0,
            fit_seconds=1.5 * number,
            train={"rmse": 1.0},
            valid=None if rmse is None else {"rmse": rmse, "mae": rmse / 2},
        )
        for number, rmse in enumerate(valid, start=1)
    ]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    for row in rows(0.9, 0.8, 0.7):
        history.append(path, row)
    return path


def test_a_line_says_what_the_contract_says() -> None:
    assert json.loads(HistoryRow.of("rating", EPOCH, 3.25).to_line()) == {
        "scorer": "rating",
        "epoch": 2,
        "lr": 0.1,
        "seconds": 1.5,
        "ratings_per_second": 1000.0,
        "fit_seconds": 3.25,
        "train": {"rmse": 0.9},
        "valid": {"rmse": 0.95, "mae": 0.75},
    }


def test_without_an_evaluation_valid_is_null() -> None:
    assert json.loads(HistoryRow.of("rating", replace(EPOCH, valid=None), 3.25).to_line())["valid"] is None


def test_a_number_is_read_with_every_bit(tmp_path: Path) -> None:
    epoch = replace(EPOCH, train={"rmse": 0.1 + 0.2}, valid={"rmse": 1e-320, "mae": 2 / 3}, lr=1e22)
    history.append(tmp_path / "history.jsonl", HistoryRow.of("rating", epoch, 1 / 3))
    assert history.read(tmp_path / "history.jsonl") == [HistoryRow.of("rating", epoch, 1 / 3)]


def test_an_epoch_is_a_line(path: Path) -> None:
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3]
    assert history.read(path) == rows(0.9, 0.8, 0.7)


def test_a_history_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert history.read(tmp_path / "history.jsonl") == []


@pytest.mark.parametrize("torn", ['{"epoch": 4, "valid', "{", '{"epoch": 4, "x": "\udcff'])
def test_a_torn_last_line_is_left_out(path: Path, torn: str) -> None:
    with path.open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    assert history.read(path) == rows(0.9, 0.8, 0.7)
    assert history.cut(path, "rating", 3) == rows(0.9, 0.8, 0.7)
    history.append(path, rows(0.9, 0.8, 0.7, 0.6)[-1])
    assert history.read(path) == rows(0.9, 0.8, 0.7, 0.6)


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ('{"epoch": 4, "lr": 0.1, "train_rmse": 1.0, "valid_rmse": 0.9}', "scorer: field required"),  # of 0.1.0
        ('{"scorer": "rating", "epoch": "four"}', "epoch: input should be a valid integer"),
        ("[4]", "input should be a valid dictionary"),
    ],
)
def test_a_line_that_is_no_row_is_an_error_with_its_place(path: Path, line: str, what: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match=what) as caught:
        history.read(path)
    assert caught.value.where == f"{path}:4"
    assert "another version" in caught.value.what


def test_cut_takes_later_epochs_off_the_disk_too(path: Path) -> None:
    assert history.cut(path, "rating", 2) == rows(0.9, 0.8)
    assert history.read(path) == rows(0.9, 0.8)


@pytest.mark.parametrize(
    ("scorer", "epoch", "n_rating", "n_other"), [("other", 1, 3, 1), ("other", 0, 3, 0), ("rating", 2, 2, 0)]
)
def test_cut_keeps_what_was_trained_before_and_takes_what_was_trained_after(
    path: Path, scorer: str, epoch: int, n_rating: int, n_other: int
) -> None:
    for row in rows(0.5, 0.6, scorer="other"):
        history.append(path, row)
    left = history.cut(path, scorer, epoch)
    assert left == [row for row in history.read(path) if row.scorer == scorer]
    assert [row.scorer for row in history.read(path)] == ["rating"] * n_rating + ["other"] * n_other


@pytest.mark.parametrize(
    ("valid", "lowest", "highest"),
    [
        ([], None, None),
        ([None, None], None, None),
        ([0.9, 0.7, 0.8], 2, 1),
        ([0.8, 0.7, 0.7, 0.9, 0.9], 2, 4),
        ([None, 0.9, None, 0.8], 4, 2),
    ],
)
def test_the_best_epoch_is_the_first_with_the_best_deciding_metric(
    valid: list[float | None], lowest: int | None, highest: int | None
) -> None:
    assert history.best_epoch(rows(*valid), RATING) == lowest
    assert history.best_epoch(rows(*valid), ACCURACY) == highest


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
    assert history.is_out_of_patience(rows(*valid), RATING, patience) is out
    mirrored = [None if value is None else -value for value in valid]
    assert history.is_out_of_patience(rows(*mirrored), ACCURACY, patience) is out
