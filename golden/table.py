"""The table of a comparison, for people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from golden.comparison import Comparison


def print_table(comparisons: Sequence[Comparison], n_shown: int) -> None:
    """One line a row, the first differences of each, then what was added and which stated changes were not found."""
    width = max(len(comparison.row) for comparison in comparisons)
    print(f"{'row':<{width}}  tensors  values  result")
    for comparison in comparisons:
        print(f"{comparison.row:<{width}}  {comparison.n_tensors:7}  {comparison.n_values:6}  {_result(comparison)}")
        for differences in (comparison.differences, comparison.stated):
            for key, what in list(differences.items())[:n_shown]:
                print(f"{'':<{width}}    {key}: {what}")
    _print_added(comparisons)
    _print_unmatched(comparisons)
    n_differ = sum(bool(comparison.differences) for comparison in comparisons)
    print(f"{n_differ} of {len(comparisons)} rows differ" if n_differ else "no row differs but as stated")


def _result(comparison: Comparison) -> str:
    counts = [
        (len(comparison.differences), "differ"),
        (len(comparison.stated), "changed as stated"),
        (len(comparison.added), "added"),
    ]
    details = ", ".join(f"{n} {what}" for n, what in counts if n)
    return f"{comparison.result} ({details})" if details else comparison.result


def _print_added(comparisons: Sequence[Comparison]) -> None:
    """Each added key once for all files of a name, positions in lists left out."""
    added = Counter(
        re.sub(r"\[\d+\]", "[]", re.sub(r"^.*/([^/:]*:)", r"\1", key))
        for comparison in comparisons
        for key in comparison.added
    )
    for key, n in sorted(added.items()):
        print(f"added: {key} ({n} times)")


def _print_unmatched(comparisons: Sequence[Comparison]) -> None:
    for comparison in comparisons:
        for change in comparison.unmatched:
            print(f"stated, but equal: {comparison.row} | {change.keys} | {change.reason}")
