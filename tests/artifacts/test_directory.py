from __future__ import annotations

import os
from pathlib import Path

import pytest

from recsys.artifacts import directory
from recsys.artifacts.directory import (
    all_runs,
    default_run,
    finished_runs,
    is_default,
    new_run_folder,
    promote,
    promote_none,
    promoted_run,
    runs_root,
)
from recsys.core.errors import RunError


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


def test_a_run_whose_metrics_nest_without_end_is_one_that_was_trained(root: Path) -> None:
    make(root, "deep", 1, 2)
    (root / "deep" / directory.METRICS).write_text("[" * 100_000)
    assert default_run() == root / "deep"


def test_a_new_folder_is_named_after_config_and_time_and_is_free(root: Path) -> None:
    with new_run_folder("movies") as first, new_run_folder("movies") as second, new_run_folder("movies") as third:
        folders = [first, second, third]
        assert all(folder.is_dir() for folder in folders)
    assert len(set(folders)) == 3
    assert all(folder.parent == root and folder.name.startswith("movies-2") for folder in folders)
    assert not any(character in folders[0].name for character in ':?*"<>|')  # names that Windows takes


def test_a_new_folder_stays_if_something_was_written(root: Path) -> None:
    with new_run_folder("movies") as kept:
        (kept / "config.yaml").touch()
    with new_run_folder("movies") as empty:
        pass
    assert kept.exists()
    assert not empty.exists()


def test_nothing_is_left_of_a_new_folder_and_a_root_that_were_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "some" / "runs"))
    with pytest.raises(RunError), new_run_folder("movies") as folder:
        raise RunError("no", where=str(folder))
    assert list(tmp_path.iterdir()) == []


def test_a_root_that_is_a_file_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").touch()
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "runs"))
    with pytest.raises(RunError, match="it is a file"), new_run_folder("movies"):
        pass


def test_runs_are_listed_by_their_time(root: Path) -> None:
    second, first = make(root, "a", 20, 30), make(root, "b", 10, 40)
    unfinished = make(root, "c", 30)
    (root / "no run").mkdir()
    assert all_runs() == [first, second, unfinished]
    assert finished_runs() == [second, first]


def test_without_runs_there_is_nothing_to_list(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(root / "not there"))
    assert all_runs() == finished_runs() == []


def test_a_run_that_is_being_written_is_not_listed(root: Path) -> None:
    make(root, ".writing-a", 10, 20)
    assert all_runs() == []


def test_the_newest_finished_run_is_served_until_another_is_promoted(root: Path) -> None:
    old, new = make(root, "old", 10, 20), make(root, "new", 30, 40)
    assert (default_run(), promoted_run()) == (new, None)
    assert [is_default(run) for run in (old, new)] == [False, True]
    promote(old)
    assert (default_run(), promoted_run()) == (old, old)
    assert [is_default(run) for run in (old, new)] == [True, False]
    assert (root / "promoted").read_text() == "old\n"
    promote(new)
    assert default_run() == new
    promote(old)
    promote_none()
    assert default_run() == new
    promote_none()  # again is no mistake


def test_a_run_elsewhere_can_be_promoted_and_the_file_names_it_in_full(
    root: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = make(tmp_path_factory.mktemp("elsewhere"), "run", 10, 20)
    promote(elsewhere)
    assert default_run() == elsewhere
    assert (root / "promoted").read_text() == f"{elsewhere}\n"


def test_promoting_from_within_a_relative_root_survives_a_move_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECSYS_RUNS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    promote(make(Path("runs"), "run", 10, 20))
    (tmp_path / "runs").rename(tmp_path / "moved")
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "moved"))
    assert default_run() == tmp_path / "moved" / "run"


def test_only_a_finished_run_can_be_promoted(root: Path) -> None:
    with pytest.raises(RunError, match="not a finished run"):
        promote(make(root, "unfinished", 10))
    with pytest.raises(RunError, match="no such run"):
        promote(root / "nothing")
    assert promoted_run() is None


def test_a_promoted_run_that_is_gone_is_an_error_and_no_silent_fallback(root: Path) -> None:
    make(root, "other", 50, 60)
    run = make(root, "run", 10, 20)
    promote(run)
    run.rename(root / "renamed")
    with pytest.raises(RunError, match="promoted run is not there") as caught:
        default_run()
    assert (caught.value.where, caught.value.exit_code) == (str(run), 4)
    assert "recsys promote --none" in (caught.value.hint or "")
    assert not is_default(root / "other")
