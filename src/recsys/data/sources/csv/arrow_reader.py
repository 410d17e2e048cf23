"""The fast reader: Arrow parses, each batch is coded meanwhile; whatever is doubtful goes to the reference reader."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.core.events import Observer
from recsys.core.threads import ordered_map
from recsys.core.types import Indices
from recsys.data.sources.csv.blocks import QUOTE, UNIT_SEPARATOR, DoubtfulError, blocks_of
from recsys.data.sources.csv.dialect import Dialect, knows_quotes
from recsys.data.sources.csv.reference_reader import first_time_is_iso
from recsys.data.sources.csv.stored import Stored
from recsys.data.sources.csv.values import has_zone
from recsys.data.sources.progress import Progress
from recsys.data.sources.table import Coded, Role, Table, as_texts, remap

BLOCK = 8 << 20  # bytes that are parsed at a time: with 4 MiB it takes 10% longer, with 16 100 MB more
THREADS = 2  # more are no faster: Python hands out the pieces

DTYPES = {"user": np.int32, "item": np.int32, "rating": np.float32, "timestamp": np.float64}


def read_fast(dialect: Dialect, columns: dict[Role, int], observe: Observer) -> Table | None:
    """Reads the `columns` (role → position from 0) of a file, as read_slow does; None if that one has to.

    It answers None for every file with an error in its rows, which read_slow then locates, and for some that are
    right but unusual. Arrow's own streaming reader is not used: it reads ahead in a thread that needs Python's lock,
    and whoever gives up reading waits for that thread with the lock in hand.

    Raises:
        DataError: a compressed file that is damaged.
    """
    import pyarrow as pa

    with Stored(dialect.path) as stored:
        try:
            return _read(dialect, columns, stored, Progress(dialect.path, observe))
        except (pa.ArrowException, DoubtfulError):
            return None


def _read(dialect: Dialect, columns: dict[Role, int], stored: Stored, progress: Progress) -> Table:
    is_iso = first_time_is_iso(dialect, columns)
    parse = _parser(dialect, columns, is_iso)
    grown = {role: _Growing(role) for role in columns}
    dictionaries: dict[Role, list[Any]] = {"user": [], "item": []}
    n_rows = n_bytes = 0
    blocks = blocks_of(dialect, stored, BLOCK)
    with closing(blocks), closing(ordered_map(parse, blocks, n_threads=THREADS, ahead=THREADS)) as batches:
        for batch in batches:
            n_rows += batch.n_rows
            n_bytes += batch.n_bytes
            expected = int(1.01 * n_rows * stored.total / max(1, min(n_bytes, stored.done)))  # done is further ahead
            for role, column in grown.items():
                offset = sum(map(len, dictionaries[role])) if role in dictionaries else 0
                column.append(batch.columns[role], offset, expected)
            for role, texts in batch.texts.items():
                dictionaries[role].append(texts)
            progress.now(stored.done, stored.total)
    if not n_rows:
        raise DoubtfulError
    del batch
    _give_back()
    ids = {role: _coded(grown[role].array(), dictionaries[role]) for role in ("user", "item") if role in columns}
    return Table(
        user=ids.get("user"),
        item=ids.get("item"),
        rating=grown["rating"].array() if "rating" in columns else None,
        timestamp=grown["timestamp"].array() if "timestamp" in columns else None,
        time_unit=("ISO dates" if is_iso else "seconds") if "timestamp" in columns else None,
        n_rows=n_rows,
    )


@dataclass(frozen=True)
class _Batch:
    """Some rows as Arrow arrays: numbers and codes by role, and the texts that the codes of this batch mean."""

    columns: dict[Role, Any]
    texts: dict[Role, Any]
    n_rows: int
    n_bytes: int


def _parser(dialect: Dialect, columns: dict[Role, int], is_iso: bool) -> Callable[[bytes], _Batch]:
    """A function that parses some whole rows and codes their ids; it may run in any thread."""
    import pyarrow as pa
    from pyarrow import csv

    many = not knows_quotes(dialect.delimiter)
    names = [str(position) for position in range(dialect.width)]
    converting = csv.ConvertOptions(
        column_types={
            names[position]: _arrow_type(role, dialect, columns, is_iso) for role, position in columns.items()
        },
        include_columns=[names[position] for position in columns.values()],
        null_values=[],
        strings_can_be_null=False,
    )

    def parse(rows: bytes) -> _Batch:
        table = csv.read_csv(
            pa.BufferReader(rows),
            read_options=csv.ReadOptions(use_threads=False, block_size=len(rows) + 1, column_names=names),
            parse_options=csv.ParseOptions(
                delimiter=UNIT_SEPARATOR.decode() if many else dialect.delimiter,
                quote_char=False if many else '"',
                newlines_in_values=not many and QUOTE in rows,
            ),
            convert_options=converting,
        )
        return _code(dict(zip(columns, table.columns, strict=True)), table.num_rows, len(rows))

    return parse


def _arrow_type(role: Role, dialect: Dialect, columns: dict[Role, int], is_iso: bool) -> Any:
    """Ratings are doubles, rounded to float32 afterwards: exactly what Python's float() and then float32 give."""
    import pyarrow as pa

    if role in ("user", "item"):
        return pa.dictionary(pa.int32(), pa.string())
    if role == "timestamp" and is_iso:
        return pa.timestamp("us", tz="UTC" if has_zone(dialect.sample[0][columns[role]]) else None)
    return pa.float64()


