"""The fast reader: Arrow parses and codes blocks in threads; what is doubtful goes to the reference reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.core.events import Observer
from recsys.core.memory import give_back_memory
from recsys.core.threads import ordered_map
from recsys.core.types import Array, Indices, Int32Array
from recsys.data.sources.batches import Batch, CodedIds, PackedTexts, WholeIds
from recsys.data.sources.csv.arrow_columns import delimiter_of_blocks, parsed_columns
from recsys.data.sources.csv.blocks import DoubtfulError, blocks_of
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.plain_numbers import PlainNumbers
from recsys.data.sources.csv.reference_reader import ISO_FORM, time_form, time_in, unit_of
from recsys.data.sources.csv.whole_ids import has_odd_zeros, has_whole_ids
from recsys.data.sources.no_rating import NONE, NoRating
from recsys.data.sources.progress import Progress
from recsys.data.sources.stored import WHOLE, ByteRange, Stored
from recsys.data.sources.table import Role
from recsys.data.sources.values import NAMED_ZONES, zone_of

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8 << 20  # bytes that are parsed at a time: with 4 MiB it takes 10% longer, with 16 100 MB more
ID_ROLES: tuple[Role, ...] = ("user", "item")
THREADS = 2  # more are no faster: Python hands out the blocks
BLANKS = np.zeros(256, dtype=bool)  # bytes that a blank may begin or end with: Python's spaces are not ASCII's alone
BLANKS[[*range(0x09, 0x0E), *range(0x1C, 0x21), *range(0x80, 0x100)]] = True
LINE_ENDS = np.isin(np.arange(256), list(b"\r\n"))


def read_fast(
    dialect: Dialect,
    columns: Mapping[Role, int],
    observe: Observer,
    span: ByteRange = WHOLE,
    no_rating: NoRating = NONE,
) -> Iterator[Batch]:
    """Reads the `columns` (role → position from 0) of a file: the batches that read_slow would give, cut elsewhere.

    Arrow's own streaming reader is not used: it reads ahead in a thread that needs Python's lock, and whoever gives up
    reading waits for that thread with the lock in hand.

    Raises:
        DoubtfulError: read_slow has to read on, after the rows so far. There is an error in the next rows, or they are
            right but unusual.
        DataError: a compressed file that is damaged.
    """
    import pyarrow as pa

    n_bytes = 0
    with Stored(dialect.path, span) as stored:
        progress = Progress(dialect.path, observe)
        blocks = blocks_of(dialect, stored, BLOCK, span)
        parse = _Parser(dialect, columns, no_rating, stored.total)
        with closing(blocks), closing(ordered_map(parse, blocks, n_threads=THREADS, ahead=THREADS)) as parsed:
            try:
                for rows in parsed:
                    n_bytes += rows.n_bytes
                    yield rows.batch(min(n_bytes, stored.done) / stored.total)  # done is further ahead
                    progress.now(stored.done, stored.total)
                    del rows
            except pa.ArrowException as error:
                raise DoubtfulError.of_arrow(error) from None
    give_back_memory()  # about half a GB of it, which Arrow's allocator keeps for a next read that does not come


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of a block."""

    ids: Mapping[Role, CodedIds | WholeIds]
    rating: Array | None
    timestamp: Array | None
    form: str | None
    n_rows: int
    n_bytes: int

    def batch(self, share: float) -> Batch:
        return Batch(
            user=self.ids.get("user"),
            item=self.ids.get("item"),
            rating=self.rating,
            timestamp=self.timestamp,
            time_unit=None if self.timestamp is None else unit_of(self.form),
            n_rows=self.n_rows,
            share=share,
        )


class _Parser:
    """Parses whole rows and codes their ids; it may run in several threads.

    Where all that is asked for are plain numbers, they are read by a compiled loop until something else comes. Ids are
    read as whole numbers, which takes half the time, until one comes that is none.
    """

    def __init__(self, dialect: Dialect, columns: Mapping[Role, int], no_rating: NoRating, n_bytes: int) -> None:
        self._dialect, self._columns, self._no_rating = dialect, columns, no_rating
        self._delimiter = delimiter_of_blocks(dialect)
        self._form = time_form(dialect, columns)
        may_be_plain = self._form is None and not no_rating
        self._plain = PlainNumbers.of(dialect, columns, self._delimiter, n_bytes) if may_be_plain else None
        self._whole = frozenset(role for role in ID_ROLES if role in columns and has_whole_ids(dialect, columns[role]))

    def __call__(self, rows: bytes) -> _Rows:
        plain = None if self._plain is None else self._plain.parse(rows)
        if plain is not None:
            return self._of_numbers(plain, len(rows))
        self._plain = None
        arrays = self._with_whole_ids(rows, self._whole)
        if arrays is None:
            self._whole = frozenset()
            arrays = self._arrays(rows, self._whole)
        return _Rows(
            ids={role: _ids(arrays[role]) for role in ID_ROLES if role in arrays},
            rating=ratings_of(arrays["rating"], self._no_rating) if "rating" in arrays else None,
            timestamp=_finite(_times(arrays["timestamp"], self._form)) if "timestamp" in arrays else None,
            form=self._form,
            n_rows=len(next(iter(arrays.values()))),
            n_bytes=len(rows),
        )

    def _of_numbers(self, columns: Mapping[Role, Array], n_bytes: int) -> _Rows:
        return _Rows(
            ids={role: WholeIds(columns[role]) for role in ID_ROLES if role in columns},
            rating=columns.get("rating"),
            timestamp=columns.get("timestamp"),
            form=None,
            n_rows=len(next(iter(columns.values()))),
            n_bytes=n_bytes,
        )

    def _with_whole_ids(self, rows: bytes, whole: frozenset[Role]) -> dict[Role, Any] | None:
        """The columns, those of `whole` as numbers; None where an id is not written as Python writes it."""
        import pyarrow as pa

        if not whole or has_odd_zeros(rows, ord(self._delimiter)):
            return None
        try:
            arrays = self._arrays(rows, whole)
        except pa.ArrowInvalid:
            return None
        return None if any(arrays[role].null_count for role in whole) else arrays

    def _arrays(self, rows: bytes, whole: frozenset[Role]) -> dict[Role, Any]:
        import pyarrow as pa

        types = {
            position: pa.int32() if role in whole else self._arrow_type(role)
            for role, position in self._columns.items()
        }
        return dict(zip(self._columns, parsed_columns(self._dialect, rows, types, self._no_rating.texts), strict=True))

    def _arrow_type(self, role: Role) -> pa.DataType:
        """Ratings are doubles, rounded to float32 afterwards: exactly what Python's float() and then float32 give."""
        import pyarrow as pa

        is_date = role == "timestamp" and self._form is not None
        zone = zone_of(self._dialect.sample[0][self._columns[role]]) if is_date and self._form == ISO_FORM else None
        if role in ID_ROLES or (is_date and self._form != ISO_FORM) or zone in NAMED_ZONES:
            return pa.dictionary(pa.int32(), pa.string())
        if is_date:
            return pa.timestamp("us", tz="UTC" if zone else None)
        return pa.float64()


