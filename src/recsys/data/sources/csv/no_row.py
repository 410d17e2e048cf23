"""Lines that are no rows: what they are, and what to do about them."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from recsys.core.errors import DataError
from recsys.core.words import shell_word, shortened
from recsys.data.sources.csv.delimiter import CANDIDATES
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.preamble import is_rule

FOOTER = re.compile(
    r"\W*[\d,.]+ (rows?|records?|lines?|Zeilen?|lignes?|filas?)\b.*|\W*(grand )?(total|sum|count|end)\b.*|\x1a+|\\\.",
    re.IGNORECASE,
)


def no_row(dialect: Dialect, line: int, row: Sequence[str]) -> DataError | None:
    """The error of a line that is a footer, a remark or the header once more; None where it may be a row."""
    text = dialect.delimiter.join(row).strip()
    where, shown = f"{dialect.path}:{line}", json.dumps(shortened(text), ensure_ascii=False)
    if dialect.header is not None and [*map(str.strip, row)] == [*map(str.strip, dialect.header)]:
        return DataError(
            f"the header stands here again: {shown}",
            where=where,
            expected="one header, above all rows",
            hint="take this line out; several files can be read as one: data.ratings: 'parts/*.csv'",
        )
    if FOOTER.fullmatch(text) or is_rule(text):
        return DataError(
            f"this line is no row: {shown}",
            where=where,
            expected="rows alone, to the end of the file",
            hint=f"if the rows end here, take the rest out: head -n {line - 1} FILE > NEW",
        )
    if text.startswith(("#", "%", "//", "--")) and len(row) != dialect.width:
        return DataError(
            f"this line is a remark: {shown}",
            where=where,
            expected="remarks above the rows alone",
            hint=f"take such lines out: grep -v '^{text[0]}' FILE > NEW",
        )
    return None


def odd_row(dialect: Dialect, line: int, row: Sequence[str]) -> DataError:
    """The error of a row of another width."""
    model = "header" if dialect.header else "first row"
    fields = f"{len(row)} field{'s' if len(row) != 1 else ''}"
    return no_row(dialect, line, row) or DataError(
        f"this row has {fields}: {json.dumps(shortened(dialect.delimiter.join(row)), ensure_ascii=False)}",
        where=f"{dialect.path}:{line}",
        expected=f"{dialect.width}, as the {model} has, between delimiters {dialect.delimiter!r}",
        hint='a field that holds the delimiter is written in quotes, "one, two"; for another delimiter:'
        " data.delimiter (init: --delimiter); if it is no rating, take the line out",
    )


def one_column(dialect: Dialect) -> DataError:
    """The error of a file in which no delimiter was found."""
    first = next(iter(dialect.header or dialect.sample[0]), "")
    shown = json.dumps(shortened(first), ensure_ascii=False)
    hint = "name it: data.delimiter (init: --delimiter TEXT)"
    if dialect.delimiter in first:
        hint = "all of the line stands in quotes: sed 's/^\"//; s/\"$//' FILE > NEW"
    elif other := next((delimiter for delimiter in CANDIDATES if delimiter in first), None):
        written = json.dumps(other)
        hint = f"is it {written}? data.delimiter: {written} (init: --delimiter {shell_word(written[1:-1])})"
    return DataError(
        f"no delimiter was found; the first line is {shown}",
        where=f"{dialect.path}:{dialect.head_lines + (dialect.header is None)}",
        expected='two fields or more, between "," ";" "|" "::" "~" "^", tabs, blanks or other punctuation',
        hint=hint,
    )
