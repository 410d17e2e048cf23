"""Reads an items file: what people call the items, and what else it says about them."""

from __future__ import annotations

from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.data.catalogue import ItemCatalogue, TextByItem, id_of
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.reference_reader import rows
from recsys.data.sources.csv.text import Text
from recsys.data.sources.find_columns import label
from recsys.data.sources.find_item_columns import find_item_columns
from recsys.data.vocabulary import Vocabulary


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
    dialect = _dialect(path, data)
    item, title = find_item_columns(dialect, data.item_columns, item_name)
    known = set(items.ids.tolist())
    texts_at: dict[int, TextByItem] = {at: {} for at in range(dialect.width) if at != item or at == title}
    with Text(path, dialect.encoding) as lines:
        for row, _ in rows(dialect, lines, observe):
            item_id = id_of(row[item], items)
            if item_id is not None and item_id in known:
                for position, texts in texts_at.items():
                    if text := row[position].strip():
                        texts.setdefault(item_id, text)
    titles = texts_at.pop(title)
    return ItemCatalogue(titles, {label(position, dialect.header): texts for position, texts in texts_at.items()})


def _encoding(path: Path, data: Data) -> str:
    """As the config says; else utf-8 if it is, else as the ratings."""
    if data.items_encoding != "auto":
        return data.items_encoding
    try:
        with Text(path, "utf-8") as lines:
            all(lines)
    except DataError:
        return data.encoding
    return "utf-8"


def _dialect(path: Path, data: Data) -> Dialect:
    data = data.model_copy(update={"encoding": _encoding(path, data)})
    names = [name for name in (data.item_columns.item, data.item_columns.title) if isinstance(name, str)]
    columns = data.columns.model_copy(update={"item": names[0] if names else data.columns.item})
    data = data.model_copy(update={"columns": columns})
    dialect = find_dialect(path, data)
    if dialect.width == 1 and data.delimiter != "auto":
        return find_dialect(path, data.model_copy(update={"delimiter": "auto"}))
    return dialect