def _ids(column: Any) -> CodedIds | WholeIds:
    import pyarrow as pa

    if not pa.types.is_int32(column.type):
        return _coded(column)
    values: Int32Array = np.from_dlpack(column)  # type: ignore[assignment]
    return WholeIds(values)


def _coded(column: Any) -> CodedIds:
    """The column over Arrow's own memory, without blanks around the ids.

    Raises: DoubtfulError, for an empty id, or one of several lines.
    """
    dictionary = column.dictionary
    _, offsets, utf8 = dictionary.buffers()
    first = dictionary.offset
    ends = np.frombuffer(offsets, dtype=np.int32)[first : first + len(dictionary) + 1]
    texts = PackedTexts(np.frombuffer(utf8 or b"", dtype=np.uint8), ends.astype(np.int64))
    codes: Indices = np.from_dlpack(column.indices)  # type: ignore[assignment]
    if not (np.diff(texts.offsets).all() and not LINE_ENDS[texts.utf8].any()):
        raise DoubtfulError("an id that is empty, or of several lines")
    may_be_blank = BLANKS[texts.utf8[texts.offsets[:-1]]] | BLANKS[texts.utf8[texts.offsets[1:] - 1]]
    return _stripped(codes, texts) if may_be_blank.any() else CodedIds(codes, texts)


def _stripped(codes: Indices, texts: PackedTexts) -> CodedIds:
    """The ids without blanks around them; those that are then equal are one.

    Raises: DoubtfulError, for an empty id.
    """
    written = texts.to_list()
    ids = [text.strip() for text in written]
    if ids == written:
        return CodedIds(codes, texts)
    if not all(ids):
        raise DoubtfulError("an id that is blank")
    position = {raw_id: at for at, raw_id in enumerate(dict.fromkeys(ids))}
    code_of = np.array([position[raw_id] for raw_id in ids], dtype=np.int32)
    return CodedIds(code_of[codes], PackedTexts.of(list(position)))


def _numbers(column: Any, dtype: type[np.generic]) -> Array:
    with np.errstate(over="ignore"):
        return np.from_dlpack(column).astype(dtype, copy=False)


def ratings_of(column: Any, no_rating: NoRating) -> Array:
    """The ratings, float32; NaN for codes, which Arrow gives as null where they are texts."""
    if not no_rating:
        return _finite(_numbers(column, np.float32))
    import pyarrow as pa

    is_valid, buffer = column.buffers()  # fill_null and to_numpy would import pandas
    is_null = np.zeros(len(column), dtype=bool)
    if is_valid is not None:
        bits = np.unpackbits(np.frombuffer(is_valid, dtype=np.uint8), bitorder="little")
        is_null = bits[column.offset : column.offset + len(column)] == 0
    stored = pa.Array.from_buffers(pa.float64(), len(column), [None, buffer], offset=column.offset)
    values = np.where(is_null, 0.0, np.from_dlpack(stored))
    with np.errstate(over="ignore"):
        ratings = _finite(values.astype(np.float32))
    is_code = is_null | no_rating.is_code(values)
    return np.where(is_code, np.float32(np.nan), ratings)


def _times(column: Any, form: str | None) -> Array:
    if column.null_count:
        raise DoubtfulError("a time that is missing")
    if form is None:
        return _numbers(column, np.float64)
    if form == ISO_FORM and not hasattr(column, "dictionary"):
        iso: Array = np.divide(np.from_dlpack(column.view("int64")), 1e6)
        return iso
    moments = [time_in(form, text, None) for text in column.dictionary.to_pylist()]
    if None in moments:
        raise DoubtfulError("a time of another form")
    times: Array = np.array(moments, dtype=np.float64)[np.from_dlpack(column.indices)]
    return times


def _finite(numbers: Array) -> Array:
    """The numbers.

    Raises: DoubtfulError, for one that is not finite.
    """
    if not np.isfinite(numbers).all():
        raise DoubtfulError("a number that is not finite")
    return numbers
