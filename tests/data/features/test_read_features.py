"""Features files read, typed and matched with the ids of the ratings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest

from recsys.config.loading.load import config_from
from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.features.read import FeaturesFile, describe, merged, read_features_file
from recsys.data.sources.table import as_texts
from recsys.data.vocabulary import Vocabulary

ITEMS = Vocabulary(np.array([1, 2, 3, 7]))
MOVIES = (
    "movieId,title,genres\n2,Heat (1995),Crime|Drama\n1,Toy Story (1995),Comedy\n9,Up (2009),Comedy|Drama\n7,M,NA\n"
)
COLUMNS = {"id": [2, 1, 9, 7], "price": [1.0, 2.5, None, 4.0], "genres": [["a", "b"], ["a"], ["b"], None]}


def read(path: Path, known: Vocabulary = ITEMS, frame: Any = None, **columns: object) -> FeaturesFile:
    data = {"ratings": "ratings.csv", "item_features": str(path), "item_feature_columns": columns}
    return read_features_file(config_from({"data": data}, Path.cwd()).data, "item", known, silent, frame)


def written(folder: Path, text: str) -> Path:
    path = folder / "movies.csv"
    path.write_text(text)
    return path


def test_a_file_has_all_ids_in_order(tmp_path: Path) -> None:
    file = read(written(tmp_path, MOVIES))
    features = file.features
    assert features.ids.ids.tolist() == [1, 2, 7, 9]
    assert features.encoder.names == ["title (year)", "genres: Comedy", "genres: Drama"]
    rows = features.matrix_of(ITEMS).times(np.eye(3)).round(2)
    assert rows.tolist() == [[-0.71, 1, 0], [-0.71, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert list(describe(file, "item", len(ITEMS))) == [
        "movies.csv has features of 4 items, among them 3 of the 4 of training: title (year) and genres (list)"
    ]


def test_columns_that_are_not_used_are_named(tmp_path: Path) -> None:
    file = read(written(tmp_path, "movieId,colour,weight,code\n1,red,5,a\n2,red,6,b\n7,red,5,c\n"))
    assert list(describe(file, "item", len(ITEMS)))[1:] == [
        "columns of movies.csv that are not used: colour (all rows have the same value),"
        " code (all rows have values of their own)"
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("tt1,M,NA\ntt2,N,Drama\n", "2 rows of movies.csv left out: {}, and 'tt1' (line 6) is none"),
        ("tt1,M,NA\n", "1 row of movies.csv left out: {}, and 'tt1' (line 6) is none"),
    ],
)
def test_rows_whose_ids_cannot_be_ids_of_the_ratings_are_counted(tmp_path: Path, rows: str, said: str) -> None:
    file = read(written(tmp_path, MOVIES + rows))
    assert file.features.ids.ids.tolist() == [1, 2, 7, 9]
    assert list(describe(file, "item", len(ITEMS)))[1:] == [said.format("item ids of the ratings are whole numbers")]


@pytest.mark.parametrize("form", ["parquet", "feather", "jsonl", "frame"])
def test_tables_keep_their_types(tmp_path: Path, form: str) -> None:
    table, path = pa.table(COLUMNS), tmp_path / f"items.{form}"
    match form:
        case "parquet":
            pyarrow.parquet.write_table(table, path)
        case "feather":
            pyarrow.feather.write_feather(table, path)
        case "jsonl":
            import json

            path.write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    features = read(path, frame=table if form == "frame" else None).features
    assert features.encoder.names == ["price", "genres: a", "genres: b"]
    assert features.matrix.times(np.eye(3))[:2, 1:].round(2).tolist() == [[1, 0], [0.71, 0.71]]


def test_ids_are_of_the_type_of_the_ratings(tmp_path: Path) -> None:
    file = read(written(tmp_path, "isbn,year\n0007,1999\n08,2001\nx,2002\n"), Vocabulary(as_texts(["0007", "x"])))
    assert file.features.ids.ids.tolist() == ["0007", "08", "x"]


def test_columns_can_be_chosen_and_said_what_they_are(tmp_path: Path) -> None:
    path = written(tmp_path, "a;b;id;c\n1;5;1;red sea\n2;5;2;red sky\n2;6;7;blue sky\n")
    features = read(path, use=["a", "c"], categories=["a"], texts=["c"], max_terms=1).features
    assert features.encoder.names == ["a: 2", "c: red"]


def test_so_many_columns_that_no_prior_is_learned_in_time_are_refused(tmp_path: Path) -> None:
    rows = "".join(f"{number},{','.join(f'{number % 1_000}-{tag}' for tag in 'abcdef')}\n" for number in range(2_000))
    with pytest.raises(DataError, match="6,000 columns") as caught:
        read(written(tmp_path, f"movieId,a,b,c,d,e,f\n{rows}"), lists=list("abcdef"))
    assert caught.value.expected == "at most 5,000"


def test_what_is_made_of_ratings_has_to_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "id,year,average_rating\n1,1990,4.5\n2,1991,3.5\n7,1992,4\n")
    assert read(path).features.encoder.names == ["year"]
    assert read(path, numbers=["average_rating"]).features.encoder.names == ["year", "average_rating"]


@pytest.mark.parametrize(
    ("text", "columns", "message"),
    [
        (MOVIES, {"id": "movie"}, "there is no column 'movie'.*did you mean movieId"),
        (MOVIES, {"use": ["genre"]}, "no column 'genre' beside the ids.*did you mean genres"),
        (MOVIES, {"separator": ";"}, r"has ';' between categories.*is it '\|'"),
        (MOVIES, {"lists": ["title"]}, "title has no separator, and most of its categories are in one row alone"),
        (MOVIES, {"numbers": ["genres"]}, "most fields of the column genres are no numbers"),
        (MOVIES, {"id": "genres"}, "none of the 4 items of the ratings.*is it movieId, which has 75%"),
        (MOVIES + "2,Heat,Crime\n", {}, r"movies.csv:6 the id 2 is there a second time, after line 2"),
        ("movieId,name\n1,x\n2,y\n", {}, "no column can be used.*name: all rows have values of their own"),
        ("movieId\n1\n2\n", {}, "no column can be used.*the ids alone"),
        ("x,y\n1,a\n2,a\n", {}, "no column of item ids was found.*data.item_feature_columns.id"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, columns: dict[str, object], message: str) -> None:
    with pytest.raises(DataError) as refused:
        read(written(tmp_path, text), **columns)
    error = refused.value
    whole = " ".join(filter(None, (error.where, error.what, error.expected, error.hint)))
    import re

    assert re.search(message, whole), whole


def test_later_rows_win(tmp_path: Path) -> None:
    old = read(written(tmp_path, MOVIES)).features
    again = written(tmp_path, "movieId,genres\n2,Comedy\n4,Drama|War\n")
    data = config_from({"data": {"ratings": "r.csv", "item_features": str(again)}}, Path.cwd()).data
    new = read_features_file(data, "item", ITEMS, silent, None, old.encoder).features
    both = merged(old, new)
    assert both.ids.ids.tolist() == [1, 2, 4, 7, 9]
    assert both.matrix.times(np.eye(3)).round(2)[1:3].tolist() == [[0, 1, 0], [0, 0, 1]]
