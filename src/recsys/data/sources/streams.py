"""Standard input, pipes and whatever else can be read only once: what comes through is kept in a file meanwhile."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recsys.core.errors import DataError, RunError
from recsys.core.files import STDIN, is_device, writing
from recsys.core.temporary import scratch_folder

HANDLES = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))  # what lies there is named anew in each process
BLOCK = 1 << 20  # bytes that are copied at a time
BLOCKS_BETWEEN_LOOKS = 64  # at the room on the disk
ROOM = 256 << 20  # bytes that are left free there

_LOCK = threading.Lock()
_SPOOLED: dict[Path, _Spool] = {}
_N_JOBS = 0


def is_stream(path: Path) -> bool:
    """Whether a path names what can be read only once, or only by this process."""
    return path.parent in HANDLES or (path.exists() and not path.is_file() and not path.is_dir())


def on_disk(path: Path) -> Path:
    """The file to open for a path: itself, or the copy of a stream, which is read when it is first asked for.

    Raises:
        DataError: the stream cannot be read.
        RunError: its copy cannot be written.
    """
    if not is_stream(path):
        return path
    with _LOCK:
        spool = _SPOOLED.setdefault(path, _Spool(path))
    return spool.copy()  # without the lock: others need not wait for what a pipe waits for


@contextlib.contextmanager
def spooling() -> Iterator[None]:
    """A job that may read streams: each is read once, and its copy removed at the end of the job."""
    global _N_JOBS
    with _LOCK:
        _N_JOBS += 1
    try:
        yield
    finally:
        with _LOCK:
            _N_JOBS -= 1
            while _SPOOLED and not _N_JOBS:
                _SPOOLED.popitem()[1].remove()


class _Spool:
    """The copy of a stream. Where the system allows, it has no name, so that it ends with the process in any case."""

    def __init__(self, stream: Path) -> None:
        self._stream, self._lock = stream, threading.Lock()
        self._file: Any = None
        self._place = contextlib.ExitStack()
        self._path: Path | None = None

    def copy(self) -> Path:
        """Where it is; the stream is read once."""
        with self._lock:
            if self._path is None:
                self._path = self._copied()
            return self._path

    def remove(self) -> None:
        if self._file is not None:
            self._file.close()
        self._place.close()

    def _copied(self) -> Path:
        with writing(Path(tempfile.gettempdir())):
            path = self._place.enter_context(scratch_folder()) / "stream"
            self._file = path.open("w+b")
        nameless = Path(f"/proc/self/fd/{self._file.fileno()}")
        if nameless.exists():
            self._place.close()
            path = nameless
        try:
            _copy(self._stream, self._file)
        except BaseException:
            self.remove()
            raise
        return path


def _copy(stream: Path, file: Any) -> None:
    with _opened(stream) as source:
        n_blocks = 0
        while block := _read(source, stream):
            with writing(Path(tempfile.gettempdir())):
                file.write(block)
            n_blocks += 1
            if n_blocks % BLOCKS_BETWEEN_LOOKS == 0:
                _check_room(stream, n_blocks * BLOCK)
        with writing(Path(tempfile.gettempdir())):
            file.flush()


def _check_room(stream: Path, n_bytes: int) -> None:
    folder = tempfile.gettempdir()
    if shutil.disk_usage(folder).free < ROOM:
        raise RunError(
            f"{n_bytes >> 20:,} MB have come through, and there is no room for more in {folder}",
            where=str(stream),
            expected="a stream that ends before the disk is full",
            hint="does the command in front of the pipe ever end? TMPDIR names a folder on another disk",
        )


def _opened(stream: Path) -> Any:
    if stream != STDIN:
        if is_device(stream):
            raise _device(stream)
        try:
            return stream.open("rb")
        except OSError as error:
            raise _unreadable(stream, error) from error
    if sys.stdin is None or sys.stdin.isatty():
        raise DataError(
            "standard input is not redirected",
            where=str(STDIN),
            expected="a pipe or a file on standard input",
            hint="cat FILE | recsys …, or recsys … < FILE",
        )
    with contextlib.suppress(io.UnsupportedOperation):  # what a program has put in its place has no number
        if is_device(sys.stdin.fileno()):
            raise _device(stream)
    return contextlib.nullcontext(sys.stdin.buffer)


def _read(source: Any, stream: Path) -> bytes:
    try:
        block: bytes = source.read(BLOCK)
    except OSError as error:
        raise _unreadable(stream, error) from error
    return block


def _device(stream: Path) -> DataError:
    return DataError("this is a device, which may never end", where=str(stream), expected="a file or a pipe")


def _unreadable(stream: Path, error: OSError) -> DataError:
    what = f"it cannot be read: {error.strerror or error}"
    return DataError(what, where=str(stream), expected="a pipe, or another stream of bytes")