def _code(columns: dict[Role, Any], n_rows: int, n_bytes: int) -> _Batch:
    texts: dict[Role, Any] = {}
    for role, column in columns.items():
        columns[role] = column.combine_chunks()
        if role in ("user", "item"):
            columns[role], texts[role] = columns[role].indices, columns[role].dictionary
    return _Batch(columns, texts, n_rows, n_bytes)


def _give_back() -> None:
    """Arrow's allocator keeps what it freed, about half a GB of it here, for a next read that does not come."""
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


class _Growing:
    """A column that grows at its end, without a second copy (the allocator moves pages, not bytes)."""

    def __init__(self, role: Role) -> None:
        self._array = np.empty(0, dtype=DTYPES[role])
        self._used = 0

    def append(self, column: Any, offset: int, expected: int) -> None:
        """Adds an Arrow array, plus `offset`; the whole will have about `expected` rows.

        Raises: DoubtfulError, for a number that is not finite.
        """
        end = self._used + len(column)
        if end > len(self._array):
            self._array.resize(max(end, expected), refcheck=False)
        new = self._array[self._used : end]
        self._used = end
        if str(column.type).startswith("timestamp"):
            np.divide(np.from_dlpack(column.view("int64")), 1e6, out=new)
        elif offset:
            np.add(np.from_dlpack(column), offset, out=new)
        else:
            with np.errstate(over="ignore"):
                new[:] = np.from_dlpack(column)
        if new.dtype.kind == "f" and not np.isfinite(new).all():
            raise DoubtfulError

    def array(self) -> Any:
        """What was added, in place."""
        self._array.resize(self._used, refcheck=False)
        return self._array


def _coded(codes: Indices, dictionaries: list[Any]) -> Coded:
    """One dictionary of many, in order of first appearance; `codes` point into all of them laid end to end.

    Raises: DoubtfulError, for an empty id.
    """
    import pyarrow as pa

    (only, *others) = dictionaries
    if others:
        unified = pa.chunked_array(dictionaries).combine_chunks().dictionary_encode()
        indices: Indices = np.from_dlpack(unified.indices)  # type: ignore[assignment]  # int32 by Arrow's own rule
        only, codes = unified.dictionary, remap(codes, indices)
    texts = only.to_pylist()
    if not all(map(str.strip, texts)):
        raise DoubtfulError
    return Coded(codes, as_texts(texts))
