from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from recsys.artifacts.lock import clear, locked
from recsys.core.errors import RunError


def test_a_second_claim_is_refused_until_the_first_is_over(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "run"),
        pytest.raises(RunError, match="another process") as caught,
        locked(tmp_path / "run"),
    ):
        pass
    assert (caught.value.where, caught.value.exit_code) == (str(tmp_path / "run"), 4)
    with locked(tmp_path / "run"):
        pass


@pytest.mark.slow
def test_another_process_is_kept_out(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from recsys.artifacts.lock import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another process"), locked(tmp_path / "run"):
            pass
        other.kill()  # a lock does not outlive its process
        other.wait()
        with locked(tmp_path / "run"):
            pass


def test_runs_side_by_side_do_not_disturb_each_other(tmp_path: Path) -> None:
    with locked(tmp_path / "one"), locked(tmp_path / "two"):
        pass


def test_nothing_is_left_of_a_lock_nor_of_parents_made_for_it(tmp_path: Path) -> None:
    with locked(tmp_path / "deep" / "deeper" / "run"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_what_was_there_before_or_was_put_there_stays(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with locked(tmp_path / "old" / "new" / "run"):
        (tmp_path / "old" / "new" / "run").mkdir()
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "new", "run"]


def test_a_place_below_a_file_is_an_error_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot write"), locked(tmp_path / "file" / "deep" / "run"):
        pass


def test_two_names_of_a_folder_have_one_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "run")
    monkeypatch.chdir(tmp_path / "run")
    for name in (".", "../link", "../other/../run"):
        with locked(tmp_path / "run"), pytest.raises(RunError, match="another process"), locked(Path(name)):
            pass


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc here")
def test_where_nothing_can_be_written_is_told_from_another_process() -> None:
    with pytest.raises(RunError, match="/proc takes no new files") as caught, locked(Path("/proc/run")):
        pass
    assert (caught.value.where, caught.value.hint) == ("/proc/run", "choose another folder")


def test_what_an_ended_process_left_is_cleared_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    (tmp_path / "run" / "checkpoints" / ".writing-epoch-0001-1a2b").mkdir(parents=True)
    (tmp_path / ".run.lock").touch()
    clear(tmp_path / "run")
    assert [path.name for path in tmp_path.rglob(".*")] == []
    with locked(tmp_path / "run"):
        (tmp_path / "run" / ".writing-history-1a2b").touch()
        clear(tmp_path / "run")
        assert [path.name for path in tmp_path.rglob(".*")] == [".run.lock", ".writing-history-1a2b"]


def test_what_a_killed_process_left_in_a_run_goes_when_it_is_claimed(tmp_path: Path) -> None:
    left = (tmp_path / "run" / ".writing-serving-1a2b", tmp_path / "run" / "checkpoints" / ".writing-epoch-0001-1a2b")
    for path in left:
        path.mkdir(parents=True)
        (path / "half").touch()
    with locked(tmp_path / "run"):
        assert [path.name for path in (tmp_path / "run").rglob("*")] == ["checkpoints"]
