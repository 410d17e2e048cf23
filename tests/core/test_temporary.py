from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from recsys.core import temporary
from recsys.core.temporary import (
    SCRATCH,
    STALE_SECONDS,
    TEMPORARY,
    held,
    is_left,
    leftovers,
    remove_leftover,
    remove_leftovers,
    scratch_folder,
    temporary_folder,
)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no locks on folders there")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_is_held_while_it_is_used_and_then_gone(tmp_path: Path) -> None:
    with temporary_folder(tmp_path, TEMPORARY) as folder:
        (folder / "file").touch()
        assert not is_left(folder)
        assert leftovers(tmp_path) == []
        remove_leftovers(tmp_path)
        assert not remove_leftover(folder)
        assert (folder / "file").exists()
    assert names(tmp_path) == []


@pytest.mark.parametrize("kind", ["file", "folder", "fifo"])
def test_what_nobody_holds_is_a_leftover(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"{TEMPORARY}x"
    {"file": path.touch, "folder": path.mkdir, "fifo": lambda: os.mkfifo(path)}[kind]()
    (tmp_path / "mine").touch()
    assert leftovers(tmp_path) == [path]
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["mine"]


def test_a_link_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    link = tmp_path / f"{TEMPORARY}x"
    link.symlink_to(tmp_path / "mine")
    assert not is_left(link)
    os.utime(link, (0, 0), follow_symlinks=False)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["mine"]


def test_where_there_are_no_locks_what_is_old_is_a_leftover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr(temporary.fcntl, "flock", unsupported)
    for name, age in (("new", 60), ("old", STALE_SECONDS + 60)):
        (tmp_path / f"{TEMPORARY}{name}").mkdir()
        os.utime(tmp_path / f"{TEMPORARY}{name}", (time.time() - age,) * 2)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [f"{TEMPORARY}new"]
    with temporary_folder(tmp_path, TEMPORARY) as folder:
        assert folder.exists()


def test_a_folder_that_was_taken_for_a_leftover_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, seen = temporary._lock, list[Path]()

    def late(path: Path) -> int:
        seen.append(path)
        if len(seen) == 1:
            path.rmdir()
        return lock(path)

    monkeypatch.setattr(temporary, "_lock", late)
    with temporary_folder(tmp_path, TEMPORARY) as folder:
        assert names(tmp_path) == [folder.name] != [seen[0].name]


def test_what_is_not_there_cannot_be_held(tmp_path: Path) -> None:
    with held(tmp_path / "nowhere") as is_held:
        assert not is_held


def test_a_scratch_folder_is_private_and_the_next_one_removes_those_of_killed_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / f"{SCRATCH}killed").mkdir()
    (tmp_path / "recsys-mine").mkdir()
    with scratch_folder() as first, scratch_folder() as second:
        assert names(tmp_path) == sorted([first.name, second.name, "recsys-mine"])
        assert first.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == ["recsys-mine"]


@pytest.mark.slow
def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from recsys.core.temporary import temporary_folder\n"
        "with temporary_folder(Path(sys.argv[1]), '.writing-'): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert leftovers(tmp_path) == []
        other.kill()
        other.wait()
    assert [path.parent for path in leftovers(tmp_path)] == [tmp_path]
