"""safetensors files, written from the arrays' own memory and mapped into it: no copy of a large array in between.

Format: 8 bytes with the header's length, the header as json, then the arrays, end to end. The layout of the safetensors
library's own writer is kept, but that one holds everything twice in memory before it writes. What is read here has been
written here: a header that says anything else is refused before memory is reserved for it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from io import BufferedReader
from itertools import chain, pairwise
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from recsys.artifacts.entries import FileEntry
from recsys.artifacts.manifest import damaged
from recsys.core.regular import open_regular
from recsys.core.types import Array, Arrays
from recsys.data.chunks import CHUNK

Code = Literal["F64", "I64", "F32", "I32", "U32", "F16", "U16", "U8"]
TYPES: dict[Code, str] = {
    "F64": "<f8",
    "I64": "<i8",
    "F32": "<f4",
    "I32": "<i4",
    "U32": "<u4",
    "F16": "<f2",
    "U16": "<u2",
    "U8": "|u1",
}
CODES = {np.dtype(kind): code for code, kind in TYPES.items()}
MOST_HEADER, MOST_DIMENSIONS = 1 << 24, 3
BLOCK_BYTES = 4 * CHUNK  # that are written at a time: a part of a column
Dimension = Annotated[int, Field(ge=0, lt=2**31)]
Offset = Annotated[int, Field(ge=0, lt=2**60)]


class TensorEntry(TypedDict):
    """What the header says of an array."""

    dtype: Code
    shape: Annotated[list[Dimension], Field(max_length=MOST_DIMENSIONS)]
    data_offsets: Annotated[list[Offset], Field(min_length=2, max_length=2)]


def write_arrays(path: Path, arrays: Arrays) -> FileEntry:
    """Writes the arrays, of which some may be columns on disk; returns the file's size and checksum."""
    plan, digest = Plan.of(arrays), hashlib.sha256()
    with path.open("wb") as file:
        for block in chain([memoryview(plan.head)], *(bytes_of(arrays[name]) for name in plan.places)):
            file.write(block)
            digest.update(block)
    return FileEntry(bytes=plan.n_bytes, sha256=digest.hexdigest())


