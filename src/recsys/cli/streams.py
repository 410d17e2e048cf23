"""stdout and stderr, whatever they are: not utf-8, closed, full, or read by nobody."""

from __future__ import annotations

import io
import os
import select
import sys
from typing import TYPE_CHECKING, TextIO

from recsys.core.errors import RunError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STANDARD = 3  # stdin, stdout and stderr are the open files 0, 1 and 2


def prepare_streams() -> None:
    """From now on, no text fails to be written for its letters, and none to stderr for whatever reason.

    Letters that a stream cannot hold become "?".
    """
    _reserve_standard()
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the process
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if is_unicode(stream) else "replace")
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, io.TextIOWrapper):  # not one put there by a program
        sys.stderr = _unfailing(sys.stderr)


class UnfailingFile(io.FileIO):
    """An open file that takes all it is given: where its reader has gone or its disk is full, it goes nowhere."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            while (n_written := super().write(data)) is None:  # a pipe that does not block, and is full
                select.select([], [self], [])
        except OSError:
            return memoryview(data).nbytes
        return n_written


def _unfailing(stream: io.TextIOWrapper) -> io.TextIOWrapper:
    stream.flush()
    file = io.BufferedWriter(UnfailingFile(stream.fileno(), "w", closefd=False))
    return io.TextIOWrapper(file, encoding=stream.encoding, errors=stream.errors, line_buffering=True)


def _reserve_standard() -> None:
    """Has no file that is opened later take the place of a standard stream that is closed."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < STANDARD:
        pass
    os.close(descriptor)


def write_to_stdout(text: str) -> None:
    """Writes a text, or what stdout still holds where it is empty.

    Raises:
        RunError: the disk is full, or the like.
        BrokenPipeError: the reader has gone.
    """
    try:
        if text:
            sys.stdout.write(text)
        else:
            sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard(sys.stdout)
        raise RunError(f"cannot write to stdout: {error.strerror or error}") from error


def is_unicode(stream: TextIO) -> bool:
    """Whether a stream can hold every letter."""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def can_hold(stream: TextIO, text: str) -> bool:
    """Whether a stream can hold a text as it is."""
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def discard(stream: TextIO) -> None:
    """Sends what is still written to a stream nowhere, once its reader has gone, as `head` does, or a disk is full."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
