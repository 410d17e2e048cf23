from __future__ import annotations

import os
from pathlib import Path

import pytest

from recsys.artifacts import directory
from recsys.artifacts.directory import new_run_folder, promote
from recsys.artifacts.leftovers import Leftovers, find_leftovers, remove_leftovers
from recsys.artifacts.lock import locked
from recsys.artifacts.prune import prune
from recsys.core.errors import RunError
from recsys.core.files import new_file, new_folder
from recsys.core.temporary import scratch_folder

CONFIG = "data: {ratings: ratings.csv}\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Finished runs a to e, a the oldest, and an unfinished one, as old as they get."""
    monkeypatch.setenv("RECSYS_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("recsys.artifacts.leftovers.scratch_root", lambda: tmp_path)
    for age, name in enumerate(["unfinished", *"abcde"]):
        run = tmp_path / "runs" / name
        (run / "serving").mkdir(parents=True)
        for file in (directory.CONFIG, directory.METRICS):
            (run / file).write_text(CONFIG)
            os.utime(run / file, (age, age))
    (tmp_path / "runs" / "unfinished" / directory.METRICS).unlink()
    return tmp_path / "runs"


def names(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir() if path.is_dir())


def test_the_newest_and_the_unfinished_stay(root: Path) -> None:
    pruned = prune(2)
    assert ([path.name for path in pruned.removed], pruned.kept) == (["a", "b", "c"], {})
    assert names(root) == ["d", "e", "unfinished"]
    assert prune(2).removed == []


def test_fewer_runs_than_may_stay_all_stay(root: Path) -> None:
    assert prune(5) == prune(9)
    assert len(names(root)) == 6


def test_the_promoted_run_stays_besides(root: Path) -> None:
    promote(root / "b")
    pruned = prune(1)
    assert pruned.kept == {root / "b": "it is promoted"}
    assert names(root) == ["b", "e", "unfinished"]


def test_a_run_in_use_stays(root: Path) -> None:
    with locked(root / "a"):
        pruned = prune(3)
    assert [path.name for path in pruned.removed] == ["b"]
    assert pruned.kept == {root / "a": "another process is writing this run"}


def test_a_run_that_an_unfinished_one_starts_from_stays(root: Path) -> None:
    (root / "unfinished" / directory.CONFIG).write_text(CONFIG + f"start: {{run: {root / 'a'}}}\n")
    pruned = prune(1)
    assert pruned.kept == {root / "a": "an unfinished run needs it"}
    assert names(root) == ["a", "e", "unfinished"]


def test_with_a_promoted_run_that_is_gone_nothing_is_removed(root: Path) -> None:
    promote(root / "b")
    (root / "b").rename(root / "renamed")
    with pytest.raises(RunError, match="promoted run is not there"):
        prune(1)
    assert len(names(root)) == 6


def test_what_killed_commands_left_is_found_and_goes(root: Path) -> None:
    left = [
        root / ".writing-d-1a2b" / "d",
        root / "e" / ".writing-serving-1a2b",
        root / "folds" / "fold-1" / "checkpoints" / ".writing-epoch-0001-1a2b",
        root / "config-20260101T000000Z-2",
        root.parent / "recsys-scratch-1a2b",
    ]
    for folder in left:
        folder.mkdir(parents=True)
    (left[0] / ".writing-serving-1a2b").write_text("within another")
    for path in (root / ".e.lock", root / "folds" / ".fold-1.lock", root / ".mine"):
        path.touch()
    with locked(root / "d"), new_run_folder("config") as begun:
        found = find_leftovers()
        assert (len(found.paths), found.n_bytes) == (7, len("within another"))
        assert prune(9, dry_run=True).leftovers == found
        assert remove_leftovers() == found
        assert begun.exists()
    assert sorted(path.name for path in root.parent.rglob(".*")) == [".mine"]
    assert find_leftovers() == prune(9).leftovers == Leftovers([], 0)
    assert (root / "folds" / "fold-1" / "checkpoints").exists()


def test_what_a_process_holds_is_no_leftover(root: Path) -> None:
    with new_folder(root / "f"), new_file(root / "file") as file, locked(root / "a"), scratch_folder():
        file.touch()
        assert find_leftovers() == Leftovers([], 0)
        assert prune(9).leftovers.paths == []
