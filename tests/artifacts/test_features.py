"""Features in a serving folder."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pydantic import ValidationError

from recsys.artifacts.check_arrays import LayoutError, check_arrays
from recsys.artifacts.feature_entries import FeaturesEntry
from recsys.artifacts.features import feature_arrays, features_entry, features_layout, read_features
from recsys.data.features.encoder import FeatureEncoder, NumberColumn, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.features.parse import NumberForm
from recsys.data.vocabulary import Vocabulary

KNOTS = np.array([1930.0, 1980.0, 2010.0])
ENCODER = FeatureEncoder(
    "id",
    (
        TermsColumn("genres", "list", "|", ("Comedy", "Drama")),
        NumberColumn("year", "number", NumberForm(","), 1980.0, 12.5, KNOTS),
        TermsColumn("colour", "category", None, ("red",)),
    ),
)
MATRIX = FeatureMatrix(np.array([0, 2, 3]), np.array([0, 6, 2], np.int32), np.array([1, 1, -2], np.float32), 7)
FEATURES = Features(Vocabulary(np.array([7, 9])), ENCODER, MATRIX)
SIZES = {"n_rows": 2, "n_entries": 3, "n_terms": 3, "n_knots": 3, "n_columns": 7}


def test_features_come_back_as_they_were() -> None:
    entry, arrays = features_entry("item", FEATURES), feature_arrays(FEATURES)
    check_arrays(arrays, features_layout(entry), {name: getattr(entry, name) for name in SIZES})
    read = read_features(arrays, entry)
    assert read.encoder.names == ENCODER.names
    np.testing.assert_array_equal(read.matrix.times(np.eye(7)), MATRIX.times(np.eye(7)))
    assert read.rows_of(Vocabulary(np.array([1, 9]))).tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("column", np.array([0, 7, 2], np.int32), "'column' holds 7"),
        ("value", np.array([1, 9, 1], np.float32), "'value' holds 9"),
        ("start", np.array([0, 2, 4]), "'start' does not rise from 0 to 3"),
        ("knots", np.array([1.0]), "'knots' is float64"),
    ],
)
def test_other_arrays_are_refused(name: str, array: np.ndarray, why: str) -> None:
    entry, arrays = features_entry("item", FEATURES), {**feature_arrays(FEATURES), name: array}
    with pytest.raises(LayoutError, match=why):
        check_arrays(arrays, features_layout(entry), {name: getattr(entry, name) for name in SIZES})


@pytest.mark.parametrize(
    ("name", "array", "why"),
    [
        ("column", np.array([6, 0, 2], np.int32), "columns of a row do not rise"),
        ("knots", np.array([3.0, 2.0, 1.0]), "'knots' does not rise"),
    ],
)
def test_arrays_without_order_are_refused(name: str, array: np.ndarray, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_features({**feature_arrays(FEATURES), name: array}, features_entry("item", FEATURES))


@pytest.mark.parametrize("key", ["separator", "std", "n_knots", "kind"])
def test_rules_have_bounds(key: str) -> None:
    entry = features_entry("item", FEATURES).to_dict()
    entry["columns"][0][key] = {"separator": "", "std": 0.0, "n_knots": -1, "kind": "tensor"}[key]  # type: ignore[index, call-overload]
    with pytest.raises(ValidationError, match=key):
        FeaturesEntry.model_validate_json(json.dumps(entry))
