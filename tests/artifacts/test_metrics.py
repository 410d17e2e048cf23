"""metrics.json, and runs whose own cannot be read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from recsys.artifacts.manifest import FORMAT, seal_json
from recsys.artifacts.metrics import parent_name, read_metrics
from recsys.artifacts.overview import describe, overview
from recsys.core.errors import RunError


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def change(run: Path, **values: Any) -> None:
    """Sets keys of metrics.json and its checksum; None takes one out."""
    content = {**json.loads((run / "metrics.json").read_text()), **values}
    del content["checksum"]
    (run / "metrics.json").write_bytes(seal_json({key: value for key, value in content.items() if value is not None}))


def test_a_finished_run_has_metrics_as_they_were_written(finished: Path, tmp_path: Path) -> None:
    metrics = read_metrics(finished)
    assert metrics is not None
    assert (metrics["format"], metrics["n_epochs"], parent_name(metrics)) == (FORMAT, 4, None)
    content = json.loads((finished / "metrics.json").read_text())
    assert content == {**metrics, "files": content["files"], "checksum": content["checksum"]}
    assert read_metrics(tmp_path) is None


@pytest.mark.parametrize("text", ['{"valid": ', "", "[]", "1", "null", "\xff"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "metrics.json").write_text(text, encoding="latin-1")
    with pytest.raises(RunError, match=r"metrics\.json is damaged") as caught:
        read_metrics(tmp_path)
    assert caught.value.where == str(tmp_path / "metrics.json")


def test_a_value_that_cannot_be_is_refused_and_named(run: Path) -> None:
    change(run, n_epochs="four")
    with pytest.raises(RunError, match=r"metrics\.json is damaged: n_epochs"):
        read_metrics(run)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused(run: Path, number: float) -> None:
    change(run, epochs_per_second=number)
    with pytest.raises(RunError, match=r"metrics\.json is damaged: Input should be a finite number"):
        read_metrics(run)


@pytest.mark.parametrize(("number", "text"), [(None, "a format without a number"), (99, "format 99")])
def test_another_format_is_refused_with_the_version_that_wrote_it(run: Path, number: int | None, text: str) -> None:
    change(run, format=number, recsys_version="0.1.0")
    with pytest.raises(RunError, match=rf"was written by recsys 0\.1\.0, in {text}") as caught:
        read_metrics(run)
    assert "train again" in (caught.value.hint or "")


def test_a_run_that_cannot_be_read_is_listed_as_such_and_not_described(run: Path) -> None:
    change(run, format=None)
    shown = overview(run)
    assert (shown["status"], shown["metrics"], shown["parent"]) == ("unreadable", None, None)
    with pytest.raises(RunError, match="was written by recsys"):
        describe(run, verify=False)


def test_a_run_with_a_history_of_another_version_is_listed_as_unreadable(run: Path) -> None:
    (run / "metrics.json").unlink()
    (run / "history.jsonl").write_text('{"epoch": 1, "train_rmse": 0.9, "valid_rmse": null}\n')
    assert overview(run)["status"] == "unreadable"


def test_what_was_changed_is_refused_by_name_and_listed_as_damaged(run: Path) -> None:
    path = run / "metrics.json"
    path.write_text(path.read_text().replace('"n_epochs": 4', '"n_epochs": 5'))
    with pytest.raises(RunError, match=r"metrics\.json is damaged: its checksum") as caught:
        read_metrics(run)
    assert (caught.value.where, overview(run)["status"]) == (str(path), "damaged")


def test_metrics_without_a_checksum_are_of_another_version(run: Path) -> None:
    content = json.loads((run / "metrics.json").read_text())
    del content["checksum"]
    (run / "metrics.json").write_text(json.dumps({**content, "format": 1}, indent=2))
    with pytest.raises(RunError, match=r"was written by recsys .* in format 1"):
        read_metrics(run)
