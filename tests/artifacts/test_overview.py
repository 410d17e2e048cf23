from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recsys.artifacts.overview import describe, overview
from recsys.config.schema.config import Config
from recsys.core.errors import RunError

CHECKPOINTS = [f"checkpoints/epoch-000{number}/model.safetensors" for number in (3, 4)]


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    return shutil.copytree(finished, tmp_path / "run")


def test_a_finished_run_shows_its_metrics(finished: Path) -> None:
    shown = overview(finished)
    assert (shown["status"], shown["epochs"]) == ("finished", 4)
    assert shown["metrics"]["method"] == "adamw"


def test_an_unfinished_run_shows_how_far_it_came(
    small: Callable[..., Config], interrupted: Callable[..., None], tmp_path: Path
) -> None:
    interrupted(small(), tmp_path / "run", after=2)
    shown = overview(tmp_path / "run")
    assert (shown["status"], shown["epochs"], shown["metrics"]) == ("unfinished", 2, None)
    assert describe(tmp_path / "run", verify=True)["checkpoints"] == ["epoch-0001", "epoch-0002"]
    (tmp_path / "run" / "history.jsonl").unlink()
    assert overview(tmp_path / "run")["status"] == "damaged"


def test_a_run_a_checkpoint_and_a_serving_folder_are_described(run: Path) -> None:
    whole = describe(run, verify=False)
    assert whole["checkpoints"] == ["epoch-0003", "epoch-0004"]
    assert whole["last"]["epoch"] == 4
    assert whole["serving"]["n_users"] == 40
    assert describe(run / "checkpoints" / "epoch-0003", verify=True)["epoch"] == 3
    assert describe(run / "serving", verify=True)["verified"] is True


def test_verify_says_how_many_files_it_has_checked(run: Path) -> None:
    n_files = sum(path.is_file() for path in run.rglob("*"))
    assert describe(run, verify=True)["n_verified"] == n_files
    assert describe(run / "serving", verify=True)["n_verified"] == len(list((run / "serving").iterdir()))
    assert describe(run, verify=False)["n_verified"] == 0


@pytest.mark.parametrize("name", [*CHECKPOINTS, "serving/seen.safetensors"])
def test_verify_reads_every_file(run: Path, name: str) -> None:
    data = bytearray((run / name).read_bytes())
    data[-1] ^= 1
    (run / name).write_bytes(data)
    assert describe(run, verify=False)["status"] == "finished"
    with pytest.raises(RunError, match="damaged") as caught:
        describe(run, verify=True)
    assert caught.value.where == str(run / name)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    for path, what in ((tmp_path, "neither a run nor a checkpoint"), (tmp_path / "not there", "no such run")):
        with pytest.raises(RunError, match=what):
            describe(path, verify=False)
