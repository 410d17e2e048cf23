"""What stands between the fields of a file, as its first lines show it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from recsys.data.sources.csv.fields import BLANK, Quotes, knows_quotes, sample_rows
from recsys.data.sources.values import number

CANDIDATES = (",", "\t", ";", "|", "::", BLANK, "\x01", "~", "^")
RAGGED = (",", "\t", ";", "|", "::")  # those that a file is taken to have that none cuts evenly
PUNCTUATION = re.compile(r"[^\w\s\"'().+-]+|[\x01-\x08\x1c-\x1f]+")
TABS = re.compile(r"\t+")
LONGEST = 8  # signs
SAMPLE = 50  # rows that are looked at
LEAST_ROWS = 3  # that show that the header alone is shorter


def find_delimiter(lines: Sequence[str]) -> str:
    """The usual delimiter that cuts all lines evenly, into three fields or more if any does; else any punctuation."""
    rows = {delimiter: _rows(lines, delimiter) for delimiter in CANDIDATES}
    even: dict[str, int] = {delimiter: width for delimiter in CANDIDATES if (width := even_width(rows[delimiter])) > 1}
    if even.get(BLANK, 0) == 2 and not all(map(_numeric, lines[0].split())):
        del even[BLANK]  # one column of names with a blank in them
    if _mixes_blanks_and_tabs(even, rows[BLANK]):
        return BLANK
    if len(even) > 1:
        even.pop(BLANK, None)
    if even:
        best: str = max(even, key=lambda delimiter: min(even[delimiter], 3))
        return _whole(best, lines)
    kinds = set(_runs(lines[0])) if lines else set()
    if len(kinds) == 1:  # several, as in a URL, are part of a text
        (delimiter,) = kinds
        if len(delimiter) <= LONGEST and even_width(_rows(lines, delimiter)) > 2:
            return delimiter
    return max(RAGGED, key=lambda delimiter: _likeness(rows[delimiter]))  # the reader will say which line


def even_width(rows: Sequence[Sequence[str]]) -> int:
    """How many fields all rows have, the first perhaps one less, as a header without a name for the index; else 0."""
    widths = [len(row) for row in rows]
    body = set(widths[1:])
    if len(set(widths)) == 1:
        return widths[0]
    return widths[-1] if len(widths) > LEAST_ROWS and body == {widths[0] + 1} and widths[0] > 1 else 0


def _rows(lines: Sequence[str], delimiter: str) -> list[tuple[str, ...]]:
    quotes: Quotes = "double" if knows_quotes(delimiter) else "none"
    return [row for row, _ in sample_rows(lines, delimiter, quotes, SAMPLE) if any(map(str.strip, row))]


def _mixes_blanks_and_tabs(even: dict[str, int], by_blanks: Sequence[Sequence[str]]) -> bool:
    """Whether blanks and tabs alike stand between numbers."""
    return (
        set(even) == {"\t", BLANK}
        and even[BLANK] > even["\t"]
        and all(_numeric(text) for row in by_blanks[1:] for text in row)
    )


def _whole(delimiter: str, lines: Sequence[str]) -> str:
    """All signs that stand beside the delimiter wherever it does: "||" for "|", "~|~" for "|"."""
    if delimiter == BLANK or any('"' in line for line in lines):
        return delimiter
    runs = {run for line in lines[:SAMPLE] for run in _runs(line) if delimiter in run}
    whole = min(runs, key=len, default=delimiter)
    are_repeated = all(run == whole * (len(run) // len(whole)) for run in runs)  # fields may be empty
    return whole if are_repeated and len(whole) <= LONGEST else delimiter


def _runs(line: str) -> Iterator[str]:
    pattern = TABS if "\t" in line else PUNCTUATION
    return (match[0] for match in pattern.finditer(line))


def _likeness(rows: Sequence[Sequence[str]]) -> tuple[float, int]:
    """How well they are cut: the share of those of the most frequent width, and that one."""
    widths = [len(row) for row in rows]
    width = max(widths, key=widths.count, default=1)
    return (widths.count(width) / len(widths), width) if width > 1 else (0.0, width)


def _numeric(text: str) -> bool:
    return number(text) is not None
