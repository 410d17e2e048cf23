"""Where the files go that a user names as output."""

from __future__ import annotations

import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from recsys.artifacts.outputs import check_output, output_file, refuse_data_of, refuse_run_files, write_output
from recsys.core.errors import RunError, UsageError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="links, modes and devices of POSIX")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_link_stays_and_the_file_behind_it_is_replaced_and_keeps_its_mode(here: Path) -> None:
    (here / "real").mkdir()
    (here / "real" / "x.csv").write_text("old")
    (here / "real" / "x.csv").chmod(0o640)
    (here / "latest.csv").symlink_to("real/x.csv")
    write_output(Path("latest.csv"), "new")
    assert (here / "latest.csv").is_symlink()
    assert (here / "real" / "x.csv").read_text() == "new"
    assert stat.S_IMODE((here / "real" / "x.csv").stat().st_mode) == 0o640
    assert [path.name for path in (here / "real").iterdir()] == ["x.csv"]


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_a_file_keeps_its_owner(here: Path) -> None:
    (here / "x.csv").write_text("old")
    os.chown(here / "x.csv", 12345, 12346)
    write_output(Path("x.csv"), "new")
    assert ((here / "x.csv").stat().st_uid, (here / "x.csv").stat().st_gid) == (12345, 12346)


def test_a_link_to_a_file_that_is_not_there_makes_it(here: Path) -> None:
    (here / "latest.csv").symlink_to("x.csv")
    write_output(Path("latest.csv"), "new")
    assert ((here / "latest.csv").is_symlink(), (here / "x.csv").read_text()) == (True, "new")


def test_a_pipe_gets_the_content(here: Path) -> None:
    os.mkfifo("pipe")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_text()))
    reader.start()
    write_output(Path("pipe"), "new, née")
    reader.join()
    assert (read, Path("pipe").is_fifo()) == (["new, née"], True)


def device(name: str, number: int) -> Path:
    """A device of its own for root, who could replace that of the machine."""
    if os.geteuid():
        return Path("/dev", name)
    try:
        os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(1, number))
    except PermissionError:
        pytest.skip("no device can be made here")
    return Path(name)


def test_a_device_is_written_through() -> None:
    null = device("null", 3)
    write_output(null, "new")
    assert null.is_char_device()


def test_what_a_device_says_is_an_error_with_its_name() -> None:
    with pytest.raises(RunError, match=r"full: cannot write: No space left"):
        write_output(device("full", 7), "new")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no such folder")
def test_an_open_file_goes_on_where_it_is(here: Path) -> None:
    with Path("log").open("w") as log:
        log.write("first\n")
        log.flush()
        Path("link").symlink_to(f"/dev/fd/{log.fileno()}")
        write_output(Path("link"), "second\n")
        log.write("third\n")
    assert Path("log").read_text() == "first\nsecond\nthird\n"


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="there is no such folder")
def test_a_reader_who_has_gone_is_no_error_of_the_output() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        write_output(Path(f"/dev/fd/{writing}"), "new")
    os.close(writing)


def test_nothing_is_written_when_the_work_fails(here: Path) -> None:
    (here / "x.csv").write_text("old")

    def fail() -> None:
        with output_file(Path("x.csv")) as temporary:
            temporary.write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert ([path.name for path in here.iterdir()], Path("x.csv").read_text()) == (["x.csv"], "old")


def test_two_writers_of_one_file_both_succeed_and_no_reader_sees_half(here: Path) -> None:
    texts = {"a" * 100_000, "b" * 100_000}
    with ThreadPoolExecutor(2) as pool:
        for _ in range(4):
            list(pool.map(lambda text: write_output(Path("x.csv"), text), sorted(texts)))
            assert Path("x.csv").read_text() in texts
    assert [path.name for path in here.iterdir()] == ["x.csv"]


def test_the_input_is_refused_as_output_also_by_another_name(here: Path) -> None:
    (here / "r.csv").write_text("user,item\n")
    (here / "link.csv").symlink_to("r.csv")
    for name in ("r.csv", "./r.csv", "link.csv"):
        with pytest.raises(UsageError, match="a file that is read"):
            check_output(Path(name), [Path("r.csv")])
    check_output(Path("other.csv"), [Path("r.csv"), Path("not-there.csv")])


@pytest.mark.parametrize(
    "config", ["{ratings: ../r.csv, items: ../i.csv}", '{ratings: ["../r*", ../no.csv], items: ../i.csv}']
)
def test_what_a_run_was_trained_on_is_refused(config: str, here: Path) -> None:
    (here / "run").mkdir()
    (here / "run" / "config.yaml").write_text(f"data: {config}")
    for name in ("r.csv", "i.csv"):
        (here / name).write_text("1,2,3")
        with pytest.raises(UsageError, match="the run run was trained on this file"):
            refuse_data_of(Path(name), here / "run")
    refuse_data_of(Path("new.csv"), here / "run")
    (here / "run" / "config.yaml").write_text("data: [")
    refuse_data_of(Path("r.csv"), here / "run")


@pytest.mark.parametrize(("output", "says"), [(".", "folder"), ("no/x.csv", "there is no folder no")])
def test_a_folder_and_a_place_in_none_are_refused(output: str, says: str) -> None:
    with pytest.raises(RunError, match=says) as caught:
        check_output(Path(output), name="report.html")
    assert caught.value.hint


@pytest.mark.parametrize(
    "name", ["metrics.json", "config.yaml", "history.jsonl", "serving/serving.json", "serving/new.csv", "checkpoints/x"]
)
def test_a_part_of_a_run_is_refused(name: str, finished: Path) -> None:
    with pytest.raises(RunError, match="a part of the run finished"):
        refuse_run_files(finished / name)
    Path("link").symlink_to(finished / name)
    with pytest.raises(RunError, match="a part of the run finished"):
        check_output(Path("link"))


def test_other_files_may_lie_in_the_folder_of_a_run(finished: Path) -> None:
    check_output(finished / "report.html")


def test_the_file_that_names_the_promoted_run_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECSYS_RUNS", str(here))
    with pytest.raises(RunError, match="names the promoted run"):
        check_output(Path("promoted"))
