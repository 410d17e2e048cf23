"""Texts that are no table of ratings, by their first lines: what they are, and what to do."""

from __future__ import annotations

import re
from pathlib import Path

from recsys.core.errors import DataError

N_SIGNS = 2000  # that are looked at
OTHERS = (
    (
        re.compile(r"\s*<(!doctype\s+html|html|head|body)", re.IGNORECASE),
        "this is a web page",
        "download the file again: the link gave a page in its place",
    ),
    (re.compile(r"\s*<(\?xml|\w+[ >])", re.IGNORECASE), "this is XML", "write it as CSV"),
    (re.compile(r"\d+:\s*\n\s*\d+,"), "lines such as 1: name the item of the rows below, as in the Netflix prize",
     "awk -F, '/:/{sub(\":.*\",\"\");i=$0;next}{print $1\",\"i\",\"$2\",\"$3}' FILE > ratings.csv"),
    (re.compile(r"[-+]?[\d.]+( +\d+:[-+\d.e]+){2,}\s*\n"), "this is in the format of libFM and LIBSVM",
     "write a row user,item,rating for each line"),
    (re.compile(r"\s*(INSERT\s+INTO|CREATE\s+TABLE|--\s+\w+ dump|/\*!)", re.IGNORECASE), "this is a dump of SQL",
     "export the table as CSV"),
    (re.compile(r"\s*@relation\b", re.IGNORECASE), "this is an ARFF file", "take the lines below @data out as CSV"),
)  # fmt: skip
"""What the text starts with, what that is, and a hint."""


def refuse_other_text(path: Path, text: str) -> None:
    """Raises DataError where the start of a file is known to be of another kind."""
    for pattern, what, hint in OTHERS:
        if pattern.match(text[:N_SIGNS]):
            raise DataError(what, where=str(path), expected="a table with a row for each rating", hint=hint)
