"""How features are stored in a serving folder: the columns' rules in the manifest, the rest as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from recsys.artifacts.feature_entries import ColumnEntry, FeaturesEntry
from recsys.artifacts.manifest import M
from recsys.artifacts.texts import ids_layout, pack_ids, pack_texts, texts_layout, unpack_ids, unpack_texts
from recsys.artifacts.verified import VerifiedFolder, check_layout, consistent
from recsys.core.layout import ArraySpec, Layout
from recsys.core.types import Array, Arrays
from recsys.data.features.encoder import EncodedColumn, FeatureEncoder, NumberColumn, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.kind import LARGEST_Z, Role
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.parse import NumberForm


def features_file(role: Role) -> str:
    """The file of the arrays."""
    return f"{role}_features.safetensors"


def features_entry(role: Role, features: Features) -> FeaturesEntry:
    """What the manifest says of them."""
    return FeaturesEntry(
        file=features_file(role),
        id_type="int" if features.ids.id_type is int else "str",
        id_name=features.encoder.id_name,
        n_rows=len(features.ids),
        n_entries=len(features.matrix.value),
        columns=tuple(map(_column_entry, features.encoder.columns)),
    )


def feature_arrays(features: Features) -> Arrays:
    """The matrix, its ids, and the terms and knots of all columns one after the other."""
    columns, matrix = features.encoder.columns, features.matrix
    terms = [term for column in columns if isinstance(column, TermsColumn) for term in column.terms]
    knots = [column.knots for column in columns if isinstance(column, NumberColumn)]
    return {
        **pack_ids(features.ids),
        **pack_texts("terms", terms),
        "knots": np.concatenate([np.empty(0), *knots]),
        "start": matrix.start,
        "column": matrix.column,
        "value": matrix.value,
    }


def read_role(folder: VerifiedFolder[M], entry: FeaturesEntry) -> Features:
    """The features of items, or of users, in a serving folder.

    Raises:
        RunError: the file is damaged.
    """
    arrays, path = folder.arrays(entry.file), folder.path / entry.file
    known = ("n_rows", "n_entries", "n_terms", "n_knots", "n_columns")
    check_layout(path, arrays, features_layout(entry), **{name: getattr(entry, name) for name in known})
    with consistent(path):
        return read_features(arrays, entry)


def features_layout(entry: FeaturesEntry) -> Layout:
    """What the arrays are."""
    return {
        **ids_layout(entry.id_type, "n_rows"),
        **texts_layout("terms", "n_terms"),
        "knots": ArraySpec("float64", ("n_knots",)),
        "start": ArraySpec("int64", (("n_rows", 1),), starts="n_entries"),
        "column": ArraySpec("int32", ("n_entries",), 0, ("n_columns", -1)),
        "value": ArraySpec("float32", ("n_entries",), -LARGEST_Z, LARGEST_Z),
    }


def read_features(arrays: Arrays, entry: FeaturesEntry) -> Features:
    """The features of arrays that are as their layout says.

    Raises:
        ValueError: texts are not utf-8, ids or knots do not rise, or a row has a column twice.
    """
    matrix = FeatureMatrix(arrays["start"], arrays["column"], arrays["value"], entry.n_columns)
    matrix.check()
    columns = tuple(_columns(entry, unpack_texts("terms", arrays), arrays["knots"]))
    return Features(unpack_ids(arrays), FeatureEncoder(entry.id_name, columns), matrix)


def _column_entry(column: EncodedColumn) -> ColumnEntry:
    match column:
        case TermsColumn(source, kind, separator, terms):
            return ColumnEntry(source=source, kind=kind, separator=separator, n_terms=len(terms))
        case NumberColumn(source, kind, form, mean, std, knots):
            return ColumnEntry(
                source=source,
                kind=kind,
                decimal=form.decimal,
                date=form.date,
                mean=mean,
                std=std,
                n_knots=len(knots),
            )


def _columns(entry: FeaturesEntry, terms: Array, knots: Array) -> Iterator[EncodedColumn]:
    n_terms = n_knots = 0
    for column in entry.columns:
        if column.kind == "category" or column.kind == "list" or column.kind == "text":
            own = tuple(terms[n_terms : n_terms + column.n_terms].tolist())
            n_terms += len(own)
            yield TermsColumn(column.source, column.kind, column.separator, own)
        else:
            near = knots[n_knots : n_knots + column.n_knots]
            n_knots += len(near)
            if not (near[1:] > near[:-1]).all():
                raise ValueError("the array 'knots' does not rise within a column")
            form = NumberForm(column.decimal, column.date)
            yield NumberColumn(column.source, column.kind, form, column.mean, column.std, near)
