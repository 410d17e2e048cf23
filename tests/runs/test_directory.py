from __future__ import annotations

import os
from pathlib import Path

import pytest

from recsys.runs import directory
from recsys.runs.directory import all_runs, finished_runs, new_run_folder, runs_root


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path))
    return tmp_path


def make(root: Path, name: str, started: int, finished: int | None = None) -> Path:
    (root / name).mkdir()
    for file, time in ((directory.CONFIG, started), (directory.METRICS, finished)):
        if time is not None:
            (root / name / file).touch()
            os.utime(root / name / file, (time, time))
    return root / name


def test_runs_lie_under_the_folder_of_the_environment_else_under_runs(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert runs_root() == root
    monkeypatch.delenv("RECSYS_RUNS")
    assert runs_root() == Path("runs")


def test_a_new_folder_is_named_after_config_and_time_and_is_free(root: Path) -> None:
    folders = []
    for _ in range(3):
        folders.append(new_run_folder("movies"))
        folders[-1].mkdir()
    assert len(set(folders)) == 3
    assert all(folder.parent == root and folder.name.startswith("movies-2") for folder in folders)
    assert not any(character in folders[0].name for character in ':?*"<>|')  # names that Windows takes


def test_runs_are_listed_by_their_time(root: Path) -> None:
    second, first = make(root, "a", 20, 30), make(root, "b", 10, 40)
    unfinished = make(root, "c", 30)
    (root / "no run").mkdir()
    assert all_runs() == [first, second, unfinished]
    assert finished_runs() == [second, first]


def test_without_runs_there_is_nothing_to_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(root / "not there"))
    assert all_runs() == finished_runs() == []
