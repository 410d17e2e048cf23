"""The fast reader: Arrow parses, each batch is coded meanwhile; whatever is doubtful goes to the reference reader."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.data.body import UNIT_SEPARATOR, Body, DoubtfulError, QuotedError
from recsys.data.dialect import Dialect, knows_quotes
from recsys.data.progress import Progress
from recsys.data.slow import first_time_is_iso
from recsys.data.table import Coded, Role, Table, as_texts, remap
from recsys.data.values import has_zone
from recsys.data.vocabulary import Indices
from recsys.records import Observer

BLOCK = 8 << 20  # bytes that Arrow parses at a time: 4 MiB are slower, 16 take 50 MB more
AHEAD = 1  # batches that may wait to be coded: 2 are no faster and take 40 MB more

DTYPES = {"user": np.int32, "item": np.int32, "rating": np.float32, "timestamp": np.float64}


def read_fast(dialect: Dialect, columns: dict[Role, int], observe: Observer) -> Table | None:
    """Reads the `columns` (role → position from 0) of a file, as read_slow does; None if that one has to.

    It answers None for every file with an error in it, which read_slow then locates, and for some that are right
    but unusual.
    """
    import pyarrow as pa

    quoted = False
    while True:
        body = Body(dialect, quoted=quoted)
        try:
            return _read(dialect, columns, body, quoted, Progress(dialect.path, observe))
        except QuotedError:
            quoted = True
        except (pa.ArrowException, DoubtfulError):
            return None
        finally:
            body.close()


def _read(dialect: Dialect, columns: dict[Role, int], body: Body, quoted: bool, progress: Progress) -> Table:
    is_iso = first_time_is_iso(dialect, columns)
    grown = {role: _Growing(role) for role in columns}
    dictionaries: dict[Role, list[Any]] = {"user": [], "item": []}
    n_rows = 0
    with closing(_ahead(_batches(dialect, columns, body, is_iso, quoted), list(columns))) as batches:
        for n_batches, batch in enumerate(batches, start=1):
            n_rows += batch.n_rows
            done, total = body.progress
            parsed = min(done, n_batches * BLOCK)  # Arrow has read further ahead
            for role, column in grown.items():
                offset = sum(map(len, dictionaries[role])) if role in dictionaries else 0
                column.append(batch.columns[role], offset, expected=int(1.01 * n_rows * total / max(1, parsed)))
            for role, texts in batch.texts.items():
                dictionaries[role].append(texts)
            progress.now(done, total)
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


def _batches(dialect: Dialect, columns: dict[Role, int], body: Body, is_iso: bool, quoted: bool) -> Generator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    many = not knows_quotes(dialect.delimiter)
    types: dict[Role, Any] = {
        "user": pa.string(),
        "item": pa.string(),
        "rating": pa.float64(),
        "timestamp": pa.float64(),
    }
    if is_iso:
        zone = "UTC" if has_zone(dialect.sample[0][columns["timestamp"]]) else None
        types["timestamp"] = pa.timestamp("us", tz=zone)
    # Doubles, rounded to float32 afterwards: exactly what Python's float() and then float32 give.
    reader = csv.open_csv(
        pa.PythonFile(body, mode="r"),
        read_options=csv.ReadOptions(
            block_size=BLOCK, use_threads=False, column_names=[str(k) for k in range(dialect.width)]
        ),
        parse_options=csv.ParseOptions(
            delimiter=UNIT_SEPARATOR.decode() if many else dialect.delimiter,
            quote_char=False if many else '"',
            newlines_in_values=quoted,
        ),
        convert_options=csv.ConvertOptions(
            column_types={str(position): types[role] for role, position in columns.items()},
            include_columns=[str(position) for position in columns.values()],
            null_values=[],
            strings_can_be_null=False,
        ),
    )
    with reader:
        yield from reader


@dataclass(frozen=True)
class _Batch:
    """Some rows as Arrow arrays: numbers and codes by role, and the texts that the codes of this batch mean."""

    columns: dict[Role, Any]
    texts: dict[Role, Any]
    n_rows: int


def _ahead(batches: Generator[Any], roles: list[Role]) -> Generator[_Batch]:
    """Codes batches in a thread while Arrow parses the next ones."""
    waiting: deque[Future[_Batch]] = deque()
    with closing(batches), ThreadPoolExecutor(1) as pool:
        for batch in batches:
            waiting.append(pool.submit(_code, batch, roles))
            del batch
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _code(batch: Any, roles: list[Role]) -> _Batch:
    columns = dict(zip(roles, batch.columns, strict=True))
    texts: dict[Role, Any] = {}
    for role, column in columns.items():
        if role in ("user", "item"):
            encoded = column.dictionary_encode()
            columns[role], texts[role] = encoded.indices, encoded.dictionary
    return _Batch(columns, texts, batch.num_rows)


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

    unified = pa.chunked_array(dictionaries).combine_chunks().dictionary_encode()
    indices: Indices = np.from_dlpack(unified.indices)  # type: ignore[assignment]  # int32 by Arrow's own rule
    texts = unified.dictionary.to_pylist()
    if not all(map(str.strip, texts)):
        raise DoubtfulError
    return Coded(remap(codes, indices), as_texts(texts))
