"""Reads a features file in text."""

from __future__ import annotations

from array import array
from pathlib import Path

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Columns, Data
from recsys.core.events import Observer
from recsys.data.features.table import ColumnBuilder, FeatureTable
from recsys.data.sources.csv.dialect import Dialect, find_dialect
from recsys.data.sources.csv.items import encoding_of, item_rows, items_dialect
from recsys.data.sources.find_columns import label
from recsys.data.sources.find_feature_ids import FeatureRequest, find_ids
from recsys.data.sources.find_item_columns import find_item_columns
from recsys.data.sources.table import as_texts


def read_features(path: Path, data: Data, request: FeatureRequest, observe: Observer) -> FeatureTable:
    """A features file, which is written in any way: delimiter, quotes, header and encoding are found.

    Raises:
        DataError: it cannot be read, or the column of ids is not there.
    """
    dialect = items_dialect(path, data, observe) if request.is_items_file else _dialect(path, data, request, observe)
    ids_at = find_ids(dialect, request)
    names = {at: label(at, dialect.header) for at in range(dialect.width) if at != ids_at}
    builders = {at: ColumnBuilder() for at in names}
    ids: list[str] = []
    lines = array("q")
    with dialect.text() as text:
        for row, line in item_rows(dialect, _free_text(dialect, data, request), text, observe):
            ids.append(row[ids_at].strip())
            lines.append(line)
            for at, builder in builders.items():
                builder.add(row[at].strip())
    columns = {names[at]: builder.column() for at, builder in builders.items()}
    return FeatureTable(path, label(ids_at, dialect.header), as_texts(ids), columns, lambda row: f"{path}:{lines[row]}")


def _dialect(path: Path, data: Data, request: FeatureRequest, observe: Observer) -> Dialect:
    named: list[Column | None] = [request.columns.id, *(request.columns.use or ()), *request.likely]
    names = [name for name in named if isinstance(name, str)]
    found: dict[str, object] = {
        "encoding": encoding_of(path, data, observe),
        "columns": Columns(item=names[0] if names else None),
        **{key: Data.model_fields[key].default for key in ("delimiter", "header", "quotes", "decimal")},
    }
    return find_dialect(path, data.model_copy(update=found))


def _free_text(dialect: Dialect, data: Data, request: FeatureRequest) -> int | None:
    """The column that takes a delimiter too many, where fields cannot be quoted: the titles of an items file."""
    if not request.is_items_file:
        return None
    return find_item_columns(dialect, data.item_columns, None)[1]
