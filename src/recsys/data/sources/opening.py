"""Opens files by what they are: the format is known by their first bytes."""

from __future__ import annotations

from pathlib import Path

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.core.resolve import resolve
from recsys.data.catalogue import ItemCatalogue
from recsys.data.sources.protocol import Source
from recsys.data.sources.specs import SOURCES, SourceSpec
from recsys.data.sources.stored import must_be_file, start_of
from recsys.data.vocabulary import Vocabulary

NOT_READ = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ\x00": "compressed by xz",
    b"PAR1": "a parquet file",
    b"SQLite format 3": "an SQLite database",
}


def open_source(path: Path, data: Data, observe: Observer) -> Source:
    """A file of ratings, pairs or items.

    Args:
        data: how it is written and what its columns are called, as far as the config says it.
        observe: gets a `Loading` now and then while rows are read, and one at the end.

    Raises:
        DataError: it is not there, is empty, may not be read, or is of no format that is read here.
    """
    source: Source = resolve(_spec(path).source)(path, data, observe)
    return source


def read_catalogue(
    path: Path, data: Data, item_name: str | None, items: Vocabulary, observe: Observer
) -> ItemCatalogue:
    """What an items file says of items.

    Args:
        data: which of its columns are which, and how it is written, as far as the config says it.
        item_name: what the ratings call the column of the item ids.
        items: which ids to keep, and their type.

    Raises:
        DataError: the file cannot be read, or a column is not there.
    """
    catalogue: ItemCatalogue = resolve(_spec(path).catalogue)(path, data, item_name, items, observe)
    return catalogue


def _spec(path: Path) -> SourceSpec:
    must_be_file(path)
    start = start_of(path)
    fitting = [(len(magic), spec) for spec in SOURCES.values() for magic in spec.magic if start.startswith(magic)]
    length, spec = max(fitting, key=lambda pair: pair[0])
    for magic, what in NOT_READ.items():
        if start.startswith(magic) and len(magic) > length:
            hint = "write it as CSV; recsys reads .csv, .csv.gz and .csv.zst"
            raise DataError(f"this is {what}", where=str(path), expected="a text file", hint=hint)
    return spec
