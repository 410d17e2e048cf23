"""Columns of a features file as columns of a matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from recsys.core.types import Float64Array
from recsys.data.features.encoder import EncodedColumn, FeatureEncoder, NumberColumn, TermsColumn
from recsys.data.features.parse import BRACKETS, NumberForm
from recsys.data.features.table import FeatureColumn, FeatureTable, Value
from recsys.data.sources.table import as_texts


def encoded(column: EncodedColumn, *fields: Value | None) -> Float64Array:
    texts = as_texts([str(number) for number in range(len(fields))])
    table = FeatureTable(Path("items.csv"), "id", texts, {column.source: FeatureColumn.of(fields)}, str)
    encoder = FeatureEncoder("id", (column,))
    return encoder.encode(table).times(np.eye(encoder.n_columns)).round(3)


def test_lists_weigh_the_same_whatever_their_length() -> None:
    genres = TermsColumn("genres", "list", "|", ("Comedy", "Drama"))
    rows = encoded(genres, "Comedy|Drama|Comedy", "Drama", None, "Horror | Comedy", ("Drama", "Comedy"))
    assert rows.tolist() == [[0.707, 0.707], [0, 1], [0, 0], [1, 0], [0.707, 0.707]]
    assert genres.names == ["genres: Comedy", "genres: Drama"]


def test_lists_may_be_written_as_python_and_json_write_them() -> None:
    genres = TermsColumn("genres", "list", BRACKETS, ("Comedy", "Drama"))
    rows = encoded(genres, "['Drama', 'Comedy']", '["Drama"]', "[{'id': 3, 'name': 'Comedy'}]", "[Drama", "[]")
    assert rows.tolist() == [[0.707, 0.707], [0, 1], [1, 0], [0, 0], [0, 0]]


def test_words_are_found_in_any_case() -> None:
    title = TermsColumn("title", "text", None, ("star", "wars"))
    assert encoded(title, "Star Wars: Episode IV", "A STAR is born", "?").tolist() == [[0.707, 0.707], [1, 0], [0, 0]]


def test_a_number_is_standardised_and_shared_out_to_the_knots_beside_it() -> None:
    form, knots = NumberForm(decimal=","), np.array([0.0, 1.0, 3.0])
    price = NumberColumn("price", "number", form, mean=1.0, std=0.5, knots=knots)
    rows = encoded(price, "0,5", "99", "1", "NA", "cheap")
    assert rows.tolist() == [[-1, 0.5, 0.5, 0], [3, 0, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert price.names == ["price", "price near 0", "price near 1", "price near 3"]


def test_dates_and_years_behind_titles_are_years() -> None:
    released = NumberColumn("released", "date", NumberForm(), mean=1970.0, std=10.0, knots=np.empty(0))
    assert encoded(released, "1990-01-01", "1970-01-01", "soon").tolist() == [[2], [0], [0]]
    title = NumberColumn("title", "year", NumberForm(), mean=1980.0, std=10.0, knots=np.empty(0))
    assert encoded(title, "Alien (1979)", "Doctor Who (1963–1989) ", "1984").tolist() == [[-0.1], [-1.7], [0]]
    assert title.names == ["title (year)"]


def test_a_column_that_the_file_lacks_holds_nothing() -> None:
    encoder = FeatureEncoder("id", (TermsColumn("genres", "list", "|", ("Comedy",)),))
    matrix = encoder.encode(FeatureTable(Path("new.csv"), "id", as_texts(["1", "2"]), {}, str))
    assert matrix.has_any.tolist() == [False, False]
