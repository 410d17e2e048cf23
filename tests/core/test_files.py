from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path

import pytest

from recsys.core.errors import RunError
from recsys.core.files import (
    new_file,
    new_folder,
    remove_folder,
    sha256,
    write_text,
)
from recsys.core.temporary import TEMPORARY


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with new_file(path) as temporary:
        temporary.write_text("new, née")
        assert path.read_text() == "old"
    assert (names(tmp_path), path.read_text()) == (["file"], "new, née")


def test_a_text_is_written_in_utf_8_with_its_own_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "née\n")
    assert (tmp_path / "file").read_bytes() == "née\n".encode()


def test_a_file_that_was_not_finished_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def write_half() -> None:
        with new_file(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert (names(tmp_path), (tmp_path / "file").read_text()) == (["file"], "old")


def test_a_folder_appears_when_all_of_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    path.mkdir()  # an empty one is taken over
    with new_folder(path) as temporary:
        assert temporary.name == "folder"
        (temporary / "deep").mkdir()
        (temporary / "deep" / "file").write_text("text")
        assert names(path) == []
    assert (names(tmp_path), (path / "deep" / "file").read_text()) == (["folder"], "text")


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be flushed there")
def test_content_is_on_disk_before_it_has_its_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[tuple[int, list[str]]] = []
    visible = tmp_path / "visible"
    visible.mkdir()

    def record(handle: int) -> None:
        flushed.append((os.fstat(handle).st_ino, [name for name in names(visible) if not name.startswith(TEMPORARY)]))

    monkeypatch.setattr(os, "fsync", record)
    with new_file(visible / "a") as temporary:
        temporary.write_text("text")
    assert flushed == [((visible / "a").stat().st_ino, []), (visible.stat().st_ino, ["a"])]
    flushed.clear()
    with new_folder(visible / "b") as temporary:
        (temporary / "file").write_text("text")
    *content, last = flushed
    paths = (visible / "b", visible / "b" / "file")
    assert sorted(content) == sorted((path.stat().st_ino, ["a"]) for path in paths)
    assert last == (visible.stat().st_ino, ["a", "b"])


def test_a_folder_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    def write_half() -> None:
        with new_folder(tmp_path / "folder") as temporary:
            (temporary / "file").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert names(tmp_path) == []


def test_a_folder_that_holds_something_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "mine").touch()
    with pytest.raises(RunError, match="cannot write") as caught, new_folder(tmp_path / "folder") as temporary:
        (temporary / "file").touch()
    assert caught.value.where == str(tmp_path / "folder")
    assert names(tmp_path / "folder") == ["mine"]
    assert names(tmp_path) == ["folder"]


def test_writers_at_the_same_time_do_not_disturb_each_other(tmp_path: Path) -> None:
    texts = [str(number) * 10_000 for number in range(8)]
    threads = [threading.Thread(target=write_text, args=(tmp_path / "file", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(tmp_path) == ["file"]
    assert (tmp_path / "file").read_text() in texts


def test_what_a_killed_process_left_of_the_same_name_goes(tmp_path: Path) -> None:
    (tmp_path / f"{TEMPORARY}file-killed").mkdir()
    (tmp_path / f"{TEMPORARY}file-killed" / "file").touch()
    (tmp_path / f"{TEMPORARY}other-killed").touch()
    with new_file(tmp_path / "file") as temporary:
        temporary.write_text("old")
        write_text(tmp_path / "file", "text")  # as another process does
        assert names(tmp_path) == sorted([temporary.parent.name, f"{TEMPORARY}other-killed", "file"])
    assert names(tmp_path) == [f"{TEMPORARY}other-killed", "file"]


@pytest.mark.parametrize("name", ["file", "below/a/file/thing"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "below").touch()
    (tmp_path / "file").mkdir()
    with pytest.raises(RunError, match="cannot write") as caught:
        write_text(tmp_path / name, "text")
    assert (caught.value.where, caught.value.exit_code) == (str(tmp_path / name), 4)
    if name != "file":
        with pytest.raises(RunError, match="cannot write") as caught, new_folder(tmp_path / name):
            pass
        assert TEMPORARY not in (caught.value.where or TEMPORARY)


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "free some space, or choose another folder"),
        (errno.EACCES, "correct the permissions, or choose another folder"),
        (errno.EROFS, "choose another folder"),
    ],
)
def test_the_hint_fits_the_reason(tmp_path: Path, number: int, hint: str) -> None:
    with pytest.raises(RunError) as caught, new_file(tmp_path / "file"):
        raise OSError(number, os.strerror(number))
    assert caught.value.hint == hint


def test_a_path_within_a_folder_is_named_as_it_will_be(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught, new_folder(tmp_path / "folder") as temporary:
        (temporary / "no" / "file").write_text("text")
    assert caught.value.where == str(tmp_path / "folder" / "no" / "file")


def test_a_removed_folder_is_gone_with_all_it_held(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    remove_folder(tmp_path / "folder")
    assert names(tmp_path) == []
    with pytest.raises(RunError) as caught:
        remove_folder(tmp_path / "folder")
    assert caught.value.where == str(tmp_path / "folder")


def test_sha256_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\0text")
    assert sha256(tmp_path / "file") == hashlib.sha256(b"\0text").hexdigest()


def test_who_comes_after_a_kill_sees_no_half_of_a_removed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    seen: list[list[str]] = []

    def kill(*_: object, **__: object) -> None:
        seen.append([name for name in names(tmp_path) if not name.startswith(TEMPORARY)])
        raise KeyboardInterrupt

    monkeypatch.setattr("shutil.rmtree", kill)
    with pytest.raises(KeyboardInterrupt):
        remove_folder(tmp_path / "folder")
    assert seen[0] == []
