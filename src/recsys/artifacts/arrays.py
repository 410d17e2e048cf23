"""safetensors files, written from the arrays' own memory and mapped into it: no copy of a large array in between.

Format: 8 bytes with the header's length, the header as json, then the arrays. Files are read with the safetensors
library, and its own writer's layout is kept, but that one holds everything twice in memory before it writes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TypedDict

import numpy as np

from recsys.artifacts.manifest import FileEntry
from recsys.core.types import Array, Arrays

TYPES = {"F64": "<f8", "I64": "<i8", "F32": "<f4", "I32": "<i4", "F16": "<f2", "U8": "|u1"}
CODES = {np.dtype(kind): code for code, kind in TYPES.items()}


class TensorEntry(TypedDict):
    """What the header says of an array."""

    dtype: str
    shape: list[int]
    data_offsets: list[int]


def write_arrays(path: Path, arrays: Arrays) -> FileEntry:
    """Writes the arrays; returns the file's size and checksum."""
    ordered = {
        name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays, key=lambda name: _alignment(name, arrays))
    }
    header: dict[str, TensorEntry] = {}
    end = 0
    for name, array in ordered.items():
        start, end = end, end + array.nbytes
        header[name] = {"dtype": CODES[array.dtype], "shape": list(array.shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    with path.open("wb") as file:
        blocks: list[bytes | memoryview] = [len(text).to_bytes(8, "little"), text, *map(_memory, ordered.values())]
        for block in blocks:
            file.write(block)
            digest.update(block)
    return FileEntry(bytes=8 + len(text) + end, sha256=digest.hexdigest())


def memory_map(path: Path) -> Arrays:
    """The arrays of a file, read from disk as they are touched."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    return {name: _mapped(path, 8 + length, tensor) for name, tensor in header.items()}


def _mapped(path: Path, start: int, tensor: TensorEntry) -> Array:
    kind, shape = np.dtype(TYPES[tensor["dtype"]]), tuple(tensor["shape"])
    if 0 in shape:  # nothing can be mapped
        return np.empty(shape, dtype=kind)
    return np.memmap(path, dtype=kind, mode="r", offset=start + tensor["data_offsets"][0], shape=shape)


def _alignment(name: str, arrays: Arrays) -> tuple[int, str]:
    """Wide numbers first, so that all are aligned."""
    return -arrays[name].dtype.itemsize, name


def _memory(array: Array) -> memoryview:
    return array.reshape(-1).view(np.uint8).data
