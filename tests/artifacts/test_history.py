from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from recsys.artifacts import history as history_module
from recsys.artifacts.history import History, HistoryRow, Line, best_epoch, is_out_of_patience, read
from recsys.core.errors import DamagedError, RunError
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


def written(run: Path, *rows: HistoryRow) -> list[str]:
    """Adds rows to the history of a run, and returns the results up to each line."""
    history, results = History(run / "history.jsonl", history_module.read_lines(run), is_writer=True), []
    for row in rows:
        history.add(row)
        results.append(history.result)
    return results


@pytest.fixture
def path(tmp_path: Path) -> Path:
    written(tmp_path, *rows(0.9, 0.8, 0.7))
    return tmp_path / "history.jsonl"


def test_a_line_says_what_the_contract_says() -> None:
    line = Line.after(None, HistoryRow.of("rating", EPOCH, 3.25))
    assert json.loads(line.text) == {
        "checksum": line.checksum,
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
    line = Line.after(None, HistoryRow.of("rating", replace(EPOCH, valid=None), 3.25))
    assert json.loads(line.text)["valid"] is None


def test_a_number_is_read_with_every_bit(tmp_path: Path) -> None:
    epoch = replace(EPOCH, train={"rmse": 0.1 + 0.2}, valid={"rmse": 1e-320, "mae": 2 / 3}, lr=1e22)
    written(tmp_path, HistoryRow.of("rating", epoch, 1 / 3))
    assert read(tmp_path) == [HistoryRow.of("rating", epoch, 1 / 3)]


def test_an_epoch_is_a_line(path: Path) -> None:
    assert [json.loads(line)["epoch"] for line in path.read_text().splitlines()] == [1, 2, 3]
    assert read(path.parent) == rows(0.9, 0.8, 0.7)


def test_a_history_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert read(tmp_path) == []


@pytest.mark.parametrize("torn", ['{"epoch": 4, "valid', "{", '{"epoch": 4, "x": "\udcff', "\0\0"])
def test_a_torn_last_line_is_left_out(path: Path, torn: str) -> None:
    with path.open("ab") as file:
        file.write(torn.encode("utf-8", "surrogateescape"))
    lines = history_module.read_lines(path.parent)
    assert [line.row for line in lines] == rows(0.9, 0.8, 0.7)
    resumed = History.up_to(path, lines[-1].result, is_writer=True)
    resumed.add(rows(0.9, 0.8, 0.7, 0.6)[-1])
    assert read(path.parent) == rows(0.9, 0.8, 0.7, 0.6)


@pytest.mark.parametrize(
    "line",
    [
        '{"epoch": 4, "lr": 0.1, "train_rmse": 1.0, "valid_rmse": 0.9}',  # of 0.1.0
        '{"scorer": "rating", "epoch": 4, "checksum": "0"}',
        '[4, "checksum": "0"}',
        "[4]",
        "",
    ],
)
def test_a_line_that_was_not_written_is_an_error_with_its_place(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(RunError, match=r"history\.jsonl is damaged.*line 4") as caught:
        read(path.parent)
    assert caught.value.where == f"{path}:4"


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("key", ["lr", "seconds", "train.rmse", "valid.mae"])
def test_a_number_that_is_none_is_refused_by_line_and_key_under_a_right_checksum(
    path: Path, key: str, number: float
) -> None:
    last, row = history_module.read_lines(path.parent)[-1], rows(0.9)[0]
    name, _, metric = key.partition(".")
    value = {**getattr(row, name), metric: number} if metric else number
    line = Line.after(last, row.model_copy(update={name: value}))
    with path.open("ab") as file:
        file.write(line.text)
    with pytest.raises(DamagedError, match=rf"line 4 is not the one that was written: {key}: .* finite") as caught:
        read(path.parent)
    assert caught.value.where == f"{path}:4"


def test_a_checksum_covers_the_lines_before_it(path: Path) -> None:
    lines = path.read_text().splitlines(keepends=True)
    for changed in (lines[1:], [lines[0], lines[2]], [lines[1], lines[0], lines[2]]):
        path.write_text("".join(changed))
        with pytest.raises(DamagedError, match="is not the one that was written"):
            read(path.parent)


def test_the_result_up_to_a_line_does_not_depend_on_times(path: Path, tmp_path: Path) -> None:
    slower = [row.model_copy(update={"fit_seconds": 9.0, "seconds": 8.0}) for row in rows(0.9, 0.8, 0.7)]
    (tmp_path / "slower").mkdir()
    assert written(tmp_path / "slower", *slower)[-1] == history_module.read_lines(path.parent)[-1].result
    assert (tmp_path / "slower" / "history.jsonl").read_bytes() != path.read_bytes()


def test_up_to_a_checkpoint_takes_later_epochs_off_the_disk_too(path: Path) -> None:
    result = history_module.read_lines(path.parent)[1].result
    with path.open("a") as file:
        file.write("whatever stands behind\n")
    History.up_to(path, result, is_writer=False)
    assert "whatever" in path.read_text()
    assert History.up_to(path, result, is_writer=True).rows_of("rating") == rows(0.9, 0.8)
    assert read(path.parent) == rows(0.9, 0.8)


def test_before_the_first_checkpoint_nothing_is_kept(path: Path) -> None:
    assert History.up_to(path, "", is_writer=True).rows_of("rating") == []
    assert path.read_bytes() == b""


def test_a_history_that_lacks_the_epochs_of_the_checkpoint_is_refused(path: Path) -> None:
    result = history_module.read_lines(path.parent)[-1].result
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(DamagedError, match="lacks epochs") as caught:
        History.up_to(path, result, is_writer=True)
    assert caught.value.where == str(path)


def test_rows_are_told_apart_by_scorer(path: Path) -> None:
    written(path.parent, *rows(0.5, 0.6, scorer="other"))
    history = History(path, history_module.read_lines(path.parent), is_writer=True)
    assert [len(history.rows_of(scorer)) for scorer in ("rating", "other", "none")] == [3, 2, 0]


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
    assert best_epoch(rows(*valid), RATING) == lowest
    assert best_epoch(rows(*valid), ACCURACY) == highest


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
    assert is_out_of_patience(rows(*valid), RATING, patience) is out
    mirrored = [None if value is None else -value for value in valid]
    assert is_out_of_patience(rows(*mirrored), ACCURACY, patience) is out
