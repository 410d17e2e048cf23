"""Standard input, pipes and FIFOs as files of every format: read once, and nothing of them stays."""

from __future__ import annotations

import gzip
import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather, parquet

from recsys.config.schema.data import Data
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError, RunError
from recsys.core.files import STDIN
from recsys.data.interactions import Dataset
from recsys.data.read import read_ratings
from recsys.data.sources import streams
from recsys.data.sources.streams import is_stream, on_disk, spooling

COLUMNS = {"user": [1, 2, 1, 3], "item": [10, 20, 20, 10], "rating": [4.0, 3.0, 5.0, 1.0]}
TABLE = pa.table(COLUMNS)
LINES = list(zip(*COLUMNS.values(), strict=True))
CSV = "user,item,rating\n" + "".join(f"{u},{i},{r}\n" for u, i, r in LINES)
Writer = Callable[[Path], object]
Piped = Callable[[bytes], Path]


def write_stream(path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, TABLE.schema) as writer:
        writer.write_table(TABLE)


FORMATS: dict[str, Writer] = {
    "csv": lambda path: path.write_text(CSV),
    "csv.gz": lambda path: path.write_bytes(gzip.compress(CSV.encode())),
    "wide": lambda path: path.write_text("user,10,20\n1,4,5\n2,,3\n3,1,\n"),
    "json lines": lambda path: path.write_text(
        "".join(f'{{"user": {u}, "item": {i}, "rating": {r}}}\n' for u, i, r in LINES)
    ),
    "parquet": lambda path: parquet.write_table(TABLE, path),
    "arrow": lambda path: feather.write_feather(TABLE, str(path)),
    "arrow stream": write_stream,
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def piped(tmp_path: Path) -> Iterator[Piped]:
    """piped(content) → a FIFO that the content comes through."""
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no FIFOs")
    writers: list[threading.Thread] = []

    def start(content: bytes) -> Path:
        path = tmp_path / f"fifo{len(writers)}"
        os.mkfifo(path)
        writers.append(threading.Thread(target=path.write_bytes, args=(content,)))
        writers[-1].start()
        return path

    yield start
    for writer in writers:
        writer.join()


def read(path: Path, form: str) -> Dataset:
    with spooling():
        return read_ratings(Data(ratings=path, layout="wide" if form == "wide" else "rows"), ALONE)


@pytest.mark.parametrize("form", FORMATS)
def test_a_pipe_is_read_as_its_file(form: str, piped: Piped, tmp_path: Path, temporary: Path) -> None:
    FORMATS[form](tmp_path / "file")
    by_file = read(tmp_path / "file", form)
    by_pipe = read(piped((tmp_path / "file").read_bytes()), form)
    assert by_pipe.ratings.to_frame().equals(by_file.ratings.to_frame())
    assert by_pipe.fingerprints == by_file.fingerprints
    assert not [*temporary.iterdir()]


def test_an_error_names_the_pipe_and_the_line(piped: Piped, temporary: Path) -> None:
    path = piped(CSV.replace("5.0", "x").encode())
    with pytest.raises(DataError, match="'x' is not a number") as caught:
        read(path, "csv")
    assert caught.value.where == f"{path}:4: column rating"
    assert not [*temporary.iterdir()]


def test_nothing_comes_through(piped: Piped) -> None:
    with pytest.raises(DataError, match="nothing came through"):
        read(piped(b""), "csv")


def test_a_pipe_in_a_list_of_files(piped: Piped, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user,item,rating\n7,10,2\n")
    with spooling():
        dataset = read_ratings(Data(ratings=(tmp_path / "a.csv", piped(CSV.encode()))), ALONE)
    assert len(dataset.ratings) == 5


def test_a_copy_lives_as_long_as_the_outermost_job(piped: Piped) -> None:
    path = piped(b"once")
    with spooling():
        with spooling():
            copy = on_disk(path)
        assert on_disk(path) == copy
        assert copy.read_bytes() == b"once"
    assert path not in streams._SPOOLED


def test_a_pipe_that_waits_holds_nobody_up(tmp_path: Path, piped: Piped) -> None:
    fifo = tmp_path / "waits"
    os.mkfifo(fifo)

    def wait() -> None:
        with spooling():
            on_disk(fifo)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert len(read(piped(CSV.encode()), "csv").ratings) == 4
    fifo.write_bytes(b"x")
    waiting.join()
    assert not streams._SPOOLED


def test_a_copy_with_a_name_is_removed(piped: Piped, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where open files have no path, as on systems other than Linux."""
    exists = Path.exists
    monkeypatch.setattr(Path, "exists", lambda path: path.parent != Path("/proc/self/fd") and exists(path))
    with spooling():
        copy = on_disk(piped(b"once"))
        assert (copy.parent.parent, copy.read_bytes()) == (temporary, b"once")
    assert list(temporary.iterdir()) == []


def test_a_folder_for_copies_that_is_not_there(piped: Piped, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = piped(b"once")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(RunError, match="cannot write"), spooling():
        on_disk(path)
    path.read_bytes()  # so that the writer ends


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    assert len(read(STDIN, "csv").ratings) == 4
    with pytest.raises(DataError, match="nothing came through"):
        read(STDIN, "csv")


@pytest.mark.parametrize("is_open", [True, False])
def test_standard_input_that_nothing_is_piped_into(monkeypatch: pytest.MonkeyPatch, is_open: bool) -> None:
    terminal = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal if is_open else None)
    with pytest.raises(DataError, match="standard input is not redirected") as caught:
        read(STDIN, "csv")
    assert caught.value.hint == "cat FILE | recsys …, or recsys … < FILE"


@pytest.mark.parametrize("error", [OSError("no"), PermissionError(13, "Permission denied")])
def test_a_pipe_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise error

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Broken()))
    with pytest.raises(DataError, match=r"it cannot be read: (no|Permission denied)"):
        read(STDIN, "csv")


def test_what_a_stream_is(tmp_path: Path, piped: Piped) -> None:
    (tmp_path / "file").write_text(CSV)
    fifo = piped(b"x")
    paths = {"/dev/stdin": True, "/dev/fd/63": True, str(fifo): True, str(tmp_path): False, str(tmp_path / "no"): False}
    assert {path: is_stream(Path(path)) for path in paths} == paths
    assert on_disk(tmp_path / "file") == tmp_path / "file"
    fifo.read_bytes()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="this system has no such device")
def test_a_device_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="this is a device"):
        read(Path("/dev/zero"), "csv")
    with Path("/dev/zero").open() as zeros:
        monkeypatch.setattr(sys, "stdin", zeros)
        with pytest.raises(DataError, match="this is a device"):
            read(STDIN, "csv")


def test_a_pipe_without_end_stops_before_the_disk_is_full(
    piped: Piped, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setattr(streams, "BLOCKS_BETWEEN_LOOKS", 1)
    monkeypatch.setattr(streams, "ROOM", 1 << 60)
    path = piped(b"1")
    with pytest.raises(RunError, match="1 MB have come through, and there is no room for more") as caught, spooling():
        on_disk(path)
    assert caught.value.where == str(path)
    assert not [*temporary.iterdir()]
