"""Reads an items file: what people call the items, and what else it says about them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Note, Observer
from recsys.core.words import shortened
from recsys.data.catalogue import ItemCatalogue, TextByItem, id_of
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.encodings import codec, guess_encoding, marked_encoding
from recsys.data.sources.csv.fields import knows_quotes
from recsys.data.sources.csv.no_row import odd_row
from recsys.data.sources.csv.reference_reader import rows_of_any_width
from recsys.data.sources.csv.text import Text
from recsys.data.sources.find_columns import label
from recsys.data.sources.find_item_columns import find_item_columns
from recsys.data.vocabulary import Vocabulary

LEAST_SWALLOWED = 3  # lines that look like rows


def read_catalogue(
    path: Path, data: Data, item_name: str | None, items: Vocabulary, observe: Observer
) -> ItemCatalogue:
    """The titles in an items file, and its other columns, each by its name, or its position from 1 without one.

    Args:
        path: the items file; its delimiter may be another than that of the ratings.
        data: `item_columns`, encoding, header and delimiter.
        item_name: what the ratings call the column of the item ids.
        items: which ids to keep, and their type.

    Returns:
        The first text of each item where it has several.
    Raises:
        DataError: the file cannot be read, or a column is not there.
    """
    dialect = items_dialect(path, data, observe)
    item, title = find_item_columns(dialect, data.item_columns, item_name)
    known = set(items.ids.tolist())
    texts_at: dict[int, TextByItem] = {at: {} for at in range(dialect.width) if at != item or at == title}
    with dialect.text() as lines:
        for row, _ in item_rows(dialect, title, lines, observe):
            item_id = id_of(row[item], items)
            if item_id is not None and item_id in known:
                for position, texts in texts_at.items():
                    if text := row[position].strip():
                        texts.setdefault(item_id, text)
    titles = texts_at.pop(title)
    columns = {label(position, dialect.header): texts for position, texts in texts_at.items()}
    return ItemCatalogue(titles, columns, encoding=None if dialect.encoding == "utf-8" else dialect.encoding)


def item_rows(dialect: Dialect, title: int | None, lines: Text, observe: Observer) -> Iterator[tuple[list[str], int]]:
    """The rows, with their lines; where fields cannot be quoted, a delimiter too many is part of the title."""
    for row, line in rows_of_any_width(dialect, lines, observe):
        _refuse_swallowed(row, dialect, line)
        surplus = len(row) - dialect.width
        if surplus > 0 and title is not None and not knows_quotes(dialect.delimiter):
            end = title + surplus + 1
            yield [*row[:title], dialect.delimiter.join(row[title:end]), *row[end:]], line
        elif surplus:
            raise odd_row(dialect, line, row)
        else:
            yield row, line


def _refuse_swallowed(row: Sequence[str], dialect: Dialect, line: int) -> None:
    """Raises DataError where lines within a quoted field look like rows."""
    for field in row:
        inner = field.splitlines()[1:-1] if "\n" in field else []
        if len(inner) >= LEAST_SWALLOWED and {text.count(dialect.delimiter) for text in inner} == {dialect.width - 1}:
            raise DataError(
                f"a quote that opens here swallows {len(inner)} rows or more: {json.dumps(shortened(field))}",
                where=f"{dialect.path}:{line}",
                expected="quotes around fields alone",
                hint="where quotes are part of the text: data.quotes: false (init: --quotes none)",
            )


def encoding_of(path: Path, data: Data, observe: Observer) -> str:
    """As the config says; else utf-8 if it is, else guessed: as the ratings where that may be."""
    if data.items_encoding != "auto":
        return data.items_encoding
    if marked := marked_encoding(path):
        return marked
    try:
        with Text(path, "utf-8", data.max_line_bytes) as lines:
            all(lines)
    except DataError:
        guess = guess_encoding(path, likely=data.encoding)
        if guess is not None and codec(guess) != codec(data.encoding):
            observe(Note(f"{path} is no utf-8, and read as {guess}, a guess: data.items_encoding names another one"))
        return guess or data.encoding
    return "utf-8"


def items_dialect(path: Path, data: Data, observe: Observer) -> Dialect:
    """How an items file is written: as the config says it of the ratings, but for another delimiter and encoding."""
    data = data.model_copy(update={"encoding": encoding_of(path, data, observe)})
    names = [name for name in (data.item_columns.item, data.item_columns.title) if isinstance(name, str)]
    columns = data.columns.model_copy(update={"item": names[0] if names else data.columns.item})
    data = data.model_copy(update={"columns": columns})
    dialect = find_dialect(path, data)
    if dialect.width == 1 and data.delimiter != "auto":
        dialect = find_dialect(path, data.model_copy(update={"delimiter": "auto"}))
    if knows_quotes(dialect.delimiter) or not dialect.sample:
        return dialect
    widths = [len(row) for row in dialect.sample]
    return replace(dialect, width=max(widths, key=widths.count))  # the first title may hold a delimiter
