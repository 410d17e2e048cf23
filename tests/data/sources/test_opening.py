"""A format is an entry in a table: one that is made up here is read, profiled and trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from recsys.config.schema.data import Data
from recsys.config.schema.features import FeatureColumns
from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.events import Observer, silent
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.table import FeatureColumn, FeatureTable
from recsys.data.profile import profile
from recsys.data.read import read_ratings
from recsys.data.sources import opening, specs
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts
from recsys.data.sources.csv.source import CsvSource
from recsys.data.sources.find_feature_ids import FeatureRequest
from recsys.data.sources.opening import open_source, read_feature_table
from recsys.data.sources.protocol import ColumnRequest, Layout
from recsys.data.sources.specs import SourceSpec
from recsys.data.sources.stored import Digest, fingerprint
from recsys.data.sources.table import as_texts
from recsys.data.vocabulary import Vocabulary

MAGIC = b"STARS1\n"
ROWS = [("ann", "x", 1.0), ("bob", "x", 2.0), ("ann", "y", 3.0), ("bob", "y", 5.0)]


class Stars:
    """A file of lines "USER gives ITEM ★★★", in which a rating is a number of stars."""

    is_repeatable = True

    def __init__(self, path: Path, data: Data, observe: Observer) -> None:
        self.path = path

    def layout(self, columns: ColumnRequest) -> Layout:
        names = {"user": "first", "item": "third", "rating": "stars"}
        return Layout(dict(names), dict(names), (), {"format": "stars"}, "stars")  # type: ignore[arg-type]

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        rows = [line.split(" ") for line in self.path.read_text().splitlines()[1:]]
        for row in rows[part::n_parts]:
            user, item = (CodedIds(np.zeros(1, np.int32), PackedTexts.of([text])) for text in (row[0], row[2]))
            yield Batch(user, item, np.array([len(row[3])], np.float32), None, None, 1, share=1.0)

    def locate(self, row: int) -> str:
        return f"{self.path}:{row + 2}"

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        return digest(self.path)


def read_names(path: Path, data: Data, item_name: str | None, items: Vocabulary, observe: Observer) -> ItemCatalogue:
    return ItemCatalogue({"x": f"The {item_name} column"})


def read_stars(path: Path, data: Data, request: FeatureRequest, observe: Observer) -> FeatureTable:
    rows = [line.split(" ") for line in path.read_text().splitlines()[1:]]
    ids = as_texts([row[2] for row in rows])
    return FeatureTable(path, "third", ids, {"stars": FeatureColumn.of(row[3] for row in rows)}, str)


@pytest.fixture
def stars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    spec = SourceSpec((MAGIC,), f"{__name__}:Stars", f"{__name__}:read_names", f"{__name__}:read_stars")
    monkeypatch.setitem(specs.SOURCES, "stars", spec)
    code = {spec.source: Stars, spec.catalogue: read_names, spec.features: read_stars}
    resolve = opening.resolve
    monkeypatch.setattr(opening, "resolve", lambda name: code.get(name) or resolve(name))
    path = tmp_path / "ratings"
    path.write_text(MAGIC.decode() + "".join(f"{user} gives {item} {int(n) * '★'}\n" for user, item, n in ROWS))
    return path


def test_a_new_format_is_read_by_what_the_file_is(stars: Path) -> None:
    dataset = read_ratings(Data(ratings=stars, items=stars), ALONE)
    assert list(dataset.ratings.to_frame().itertuples(index=False, name=None)) == ROWS
    assert dataset.fingerprints == {"ratings": hashlib.sha256(stars.read_bytes()).hexdigest()}
    assert dataset.catalogue.titles == {"x": "The third column"}


def test_features_are_read_from_a_new_format(stars: Path) -> None:
    table = read_feature_table(stars, Data(ratings=stars), FeatureRequest("item", FeatureColumns()), silent)
    assert table.ids.tolist() == ["x", "x", "y", "y"]
    assert table.columns["stars"].values == ("★", "★★", "★★★", "★★★★★")


def test_a_new_format_is_profiled(stars: Path) -> None:
    seen = profile(stars, Data(ratings=stars))
    assert (seen.n_ratings, seen.n_users, seen.layout.facts) == (4, 2, {"format": "stars"})


def test_errors_name_the_rows_of_a_new_format(stars: Path) -> None:
    stars.write_text(stars.read_text() + "ann gives x ★★\n")
    with pytest.raises(DataError, match="before, in line 2") as caught:
        read_ratings(Data(ratings=stars), ALONE)
    assert caught.value.where == f"{stars}:6"


def test_formats_may_be_mixed(stars: Path, tmp_path: Path) -> None:
    (tmp_path / "test.csv").write_text("user,item,rating\nann,z,2\n")
    dataset = read_ratings(Data(train=stars, test=tmp_path / "test.csv"), ALONE)
    assert dataset.given == {"train": slice(0, 4), "test": slice(4, 5)}
    assert dataset.ratings.items.ids.tolist() == ["x", "y", "z"]


def test_any_other_file_is_text(stars: Path, written: Any) -> None:
    data = written("1,2,3\n")
    assert isinstance(open_source(data.ratings, data, silent), CsvSource)
    assert isinstance(open_source(stars, data, silent), Stars)


def test_a_file_of_a_known_other_kind_is_refused_unless_a_format_reads_it(
    stars: Path, written: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = written(b"SQLite format 3\0" + bytes(20))
    with pytest.raises(DataError, match="this is an SQLite database"):
        open_source(data.ratings, data, silent)
    stars_spec = specs.SOURCES["stars"]
    monkeypatch.setitem(specs.SOURCES, "stars", replace(stars_spec, magic=(b"SQLite",)))
    assert isinstance(open_source(data.ratings, data, silent), Stars)
