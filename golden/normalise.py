"""What a comparison leaves out, and which keys have another name in one of the two trees."""

from __future__ import annotations

import re
from dataclasses import dataclass

from golden.errors import GoldenError


@dataclass(frozen=True)
class Omission:
    """Keys that match `pattern` are not compared."""

    pattern: str
    reason: str


@dataclass(frozen=True)
class Rename:
    """A key that matches `pattern` is compared under the name that `replacement` gives it, in both trees."""

    pattern: str
    replacement: str
    reason: str


# A key is FILE:NAME, such as sgd/run/history.jsonl:[3].lr, or sgd/run/serving/users.safetensors:ids.
OMISSIONS = (
    Omission(r"[:.](\w+_)?seconds$", "a time"),
    Omission(r"[:.]ratings_per_second$", "a time"),
    Omission(r"[:.]recsys_version$", "a version"),
    Omission(r"[:.]versions\.", "versions"),
    Omission(r"[:.]format$", "the version of a file's layout"),
    Omission(r"[:.]files\..*\.(bytes|sha256)$", "sizes and checksums of files; their tensors are compared instead"),
    Omission(r"[:.]checksum$", "a checksum of the JSON file that it is in"),
    Omission(r"(/state\.json:|[:.]last\.)data\.", "fingerprints of the input files"),
    Omission(r"[:.](start|parent)\.(.*\.)?sha256$", "a fingerprint of an input file"),
)

RENAMES = (
    Rename(r"(/history\.jsonl:\[\d+\]\.)train_rmse$", r"\1train.rmse", "history rows hold metrics by part and name"),
    Rename(
        r"(/history\.jsonl:\[\d+\]\.)valid_(rmse|mae)$", r"\1valid.\2", "history rows hold metrics by part and name"
    ),
    Rename(r"(/checkpoints/[^/]+/\w+\.safetensors:)rating\.", r"\1", "a checkpoint names its tensors by scorer"),
)


def is_omitted(key: str) -> bool:
    """Whether a key is left out of the comparison."""
    return any(re.search(omission.pattern, key) for omission in OMISSIONS)


def renamed(key: str) -> str:
    """The key under the name that both trees are compared by."""
    for rename in RENAMES:
        key = re.sub(rename.pattern, rename.replacement, key)
    return key


def normalise(entries: dict[str, str]) -> dict[str, str]:
    """Entries without the omitted keys, and with the renamed keys under their common name.

    Raises:
        GoldenError: two keys have the same common name and different values.
    """
    result: dict[str, str] = {}
    for key, value in entries.items():
        if is_omitted(key):
            continue
        if result.setdefault(renamed(key), value) != value:
            raise GoldenError(f"two values for {renamed(key)}: {result[renamed(key)]} and {value} ({key})")
    return result


def expand_history_row(row: object) -> object:
    """A history row in which an epoch without evaluation has null for each metric, as flat rows have.

    {"train": {…}, "valid": null} becomes {"train": {…}, "valid": {"rmse": null, "mae": null}}.
    """
    if isinstance(row, dict) and "train" in row and row.get("valid") is None:
        return {**row, "valid": {"rmse": None, "mae": None}}
    return row
