"""Titles and other columns of items from tables with named and typed columns."""

from __future__ import annotations

from recsys.config.schema.data import Data
from recsys.core.events import Observer
from recsys.data.catalogue import ItemCatalogue, TextByItem, id_of
from recsys.data.sources.arrow_tables.entities import entity_batches
from recsys.data.sources.arrow_tables.forms import form_of
from recsys.data.sources.arrow_tables.source import ColumnNames
from recsys.data.sources.arrow_tables.table import ArrowTable
from recsys.data.sources.find_item_columns import find_item_columns
from recsys.data.vocabulary import Vocabulary


def read_items(
    table: ArrowTable, data: Data, item_name: str | None, items: Vocabulary, observe: Observer
) -> ItemCatalogue:
    """The titles in a table of items, and its other columns of numbers, texts, or lists of texts ("a|b").

    Args:
        data: `item_columns`.
        item_name: what the ratings call the column of the item ids.
        items: which ids to keep, and their type.

    Returns:
        The first text of each item where it has several.
    Raises:
        DataError: the table cannot be read, or a column is not there.
    """
    header = tuple(table.schema.names)
    item, title = find_item_columns(ColumnNames(table.path, header), data.item_columns, item_name)
    known = set(items.ids.tolist())
    formats = {name: form_of(table.schema.field(position).type, str, _listed) for position, name in enumerate(header)}
    names = [name for name, form in formats.items() if form is not None or name == header[item]]
    texts_of: dict[str, TextByItem] = {name: {} for name in names if name != header[item] or item == title}
    for id_texts, columns in entity_batches(table, header[item], texts_of, "item", observe, drops_missing=True):
        item_ids = [id_of(text, items) for text in id_texts]
        for name, texts in texts_of.items():
            form = formats[name] or str
            for item_id, value in zip(item_ids, columns.column(name).to_pylist(), strict=True):
                if item_id is not None and item_id in known and value is not None and (text := form(value).strip()):
                    texts.setdefault(item_id, text)
    titles = texts_of.pop(header[title], {})
    return ItemCatalogue(titles, texts_of)


def _listed(values: object) -> str:
    assert isinstance(values, list)
    return "|".join(str(value) for value in values if value is not None)
