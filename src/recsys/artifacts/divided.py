"""Folders of arrays that several ranks write together: each its own rows, into the bytes that one process writes.

Rank 0 makes the folder and its files, to which all ranks write at once. It then reads what is there for the checksum of
each file, compares it with what each rank says it has written, and seals the folder.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path

import numpy as np

from recsys.artifacts.arrays import BLOCK_BYTES, Plan, bytes_of
from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import Manifest, seal
from recsys.artifacts.shared_folder import SHARED
from recsys.artifacts.verified import write_verified
from recsys.core.collectives import text_of_first
from recsys.core.communicator import Communicator
from recsys.core.errors import RunError
from recsys.core.files import new_folder, remove_folder, writing
from recsys.core.regular import open_regular
from recsys.core.types import Arrays, Int64Array, RowsHere


def write_divided(
    folder: Path,
    json_name: str,
    manifest: Manifest,
    arrays: Mapping[str, Arrays],
    rows_here: Mapping[str, RowsHere],
    communicator: Communicator,
) -> None:
    """Writes a folder as `write_verified` does; all ranks call this.

    Args:
        rows_here: file name → of its arrays that are divided, the rows that this rank has; the first has all others.
    """
    if not any(rows_here.values()):
        if communicator.rank == 0:
            write_verified(folder, json_name, manifest, arrays)
    elif communicator.rank:
        place = folder.parent / text_of_first("", communicator)
        with writing(folder):
            for name, content in arrays.items():
                _write(place / name, content, rows_here[name], communicator)
    else:
        _write_and_seal(folder, json_name, manifest, arrays, rows_here, communicator)


def _write_and_seal(
    folder: Path,
    json_name: str,
    manifest: Manifest,
    arrays: Mapping[str, Arrays],
    rows_here: Mapping[str, RowsHere],
    communicator: Communicator,
) -> None:
    with new_folder(folder) as temporary:
        for name in arrays:
            (temporary / name).touch()
        text_of_first(str(temporary.relative_to(folder.parent.absolute())), communicator)
        files = {}
        for name, content in arrays.items():
            written = _write(temporary / name, content, rows_here[name], communicator)
            files[name] = _sealed(temporary / name, folder / name, written)
        (temporary / json_name).write_bytes(seal(manifest.model_copy(update={"files": files})))
        if folder.exists():
            remove_folder(folder)


def _write(path: Path, arrays: Arrays, rows_here: RowsHere, communicator: Communicator) -> list[Int64Array]:
    """Writes what this rank has of a file that is there; returns start, stop and crc32 of each range of all ranks."""
    written = []
    with path.open("rb+", buffering=0) as file:
        for place, blocks in _ranges(arrays, rows_here, has_others=communicator.rank == 0):
            file.seek(place)
            stop, crc = place, 0
            for block in blocks:
                _write_all(file, block)
                stop, crc = stop + len(block), zlib.crc32(block, crc)
            written.append((place, stop, crc))
        os.fsync(file.fileno())
    return communicator.all_gather(np.array(written, np.int64).reshape(-1, 3))


def _ranges(arrays: Arrays, rows_here: RowsHere, *, has_others: bool) -> Iterator[tuple[int, Iterator[memoryview]]]:
    """Of each range of bytes that this rank has the first, and the bytes."""
    plan = Plan.of(arrays)
    if has_others:
        yield 0, iter([memoryview(plan.head)])
    for name, place in plan.places.items():
        array = arrays[name]
        whole = [slice(0, len(array))] if has_others else []
        for rows in rows_here.get(name, whole):
            part = array[rows]
            if part.size:
                yield place + rows.start * part[:1].nbytes, bytes_of(part)


def _write_all(file: FileIO, block: memoryview) -> None:
    """Writes all bytes, of which the system may take a part at a time."""
    n_written = 0
    while n_written < len(block):
        n_written += file.write(block[n_written:]) or 0


def _sealed(path: Path, shown: Path, written: list[Int64Array]) -> FileEntry:
    """The entry of a file, read anew.

    Raises:
        RunError: it does not hold what a rank has written.
    """
    ranges = sorted((*values, rank) for rank, of_rank in enumerate(written) for values in of_rank.tolist())
    digest, end = hashlib.sha256(), 0
    with open_regular(path) as file:
        for start, stop, crc, rank in ranges:
            assert start == end  # each byte is written by one rank
            read = 0
            for place in range(start, stop, BLOCK_BYTES):
                block = file.read(min(BLOCK_BYTES, stop - place))
                digest.update(block)
                read = zlib.crc32(block, read)
            if read != crc:
                raise RunError(
                    f"what rank {rank} has written is not what rank 0 reads: bytes {start} to {stop}",
                    where=str(shown),
                    expected="a folder in which each host sees what the others write",
                    hint=SHARED,
                )
            end = stop
    return FileEntry(bytes=end, sha256=digest.hexdigest())
