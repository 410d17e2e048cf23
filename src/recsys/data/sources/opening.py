"""Opens files by what they are: the format is known by their first bytes."""

from __future__ import annotations

from pathlib import Path

from recsys.config.schema.data import Data, SourceName
from recsys.core.errors import DataError
from recsys.core.events import Observer
from recsys.core.resolve import resolve
from recsys.data.catalogue import ItemCatalogue
from recsys.data.features.table import FeatureTable
from recsys.data.sources.find_feature_ids import FeatureRequest
from recsys.data.sources.not_read import N_BYTES, UNPACK, unreadable
from recsys.data.sources.origin import Frame, Origin
from recsys.data.sources.protocol import Source
from recsys.data.sources.several import SeveralFiles, files_of
from recsys.data.sources.specs import FRAME, FRAME_FEATURES, SOURCES, SourceSpec
from recsys.data.sources.stored import compression, must_be_file, size_of, start_of, unpacked_start_of
from recsys.data.sources.streams import is_stream
from recsys.data.vocabulary import Vocabulary

READ = "CSV, Parquet, Arrow (Feather) or JSON lines"


def open_source(origin: Origin, data: Data, observe: Observer) -> Source:
    """Ratings, pairs or items: in a file, a stream, several files or a table in memory.

    Args:
        data: how it is written and what its columns are called, as far as the config says it.
        observe: gets a `Loading` now and then while rows are read, and one at the end.

    Raises:
        DataError: it is not there, is empty, may not be read, or is of no format that is read here.
    """
    if not isinstance(origin, Path | tuple):
        table: Source = resolve(FRAME)(origin, data, observe)
        return table
    files = files_of(origin)
    opened = [(_spec(file), file) for file in files]
    sources: list[Source] = [resolve(spec.source)(_table(spec, file, data), data, observe) for spec, file in opened]
    return sources[0] if len(sources) == 1 else SeveralFiles(sources, files)


def source_of(origin: Origin) -> SourceName:
    """What the origin is, as a config says it: a stream where one of several is."""
    if not isinstance(origin, Path | tuple):
        return "frame"
    return "stream" if any(map(is_stream, files_of(origin))) else "file"


def bytes_of(origin: Origin) -> int | None:
    """How many bytes it has as it lies on disk; None where it is no file."""
    if not isinstance(origin, Path | tuple) or source_of(origin) != "file":
        return None
    return sum(size_of(file) for file in files_of(origin))


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
    spec = _spec(path)
    catalogue: ItemCatalogue = resolve(spec.catalogue)(_table(spec, path, data), data, item_name, items, observe)
    return catalogue


def read_feature_table(origin: Path | Frame, data: Data, request: FeatureRequest, observe: Observer) -> FeatureTable:
    """A features file, or a table in memory of features.

    Args:
        data: how an items file is written, as far as the config says it.

    Raises:
        DataError: it cannot be read, or the column of ids is not there.
    """
    if not isinstance(origin, Path):
        held: FeatureTable = resolve(FRAME_FEATURES)(origin, data, request, observe)
        return held
    spec = _spec(origin)
    table: FeatureTable = resolve(spec.features)(_table(spec, origin, data), data, request, observe)
    return table


def _table(spec: SourceSpec, path: Path, data: Data) -> object:
    return path if spec.table is None else resolve(spec.table)(path, data)


def _spec(path: Path) -> SourceSpec:
    must_be_file(path)
    packed, start = compression(path), start_of(path, N_BYTES)
    kind = unreadable(start)  # before it is unpacked: an Excel workbook is a zip archive
    start = start if kind else unpacked_start_of(path, N_BYTES)
    fitting = [(len(magic), spec) for spec in SOURCES.values() for magic in spec.magic if start.startswith(magic)]
    length, spec = max(fitting, key=lambda pair: pair[0])
    kind = kind or unreadable(start)
    if kind is not None and not length:
        raise DataError(f"this is {kind.what}", where=str(path), expected=READ, hint=kind.hint)
    if packed is not None and not spec.is_unpacked:
        raise DataError(f"it is compressed by {packed} as a whole", where=str(path), expected=READ, hint=UNPACK)
    return spec
