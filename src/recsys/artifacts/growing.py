"""Outputs that are written block by block: whole or not there, or kept beside the output until they are whole."""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Protocol

from pydantic import JsonValue

from recsys.artifacts.bounds import Values
from recsys.artifacts.lock import locked
from recsys.artifacts.manifest import FORMAT, Manifest, seal, unseal
from recsys.artifacts.outputs import is_replaceable, output_file
from recsys.artifacts.verified import reading
from recsys.core.errors import RunError, UsageError
from recsys.core.files import new_file, remove_folder, writing
from recsys.core.words import joined, shell_word, shortened

PARTIAL = ".partial"
CONTENT, STATE_JSON = "content", "state.json"
SAVE_SECONDS = 5.0  # of work that a killed process loses at most, and the next one does again
CHUNK = 1 << 20

Progress = dict[str, int]


class Growing(Protocol):
    """An output as far as it is written.

    Attributes:
        progress: what was last appended with; empty at the beginning.
    """

    progress: Progress

    def append(self, content: bytes | memoryview, progress: Progress) -> None:
        """Adds what comes next; `progress` says how far the work is with it."""
        ...


class PartialManifest(Manifest):
    """state.json of an output that is resumed.

    Attributes:
        job: what the content depends on; another job cannot go on from it.
        n_bytes, crc32: of the content that `progress` stands for; what comes after it is written again.
    """

    job: Values
    n_bytes: int
    crc32: int
    progress: Progress


@contextlib.contextmanager
def growing_output(path: Path) -> Iterator[Growing]:
    """An output that appears when all of it is written, or not at all; see `output_file`.

    Raises:
        RunError: it cannot be written.
    """
    with output_file(path) as temporary, temporary.open("wb") as file:
        yield _Whole(file)


@contextlib.contextmanager
def resumable_output(path: Path, job: Mapping[str, JsonValue]) -> Iterator[Growing]:
    """The same, but what is appended stays beside the output after an interruption, and the same job goes on from it.

    Args:
        job: what the content depends on, by names that people know.
    Raises:
        UsageError: the output is no file, or another job began it.
        RunError: it cannot be written, what is kept of it is damaged, or another process is writing it.
    """
    if not is_replaceable(path):
        expected = "a file: what is written to a device or a pipe is gone"
        raise UsageError("this output cannot be resumed", where=str(path), expected=expected)
    folder = partial_folder(path)
    with locked(folder, "output", option="--output"):
        with writing(folder):
            folder.mkdir(exist_ok=True)
        state = _state(folder, job)
        with (folder / CONTENT).open("rb+") as file:
            file.truncate(state.n_bytes)
            file.seek(state.n_bytes)
            growing = _Resumable(folder, file, state)
            try:
                yield growing
            except BaseException:
                with contextlib.suppress(RunError):  # such as the full disk that ended the work
                    growing.save()
                raise
            growing.save()
        with output_file(path) as temporary:
            _link(folder / CONTENT, temporary)
        remove_folder(folder)


def partial_folder(path: Path) -> Path:
    """Where an output lies until it is whole: beside the file that the path leads to."""
    target = Path(os.path.realpath(path))
    return target.with_name(target.name + PARTIAL)


class _Whole:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.progress: Progress = {}

    def append(self, content: bytes | memoryview, progress: Progress) -> None:
        self._file.write(content)
        self.progress = progress


class _Resumable:
    def __init__(self, folder: Path, file: BinaryIO, state: PartialManifest) -> None:
        self._folder, self._file, self._state = folder, file, state
        self._n_bytes, self._crc32 = state.n_bytes, state.crc32
        self._saved = time.monotonic()
        self.progress = state.progress

    def append(self, content: bytes | memoryview, progress: Progress) -> None:
        with writing(self._folder):
            self._file.write(content)
        self._n_bytes += len(content)
        self._crc32 = zlib.crc32(content, self._crc32)
        self.progress = progress
        if time.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def save(self) -> None:
        """The content first: the state never stands for more than the disk has."""
        with writing(self._folder):
            self._file.flush()
            os.fsync(self._file.fileno())
        own = {"n_bytes": self._n_bytes, "crc32": self._crc32, "progress": self.progress}
        _write_state(self._folder, self._state.model_copy(update=own))
        self._saved = time.monotonic()


def _state(folder: Path, job: Mapping[str, JsonValue]) -> PartialManifest:
    """What an earlier process has left, or the beginning of a new job."""
    new = PartialManifest(format=FORMAT, files={}, job=dict(job), n_bytes=0, crc32=0, progress={})
    path = folder / STATE_JSON
    if not path.exists():  # stopped before the first state, or not begun
        with writing(folder):
            (folder / CONTENT).write_bytes(b"")
        _write_state(folder, new)
        return new
    anew = f"to start anew, remove what was begun: rm -r {shell_word(str(folder))}"
    try:
        with reading(path):
            state = unseal(path, path.read_bytes(), PartialManifest)
    except RunError as error:
        error.hint = anew
        raise
    if differences := [name for name in {**state.job, **job} if state.job.get(name) != job.get(name)]:
        what = joined((_differing(name, state.job.get(name), job.get(name)) for name in differences), "and")
        expected = "the same run and options as those that it was begun with"
        raise UsageError(f"another command began this output: {what}", where=str(folder), expected=expected, hint=anew)
    if _crc32(folder / CONTENT, state.n_bytes) != state.crc32:
        what = f"{CONTENT} is damaged: it does not begin with what was written"
        raise RunError(what, where=str(folder / CONTENT), expected="the file as it was written", hint=anew)
    return state


def _differing(name: str, earlier: JsonValue, now: JsonValue) -> str:
    return f"{name} was {shortened(str(earlier), 16)}, and is {shortened(str(now), 16)}"


def _write_state(folder: Path, state: PartialManifest) -> None:
    with new_file(folder / STATE_JSON) as temporary:
        temporary.write_bytes(seal(state))


def _crc32(path: Path, n_bytes: int) -> int | None:
    """Of the first bytes; None where there are fewer."""
    if not path.exists():
        return None
    checksum, left = 0, n_bytes
    with reading(path), path.open("rb") as file:
        while left and (part := file.read(min(CHUNK, left))):
            checksum, left = zlib.crc32(part, checksum), left - len(part)
    return None if left else checksum


def _link(source: Path, target: Path) -> None:
    """The same file by another name: the source stays until the output is there. Without links, a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
