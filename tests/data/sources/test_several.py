"""A pattern names several files, which are read as one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

import recsys
from recsys.config.schema.data import Columns, Data
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import silent
from recsys.data.interactions import Dataset
from recsys.data.profile import profile
from recsys.data.read import read_ratings
from recsys.data.sources.collect import collect
from recsys.data.sources.opening import open_source
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import EVERYTHING

ROWS = [(1, 10, 4.0), (2, 20, 3.0), (1, 20, 5.0), (3, 10, 1.0)]


@pytest.fixture
def parts(tmp_path: Path) -> Path:
    """Two files of the ROWS; returns the pattern that names them."""
    user, item, rating = zip(*ROWS[:2], strict=True)
    parquet.write_table(pa.table({"user": user, "item": item, "rating": rating}), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text("userId;movieId;score\n1;20;5\n3;10;1\n")
    return tmp_path / "*[ab].*"


def read(path: Path | tuple[Path, ...]) -> Dataset:
    return read_ratings(Data(ratings=path), ALONE)


def test_the_rows_of_all_files(parts: Path) -> None:
    dataset = read(parts)
    assert list(dataset.ratings.to_frame().itertuples(index=False, name=None)) == ROWS
    assert profile(parts, Data(ratings=parts)).layout.description == "Parquet, in 2 files"


def test_a_list_of_files_in_its_order(parts: Path) -> None:
    files = parts.with_name("b.csv"), parts.with_name("a.*")
    assert list(read(files).ratings.to_frame().itertuples(index=False, name=None)) == ROWS[2:] + ROWS[:2]
    assert read((parts,)).fingerprints == read(parts).fingerprints
    with pytest.raises(DataError, match="there is no such file"):
        read((*files, parts.with_name("c.csv")))


def test_init_writes_what_is_alike_in_all_files(parts: Path) -> None:
    files = [parts.with_name("a.parquet"), parts.with_name("b.csv")]
    found = recsys.init(files, parts.with_name("c.yaml"))
    assert (found.path, found.n_ratings) == (Path(f"{files[0]} and 1 other file"), 4)
    data = recsys.load_config(parts.with_name("c.yaml")).data
    assert (data.ratings, data.columns, data.delimiter) == (tuple(files), Columns(timestamp=None), "auto")
    assert len(read_ratings(data, ALONE).ratings) == 4


def test_the_fingerprint_is_that_of_all_files(parts: Path) -> None:
    before = read(parts).fingerprints["ratings"]
    assert read(parts).fingerprints["ratings"] == before
    (parts.parent / "b.csv").write_text("userId;movieId;score\n1;20;5\n3;10;2\n")
    assert read(parts).fingerprints["ratings"] != before


def test_an_error_names_the_file(parts: Path) -> None:
    (parts.parent / "b.csv").write_text("userId;movieId;score\n1;20;5\n2;20;1\n")
    with pytest.raises(DataError, match="row 2") as caught:
        read(parts)
    assert caught.value.where == f"{parts.parent / 'b.csv'}:3"


def test_the_parts_share_the_files(parts: Path) -> None:
    source = open_source(parts, Data(ratings=parts), silent)
    tables = [collect(source.batches(ColumnRequest(EVERYTHING), part, 2)) for part in range(2)]
    assert [table.n_rows for table in tables] == [2, 2]
    assert open_source(parts, Data(ratings=parts), silent).locate(3) == f"{parts.parent / 'b.csv'}:3"


def test_files_with_other_columns_are_refused(parts: Path) -> None:
    (parts.parent / "b.csv").write_text("userId;movieId;score;time\n1;20;5;7\n")
    with pytest.raises(DataError, match="no column of timestamps here, and there is one in") as caught:
        read(parts)
    assert caught.value.where == str(parts.parent / "a.parquet")


def test_a_pattern_that_names_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no file fits this pattern"):
        read(tmp_path / "*.parquet")


def test_a_file_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    (tmp_path / "r[1].csv").write_text("user,item,rating\n1,2,3\n2,3,4\n")
    assert len(read(tmp_path / "r[1].csv").ratings) == 2
