"""Columns for Arrow's writers, over the arrays' own memory: pa.array would import pandas for nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from recsys.artifacts.texts import pack_texts
from recsys.core.types import Array

ArrowArray: TypeAlias = Any  # pyarrow has no types
Columns: TypeAlias = Mapping[str, "Array | ArrowArray"]
"""Name → an Arrow array, or a NumPy array of numbers or, as object, of texts."""

STARTS_FORMULA = r"'*[=+\-@\t\r]"
FORMULA = f"^'({STARTS_FORMULA})"
"""What an escaped text begins with; the group is how it began before."""


def table(columns: Columns) -> Any:
    """A pyarrow Table."""
    import pyarrow as pa

    arrays = [column(values) if isinstance(values, np.ndarray) else values for values in columns.values()]
    return pa.Table.from_arrays(arrays, names=list(columns))


def column(values: Array) -> ArrowArray:
    """An Arrow array of numbers or, from an object array, of texts."""
    import pyarrow as pa

    if values.dtype == object:
        packed = pack_texts("text", values)
        buffers = [None, pa.py_buffer(packed["text.offsets"]), pa.py_buffer(packed["text.utf8"])]
        return pa.Array.from_buffers(pa.large_string(), len(values), buffers)
    kind = {"float32": pa.float32(), "int32": pa.int32(), "int64": pa.int64()}[values.dtype.name]
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))])


def missing(n: int) -> ArrowArray:
    """n numbers that are missing: empty fields of a CSV."""
    import pyarrow as pa

    return pa.nulls(n, pa.float32())


def taken(values: ArrowArray, idx: Array) -> ArrowArray:
    """The elements of an Arrow array at the positions `idx`."""
    return values.take(column(idx))


def csv_header(names: Iterable[str]) -> bytes:
    """The first line of a CSV; Arrow would put our plain names in quotes."""
    return (",".join(names) + "\n").encode()


def csv_rows(columns: Columns, *, escape_formulas: bool = False) -> memoryview:
    """Rows of a CSV, given as columns.

    Args:
        escape_formulas: put an apostrophe before texts that a spreadsheet would compute.
    """
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    rows_of = table(columns)
    csv.write_csv(
        _without_formulas(rows_of) if escape_formulas else rows_of, sink, csv.WriteOptions(include_header=False)
    )
    return memoryview(sink.getvalue())


def _without_formulas(rows: Any) -> Any:
    """One apostrophe more before texts that begin with a sign of formulas, with apostrophes before it or not.

    So that it can be undone: FORMULA gives back what there was.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for place, field in enumerate(rows.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            escaped = pc.replace_substring_regex(rows.column(place), f"^({STARTS_FORMULA})", r"'\1")
            rows = rows.set_column(place, field.name, escaped)
    return rows


@contextlib.contextmanager
def csv_file(path: Path, *, escape_formulas: bool = False) -> Iterator[Callable[[Columns], None]]:
    """A function that adds rows, given as columns, to a CSV; the first ones name the columns."""
    with path.open("wb") as file:

        def write(columns: Columns) -> None:
            if not file.tell():
                file.write(csv_header(columns))
            file.write(csv_rows(columns, escape_formulas=escape_formulas))

        yield write
