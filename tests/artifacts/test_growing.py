"""Outputs that are written block by block."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from recsys.artifacts import growing
from recsys.artifacts.growing import Growing, growing_output, partial_folder, resumable_output
from recsys.core.errors import RecsysError, RunError, UsageError

JOB = {"-n": 10, "the run": "a"}


def interrupted(path: Path, *blocks: bytes) -> Path:
    """The folder that a job leaves which is stopped after some blocks."""
    with pytest.raises(KeyboardInterrupt):
        append_and_stop(resumable_output(path, JOB), *blocks)
    return partial_folder(path)


def append_and_stop(opened: AbstractContextManager[Growing], *blocks: bytes) -> None:
    with opened as output:
        for block in blocks:
            output.append(block, {"done": output.progress.get("done", 0) + 1})
        raise KeyboardInterrupt


def test_an_output_that_is_not_resumed_is_whole_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        append_and_stop(growing_output(tmp_path / "out"), b"a")
    assert list(tmp_path.iterdir()) == []
    with growing_output(tmp_path / "out") as output:
        assert output.progress == {}
        output.append(b"a", {"done": 1})
        output.append(b"b", {"done": 2})
    assert (tmp_path / "out").read_bytes() == b"ab"


def test_the_next_start_goes_on_from_what_was_appended(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("of before")
    interrupted(path, b"a", b"b")
    assert path.read_text() == "of before"
    interrupted(path)
    with resumable_output(path, JOB) as output:
        assert output.progress == {"done": 2}
        output.append(b"c", {"done": 3})
    assert path.read_bytes() == b"abc"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_and_the_partial_folder_lies_beside_the_file_behind_it(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "out").write_text("old")
    (tmp_path / "link").symlink_to("there/out")
    assert interrupted(tmp_path / "link", b"a") == tmp_path / "there" / "out.partial"
    with resumable_output(tmp_path / "link", JOB):
        pass
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "out").read_bytes() == b"a"


def test_content_beyond_the_last_state_is_written_again(tmp_path: Path) -> None:
    """As after a kill: more of the content has reached the disk than the state stands for."""
    folder = interrupted(tmp_path / "out", b"a")
    with (folder / "content").open("ab") as file:
        file.write(b"half a bl")
    with resumable_output(tmp_path / "out", JOB) as output:
        output.append(b"b", {"done": 2})
    assert (tmp_path / "out").read_bytes() == b"ab"


@pytest.mark.parametrize("left", [(), ("content",)])
def test_a_folder_without_a_state_is_begun_again(left: tuple[str, ...], tmp_path: Path) -> None:
    folder = partial_folder(tmp_path / "out")
    folder.mkdir()
    for name in left:
        (folder / name).write_text("something")
    with resumable_output(tmp_path / "out", JOB) as output:
        output.append(b"a", {"done": 1})
    assert (tmp_path / "out").read_bytes() == b"a"


def test_the_state_is_saved_while_the_work_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growing, "SAVE_SECONDS", 0.0)
    with resumable_output(tmp_path / "out", JOB) as output:
        output.append(b"abc", {"done": 1})
        state = json.loads((partial_folder(tmp_path / "out") / "state.json").read_text())
    assert (state["n_bytes"], state["progress"]) == (3, {"done": 1})


def test_another_job_does_not_go_on(tmp_path: Path) -> None:
    folder = interrupted(tmp_path / "out", b"a")
    with (
        pytest.raises(UsageError, match="-n was 10, and is 20") as caught,
        resumable_output(tmp_path / "out", {**JOB, "-n": 20}),
    ):
        pass
    assert caught.value.hint == f"to start anew, remove what was begun: rm -r {folder}"
    assert (folder / "content").read_bytes() == b"a"


@pytest.mark.parametrize(
    ("name", "content"), [("state.json", "{}"), ("content", "x"), ("content", ""), ("content", None)]
)
def test_what_is_damaged_is_refused(name: str, content: str | None, tmp_path: Path) -> None:
    folder = interrupted(tmp_path / "out", b"ab")
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    with pytest.raises(RunError, match="damaged") as caught, resumable_output(tmp_path / "out", JOB):
        pass
    assert caught.value.where == str(folder / name)
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("to start anew")
    assert not (tmp_path / "out").exists()


def test_two_processes_do_not_write_one_output(tmp_path: Path) -> None:
    with (
        resumable_output(tmp_path / "out", JOB),
        pytest.raises(RunError, match="another process is writing this output"),
        resumable_output(tmp_path / "out", JOB),
    ):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("path", ["/dev/null", "/dev/stdout"])
def test_a_device_is_not_resumed(path: str) -> None:
    with pytest.raises(RecsysError, match="cannot be resumed"), resumable_output(Path(path), JOB):
        pass