@dataclass(frozen=True)
class Plan:
    """Where things lie in a file.

    Attributes:
        head: all bytes before the arrays.
        places: of each array the first byte, in their order.
        n_bytes: of the file.
    """

    head: bytes
    places: dict[str, int]
    n_bytes: int

    @classmethod
    def of(cls, arrays: Arrays) -> Plan:
        """That of a file of these arrays."""
        header: dict[str, TensorEntry] = {}
        end = 0
        for name in sorted(arrays, key=lambda name: _alignment(name, arrays)):
            array = arrays[name]
            start, end = end, end + array.dtype.itemsize * math.prod(array.shape)
            header[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        head = len(text).to_bytes(8, "little") + text
        places = {name: len(head) + tensor["data_offsets"][0] for name, tensor in header.items()}
        return cls(head, places, len(head) + end)


def only_tensor(path: Path, shown: Path) -> tuple[int, TensorEntry]:
    """Where the array of a file of one begins, and what the header says of it.

    Args, Raises: as of `read_arrays`.
    """
    with open_regular(path) as file:
        tensors = [tensor for _, tensor in _tensors(file, shown, hashlib.sha256())]
        if len(tensors) != 1:
            raise damaged(shown, f"it holds {len(tensors)} arrays, and not one")
        return file.tell(), tensors[0]


def read_arrays(path: Path, shown: Path, entry: FileEntry) -> Arrays:
    """The arrays of a file, in memory of their own.

    Args:
        shown: the path in messages.
        entry: the file as it was written.
    Raises:
        RunError: it is not that file.
        OSError: it cannot be read, or is no file.
    """
    arrays: Arrays = {}
    with open_regular(path) as file:
        digest = hashlib.sha256()
        for name, tensor in _tensors(file, shown, digest):
            array = np.empty(tensor["shape"], dtype=TYPES[tensor["dtype"]])
            block = _memory(array)
            if file.readinto(block) != len(block):
                raise damaged(shown, "it was cut while it was read")
            digest.update(block)
            arrays[name] = array
    _check_sum(shown, digest.hexdigest(), entry)
    return arrays


def memory_map(path: Path, shown: Path, entry: FileEntry) -> Arrays:
    """The same arrays, read from disk as they are touched.

    Args, Raises: as of `read_arrays`.
    """
    with open_regular(path) as file:
        _check_sum(shown, hashlib.file_digest(file, "sha256").hexdigest(), entry)
        file.seek(0)
        tensors = list(_tensors(file, shown, hashlib.sha256()))
        start = file.tell()
        return {name: _mapped(file, start, tensor) for name, tensor in tensors}


def _check_sum(shown: Path, checksum: str, entry: FileEntry) -> None:
    if checksum != entry.sha256:
        raise damaged(shown, "its sha256 is not the one that was written")


def _tensors(file: BufferedReader, shown: Path, digest: hashlib._Hash) -> Iterator[tuple[str, TensorEntry]]:
    """What the header says of each array, in the order of their bytes; the file then stands behind it."""
    start = file.read(8)
    n_bytes, length = os.fstat(file.fileno()).st_size, int.from_bytes(start, "little")
    if not 2 <= length <= min(n_bytes - 8, MOST_HEADER):
        raise damaged(shown, f"its header cannot have {length:,} bytes")
    text = file.read(length)
    try:
        header = _schema().validate_json(text)
    except ValidationError as error:
        raise damaged(shown, f"its header: {error.errors()[0]['msg']}") from error
    tensors = sorted(header.items(), key=lambda tensor: tensor[1]["data_offsets"])
    bounds = [tensor["data_offsets"] for _, tensor in tensors]
    gaps = [before[1] != after[0] for before, after in pairwise([[0, 0], *bounds, [n_bytes - 8 - length] * 2])]
    if any(gaps) or any(not _fills(tensor, length) for _, tensor in tensors):
        raise damaged(shown, "the arrays in its header do not lie end to end")
    digest.update(start + text)
    return iter(tensors)


def _fills(tensor: TensorEntry, length: int) -> bool:
    """Whether an array takes the bytes that it is said to take, and lies where such numbers can be read."""
    start, end = tensor["data_offsets"]
    size = np.dtype(TYPES[tensor["dtype"]]).itemsize
    is_aligned = (8 + length + start) % size == 0
    is_possible = size * math.prod(max(n, 1) for n in tensor["shape"]) < 2**62  # NumPy refuses an empty one too
    return is_aligned and is_possible and end - start == size * math.prod(tensor["shape"])


@cache
def _schema() -> TypeAdapter[dict[str, TensorEntry]]:
    return TypeAdapter(dict[str, TensorEntry])


def _mapped(file: BufferedReader, start: int, tensor: TensorEntry) -> Array:
    kind, shape = np.dtype(TYPES[tensor["dtype"]]), tuple(tensor["shape"])
    if 0 in shape:  # nothing can be mapped
        return np.empty(shape, dtype=kind)
    return np.memmap(file, dtype=kind, mode="r", offset=start + tensor["data_offsets"][0], shape=shape)


def _alignment(name: str, arrays: Arrays) -> tuple[int, str]:
    """Wide numbers first, so that all are aligned."""
    return -arrays[name].dtype.itemsize, name


def bytes_of(array: Array) -> Iterator[memoryview]:
    """The bytes of an array, some rows at a time, so that a column on disk is not read whole."""
    rows = max(1, BLOCK_BYTES // max(1, array.dtype.itemsize * math.prod(array.shape[1:])))
    for start in range(0, len(array), rows):
        yield _memory(np.ascontiguousarray(array[start : start + rows]))


def _memory(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
