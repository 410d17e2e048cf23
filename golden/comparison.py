"""Two snapshots of a row side by side, and the changes that were stated beforehand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from golden.errors import GoldenError
from golden.snapshot import Snapshot

EXPECTED_CHANGES = Path(__file__).parent / "expected_changes.txt"


@dataclass(frozen=True)
class ExpectedChange:
    """A change that is meant: rows and keys as patterns with *."""

    rows: str
    keys: str
    reason: str

    def concerns(self, row: str) -> bool:
        """Whether a row is meant to change."""
        return _matches(row, self.rows)

    def covers(self, row: str, key: str) -> bool:
        """Whether a difference at `key` is meant."""
        return self.concerns(row) and _matches(key, self.keys)


@dataclass(frozen=True)
class Comparison:
    """A row in both trees.

    Attributes:
        differences: key → what it is in each tree; a key that disappeared is one.
        stated: those that a line of expected_changes.txt covers.
        unmatched: expected changes of this row that cover no difference.
        added: keys that only the new tree has.
    """

    row: str
    n_tensors: int
    n_values: int
    differences: dict[str, str]
    stated: dict[str, str]
    unmatched: tuple[ExpectedChange, ...]
    added: tuple[str, ...]

    @property
    def result(self) -> str:
        """One word or two for the table."""
        if self.differences:
            return "DIFFERS"
        return "changed as stated" if self.stated else "equal"


def compare(row: str, base: Snapshot, here: Snapshot, expected: tuple[ExpectedChange, ...] = ()) -> Comparison:
    """Compares every tensor and every value of two snapshots."""
    differences = {**_failures(base, here), **_differences(base.tensors, here.tensors)}
    differences |= _differences(base.values, here.values)
    of_row = tuple(change for change in expected if change.concerns(row))
    stated = {key: what for key, what in differences.items() if any(change.covers(row, key) for change in of_row)}
    known = {**base.tensors, **base.values}
    return Comparison(
        row=row,
        n_tensors=len(base.tensors),
        n_values=len(base.values),
        differences={key: what for key, what in differences.items() if key not in stated},
        stated=stated,
        unmatched=tuple(change for change in of_row if not any(change.covers(row, key) for key in stated)),
        added=tuple(key for key in [*here.tensors, *here.values] if key not in known),
    )


def read_expected_changes(path: Path = EXPECTED_CHANGES) -> tuple[ExpectedChange, ...]:
    """The expected changes in a file of lines `rows | keys | reason`; # begins a comment.

    Raises:
        GoldenError: a line has another form.
    """
    changes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = [field.strip() for field in line.split(" | ")]
        if len(fields) != 3 or not all(fields):
            raise GoldenError(f"{path}:{number}: expected: rows | keys | reason")
        changes.append(ExpectedChange(*fields))
    return tuple(changes)


def _failures(base: Snapshot, here: Snapshot) -> dict[str, str]:
    failures = {"base": base.failure, "here": here.failure}
    failed_trees = {f"failed {tree}": failure for tree, failure in failures.items() if failure}
    if not failed_trees and not (base.tensors or base.values):
        return {"nothing compared": "the row wrote no file at the base commit"}
    return failed_trees


def _differences(base: dict[str, str], here: dict[str, str]) -> dict[str, str]:
    differences = {}
    for key, value in base.items():
        if key not in here:
            differences[key] = f"{_short(value)} → missing"
        elif here[key] != value:
            differences[key] = f"{_short(value)} → {_short(here[key])}"
    return differences


def _short(value: str, length: int = 40) -> str:
    return value if len(value) <= length else f"{value[: length - 1]}…"


def _matches(text: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), text) is not None
