"""What may stand above the rows of a text file: sep= lines, comments, titles, and lines that are drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from recsys.data.sources.column_names import COMMON, plain
from recsys.data.sources.values import number

SEPARATOR = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
COMMENTS = ("#", "%")
MATRIX_MARKET = "%%MatrixMarket matrix coordinate"
RULE = re.compile(r"[-+=|: \t]*[-=]{2,}[-+=|: \t]*[\r\n]*")


MOST_ABOVE = 10  # lines that stand above a header


@dataclass(frozen=True)
class Preamble:
    """Lines at the start of a file that are no rows.

    Attributes:
        n_lines: how many there are.
        delimiter: that a sep= line names, as Excel writes it; None without one.
        names: the last comment, which may be a header.
    """

    n_lines: int
    delimiter: str | None
    names: str | None


def preamble_of(lines: Sequence[str]) -> Preamble:
    """What the first lines of a file hold before its rows."""
    separator = SEPARATOR.fullmatch(lines[0]) if lines else None
    n = 1 if separator else 0
    comments = []
    for line in lines[n:]:
        if line.strip() and not _is_comment(line):
            break
        comments.append(line)
    n_comments = n + len(comments)
    if n_comments < len(lines) and lines[n].startswith(MATRIX_MARKET):
        n_comments += 1  # the numbers of rows, columns and entries
    texts = [line.strip().lstrip("#% ") for line in comments if line.strip()]
    n_above = _n_above_header(lines[n_comments:])
    return Preamble(n_comments + n_above, separator[1] if separator else None, texts[-1] if texts else None)


def _n_above_header(lines: Sequence[str]) -> int:
    """How many of the first lines stand above one that names users and items: a title, or a drawn line."""
    n_drawn = 1 if lines and is_rule(lines[0]) else 0
    return next((n for n, line in enumerate(lines[:MOST_ABOVE]) if _names_columns(line)), n_drawn)


def _names_columns(line: str) -> bool:
    names = {plain(name.strip('" ')) for name in re.split(r"[,;|\t]", line)}
    return all(names.intersection(COMMON[role]) for role in ("user", "item"))


def is_rule(line: str) -> bool:
    """Whether a line is drawn, as databases do it below the names of columns."""
    return RULE.fullmatch(line) is not None


def _is_comment(line: str) -> bool:
    """Whether a line starts with a mark for comments, and is no row of ids such as #1."""
    text = line.strip()
    if not text.startswith(COMMENTS):
        return False
    fields = [field for field in re.split(r"[,;|\t ]+", text.lstrip("#%")) if field]
    is_row = text[1:2].isalnum() and len(fields) > 2 and all(number(field) is not None for field in fields[1:])
    return not is_row
