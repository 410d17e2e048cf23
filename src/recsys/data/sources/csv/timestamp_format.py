"""In which form the dates of a file are written, where the first rows leave open what is the day and what the month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.core.words import shell_word
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.reference_reader import ISO_FORM, rows, time_form
from recsys.data.sources.dates import fitting, formats_of
from recsys.data.sources.table import Role
from recsys.data.sources.times import NO_TIMES


def with_timestamp_format(dialect: Dialect, columns: Mapping[Role, int]) -> Dialect:
    """The dialect with the form of its dates, unless they are ISO dates or numbers; all rows decide where need be.

    Raises:
        DataError: day and month cannot be told apart.
    """
    if dialect.timestamp_format is not None or time_form(dialect, columns) in (None, ISO_FORM):
        return dialect
    position = columns["timestamp"]
    formats = formats_of(row[position] for row in dialect.sample if len(row) == dialect.width)
    text = ""
    with dialect.text() as lines:
        numbered = rows(dialect, lines, silent)
        while len(formats) > 1 and (row := next(numbered, None)) is not None:
            text = row[0][position]
            formats = fitting(formats, [text]) or formats
    if len(formats) > 1:
        forms, first = " or ".join(f'"{form}"' for form in formats), formats[0]
        raise DataError(
            f"the dates may be in several forms, such as {text.strip()!r}",
            where=str(dialect.path),
            expected=f"one of {forms}",
            hint=f'data.timestamp_format: "{first}" (init: --timestamp-format {shell_word(first)}); {NO_TIMES}',
        )
    return replace(dialect, timestamp_format=formats[0])
