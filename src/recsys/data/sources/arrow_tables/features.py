"""Reads a features file with named and typed columns."""

from __future__ import annotations

from recsys.config.schema.data import Data
from recsys.core.events import Observer
from recsys.data.features.table import ColumnBuilder, FeatureTable, Value
from recsys.data.sources.arrow_tables.entities import entity_batches
from recsys.data.sources.arrow_tables.forms import Form, form_of
from recsys.data.sources.arrow_tables.frame import FrameTable
from recsys.data.sources.arrow_tables.source import ColumnNames
from recsys.data.sources.arrow_tables.table import ArrowTable
from recsys.data.sources.find_feature_ids import FeatureRequest, find_ids
from recsys.data.sources.origin import Frame
from recsys.data.sources.table import as_texts

WHOLE = 2**53  # up to which floats hold whole numbers


def of_frame(frame: Frame, data: Data, request: FeatureRequest, observe: Observer) -> FeatureTable:
    """A table in memory of features."""
    return read_features(FrameTable(frame), data, request, observe)


def read_features(table: ArrowTable, _data: Data, request: FeatureRequest, observe: Observer) -> FeatureTable:
    """The ids, and all columns of texts, numbers, dates, truth values, or lists of these.

    Raises:
        DataError: the table cannot be read, or the column of ids is not there.
    """
    header = tuple(table.schema.names)
    id_name = header[find_ids(ColumnNames(table.path, header), request)]
    forms: dict[str, Form[Value | None] | None] = {
        name: form_of(table.schema.field(position).type, _written, _listed) for position, name in enumerate(header)
    }
    used = {name: form for name, form in forms.items() if form is not None and name != id_name}
    builders = {name: ColumnBuilder() for name in used}
    ids: list[str] = []
    for id_texts, rows in entity_batches(table, id_name, used, request.role, observe):
        ids += id_texts
        for name, form in used.items():
            for value in rows.column(name).to_pylist():
                builders[name].add(None if value is None else form(value))
    columns = {name: builder.column() for name, builder in builders.items()}
    return FeatureTable(table.path, id_name, as_texts(ids), columns, table.place)


def _written(value: object) -> str:
    """A value as a text file would have it."""
    is_whole = isinstance(value, float) and abs(value) < WHOLE and value.is_integer()
    return f"{value:.0f}" if is_whole else str(value).strip()


def _listed(values: object) -> Value | None:
    assert isinstance(values, list)
    return tuple(_written(value) for value in values if value is not None) or None
