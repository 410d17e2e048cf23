"""stdout and stderr, whatever they are: not utf-8, closed, full, or read by nobody."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from recsys.core.errors import RunError


def prepare_streams() -> None:
    """From now on, no text fails to be written for its letters: those that a stream cannot hold become "?"."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed by whoever started the process
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace" if is_unicode(stream) else "replace")


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
