"""JSON lines: a file with one object a line, also compressed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from recsys.config.schema.data import Data
from recsys.core.errors import DataError
from recsys.data.sources.arrow_tables.table import Rows
from recsys.data.sources.stored import Stored, compression, size_of

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 8 << 20  # bytes that are parsed at a time
SAMPLE = 1000  # lines by which keys and types are known
NESTED = (list, dict)
MARK = b"\xef\xbb\xbf"
NEWLINE = b"\n"


class JsonLines:
    """A file of JSON objects, one a line, which is read from its beginning: part 0 has all rows."""

    format = "json-lines"
    description = "JSON lines"

    def __init__(self, path: Path, data: Data) -> None:
        self.path = path
        self._longest = data.max_line_bytes
        self.compression = compression(path)
        self.n_bytes = size_of(path)

    @cached_property
    def schema(self) -> pa.Schema:
        """The keys of the first lines, with the types of their values.

        Raises:
            DataError: a line is no object.
        """
        import pyarrow as pa

        types: dict[str, set[type]] = {}
        with Stored(self.path) as stored:
            for number, line in islice(self._lines(stored), SAMPLE):
                for key, value in self._parsed(line, number).items():
                    types.setdefault(key, set()).add(_type_of(value))
        return pa.schema([(key, _arrow_type(kinds)) for key, kinds in types.items()])

    def rows(self, names: Sequence[str], part: int, n_parts: int) -> Iterator[Rows]:
        """All rows, for part 0."""
        import pyarrow as pa

        if part:
            return
        schema = pa.schema([self.schema.field(name) for name in names])
        first = 0
        with Stored(self.path) as stored:
            for number, block in self._blocks(stored):
                try:
                    table = _read(block, schema)
                except pa.ArrowInvalid:  # for example 4.5, where all have been whole numbers; or an error
                    table = self._read_by_line(block, number, names)
                for columns in table.combine_chunks().to_batches():
                    yield Rows(columns, first, stored.done / stored.total)
                    first += columns.num_rows

    def place(self, row: int) -> str:
        """The line of a row; blank lines hold none."""
        with Stored(self.path) as stored:
            number, _ = next(islice(self._lines(stored), row, None))
        return f"{self.path}:{number}"

    def _read_by_line(self, block: bytes, first: int, names: Sequence[str]) -> pa.Table:
        """The objects of a block; where a key has numbers and texts, the numbers become texts.

        Raises:
            DataError: a line is no object, or a value is a list or an object where others are not.
        """
        import pyarrow as pa

        objects = [(number, self._parsed(line, number)) for number, line in _numbered(block, first)]
        columns = {}
        for name in names:
            values = [values.get(name) for _, values in objects]
            kinds = {type(value) for value in values if value is not None}
            if len(kinds) > 1 and not kinds.isdisjoint(NESTED):
                row = next(row for row, value in enumerate(values) if isinstance(value, NESTED))
                what, where = f"{name} is a list or an object here", f"{self.path}:{objects[row][0]}"
                raise DataError(what, where=where, expected="a number or a text", hint="take the row out")
            is_alike = len(kinds) < 2 or kinds == {int, float}
            columns[name] = pa.array(values if is_alike and not _has_large(values) else map(_as_text, values))
        return pa.table(columns)

    def _blocks(self, stored: Stored) -> Iterator[tuple[int, bytes]]:
        """Whole lines, about BLOCK bytes of them at a time, each block with the number of its first line."""
        left, number = b"", 1
        while block := stored.read(BLOCK):
            left, newline, rest = (left + block).rpartition(b"\n")
            if newline:
                self._check_lengths(left, number)
                yield number, left.removeprefix(MARK) if number == 1 else left
                number += left.count(b"\n") + 1
            left = rest
            self._check_lengths(left, number)
        if left.strip():
            yield number, left.removeprefix(MARK) if number == 1 else left

    def _check_lengths(self, lines: bytes, first: int) -> None:
        """Refuses a line that is too long; in so many bytes there is then no end of one, which takes few looks."""
        start, longest = 0, self._longest
        while len(lines) - start > longest:
            end = lines.rfind(b"\n", start, start + longest + 1)
            if end < 0:
                raise DataError(
                    f"this line is longer than {longest:,} bytes",
                    where=f"{self.path}:{first + lines.count(NEWLINE, 0, start)}",
                    expected="one JSON object a line",
                    hint="if it is one, data.max_line_bytes allows for longer ones",
                )
            start = end + 1

    def _lines(self, stored: Stored) -> Iterator[tuple[int, bytes]]:
        for number, block in self._blocks(stored):
            yield from _numbered(block, number)

    def _parsed(self, line: bytes, number: int) -> dict[str, object]:
        expected, where = "one JSON object a line", f"{self.path}:{number}"
        try:
            values = json.loads(line)
        except (ValueError, RecursionError) as error:
            why = "it is nested too deeply" if isinstance(error, RecursionError) else error
            raise DataError(f"this line is not JSON: {why}", where=where, expected=expected) from None
        if not isinstance(values, dict):
            raise DataError("this line holds no JSON object", where=where, expected=expected)
        return values


def _has_large(values: Sequence[object]) -> bool:
    """Whether there are whole numbers that Arrow has no type for."""
    return any(isinstance(value, int) and not -(2**63) <= value < 2**63 for value in values)


def _as_text(value: object) -> str | None:
    return None if value is None else str(value)


def _type_of(value: object) -> type:
    """The type of a value; a list of anything but texts is as an object."""
    return dict if isinstance(value, list) and not all(isinstance(part, str) for part in value) else type(value)


def _arrow_type(kinds: set[type]) -> pa.DataType:
    """The type of values; a text where they are of several kinds: then blocks are read line by line."""
    import pyarrow as pa

    present = kinds - {type(None)}
    if dict in present:
        return pa.struct([])
    if present == {int}:
        return pa.int64()
    if present and present <= {int, float}:
        return pa.float64()
    if present == {bool}:
        return pa.bool_()
    return pa.list_(pa.string()) if present == {list} else pa.string()


def _read(block: bytes, schema: pa.Schema) -> pa.Table:
    """The keys of the schema, null where an object has no such key.

    Raises: pyarrow.ArrowInvalid, where a value is of another type, and for what is no JSON.
    """
    import pyarrow as pa
    from pyarrow import json as arrow_json

    return arrow_json.read_json(
        pa.BufferReader(block),
        read_options=arrow_json.ReadOptions(block_size=len(block)),
        parse_options=arrow_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
    )


def _numbered(block: bytes, first: int) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers."""
    return ((number, line) for number, line in enumerate(block.split(b"\n"), start=first) if line.strip())
