"""The content of a row's files as two flat mappings: checksums of tensors, and values from JSON, CSV and YAML."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from golden.normalise import expand_history_row, normalise


@dataclass(frozen=True)
class Snapshot:
    """What a row has written, or in `failure` why it could not."""

    tensors: dict[str, str]
    values: dict[str, str]
    failure: str = ""


def read_snapshot(folder: Path) -> Snapshot:
    """Reads every file below a folder; a key is FILE:NAME, with the file relative to the folder's parent.

    The path of the folder's parent is left out of every value, since it differs between the trees.
    """
    root = folder.parent
    tensors: dict[str, str] = {}
    values: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = f"{path.relative_to(root).as_posix()}:"
        match path.suffix:
            case ".safetensors":
                checksums, metadata = read_safetensors(path)
                tensors |= {f"{name}{key}": value for key, value in checksums.items()}
                values |= {f"{name}__metadata__.{key}": json.dumps(value) for key, value in metadata.items()}
            case ".npz":
                tensors |= {f"{name}{key}": value for key, value in read_npz(path).items()}
            case ".csv" | ".parquet":
                tensors[f"{name}bytes"] = hashlib.sha256(path.read_bytes()).hexdigest()
            case ".json" | ".jsonl" | ".yaml":
                values |= {f"{name}{key}": value for key, value in flatten(_document(path))}
            case _:
                values[f"{name}exists"] = "true"
    here = json.dumps(str(root))[1:-1]
    return Snapshot(normalise(tensors), {key: value.replace(here, ".") for key, value in normalise(values).items()})


def read_safetensors(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """sha256 of each tensor's dtype, shape and bytes by its name, and the file's own metadata."""
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    metadata = header.pop("__metadata__", {})
    checksums = {}
    for name, entry in header.items():
        first, end = entry["data_offsets"]
        kind = f"{entry['dtype']} {entry['shape']}"
        checksums[name] = f"{kind} {hashlib.sha256(content[start + first : start + end]).hexdigest()}"
    return checksums, metadata


def read_npz(path: Path) -> dict[str, str]:
    """sha256 of each array's .npy bytes, which begin with dtype and shape, by its name."""
    with zipfile.ZipFile(path) as archive:
        return {name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def flatten(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Every leaf of a JSON value by its path, and the length of every list; a leaf is its JSON text."""
    if isinstance(value, dict) and value:
        for key, entry in value.items():
            yield from flatten(entry, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        yield f"{name}#", str(len(value))
        for position, entry in enumerate(value):
            yield from flatten(entry, f"{name}[{position}]")
    else:
        yield name, json.dumps(value, default=str)


def _document(path: Path) -> object:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        return yaml.safe_load(text)
    if path.suffix == ".json":
        return json.loads(text)
    rows = [json.loads(line) for line in text.splitlines()]
    return [expand_history_row(row) for row in rows] if path.name == "history.jsonl" else rows
