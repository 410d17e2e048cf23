"""Unpacks compressed files while they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsys.core.errors import DataError
from recsys.core.words import joined

MAGIC = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"PK\x03\x04": "zip",
}
"""First bytes → how the file is compressed."""
N_SHOWN = 3  # files of an archive


def unpacked(file: Any, kind: str, path: Path) -> Any:
    """A file to read the unpacked bytes from; what it raises is among `unpacking_errors()`.

    Args:
        file: the compressed one, opened for reading bytes.
        path: for messages.

    Raises:
        DataError: a zip archive that is damaged, or that holds more than one file.
    """
    if kind == "zip":
        return _only_member(file, path)
    if kind == "bzip2":
        import bz2

        return bz2.open(file)
    if kind == "xz":
        import lzma

        return lzma.open(file)
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(file, mode="r"), kind)


def unpacking_errors() -> tuple[type[Exception], ...]:
    """What is raised for a file that is damaged, cut off, or compressed in a way that is not known."""
    import lzma
    import zipfile
    import zlib

    return (OSError, EOFError, RuntimeError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


def _only_member(file: Any, path: Path) -> Any:
    import zipfile

    try:
        archive = zipfile.ZipFile(file)
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(names) == 1:
            return archive.open(names[0])
    except unpacking_errors() as error:
        what = f"it cannot be unpacked: {error}"
        raise DataError(what, where=str(path), expected="a whole .zip file without a password") from error
    shown = joined(names if len(names) <= N_SHOWN else [*names[:N_SHOWN], "others"], "and") or "no file"
    raise DataError(
        f"the archive holds {shown}",
        where=str(path),
        expected="a .zip with one file",
        hint="unpack it, and name the file with the ratings",
    )
