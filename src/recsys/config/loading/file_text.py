"""The text of a YAML file that a person names."""

from __future__ import annotations

from pathlib import Path

from recsys.config.loading.yaml_limits import MOST_BYTES
from recsys.config.loading.yaml_nodes import too_long
from recsys.core.errors import ConfigError, nearest
from recsys.core.files import is_device


def text_of(path: Path, what: str = "a config file", hint: str = "recsys init RATINGS writes a config") -> str:
    """The text; a pipe is read to its end.

    Args:
        what: the file should be, for messages.
        hint: what to do where it is not there.
    Raises:
        ConfigError: the file is not there, cannot be read, is too long, or is not utf-8.
    """
    content = _content(path, what, hint)
    if len(content) > MOST_BYTES:
        raise too_long(str(path), what)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(
            f"the byte 0x{content[error.start]:02x} is not utf-8",
            where=f"{path}:{line}",
            expected="text in utf-8",
            hint="save the file as utf-8",
        ) from None


def _content(path: Path, what: str, hint: str) -> bytes:
    """The bytes, as far as there may be any."""
    if is_device(path):
        raise ConfigError("this is a device", where=str(path), expected=what)
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise _missing(path, what, hint) from None
    except IsADirectoryError:
        raise ConfigError("this is a folder", where=str(path), expected=what) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(f"the file cannot be read: {reason}", where=str(path), expected="a readable file") from None


def _missing(path: Path, what: str, hint: str) -> ConfigError:
    try:
        beside = sorted(file.name for file in path.parent.iterdir() if file.is_file())
    except OSError:
        beside = []
    close = nearest(path.name, beside)
    return ConfigError(
        "there is no such file",
        where=str(path),
        expected=what,
        hint=f"did you mean {path.parent / close}?" if close else hint,
    )
