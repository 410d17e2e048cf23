"""Columns of a block of rows, parsed by Arrow."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from recsys.data.sources.csv.blocks import QUOTE, UNIT_SEPARATOR
from recsys.data.sources.csv.dialect import Dialect
from recsys.data.sources.csv.fields import knows_quotes

if TYPE_CHECKING:
    import pyarrow as pa


def delimiter_of_blocks(dialect: Dialect) -> str:
    """What stands between fields in the blocks of a file, one byte, see `blocks_of`."""
    return dialect.delimiter if knows_quotes(dialect.delimiter) else UNIT_SEPARATOR.decode()


def parsed_columns(
    dialect: Dialect, rows: bytes, types: Mapping[int, pa.DataType], missing: Collection[str]
) -> list[Any]:
    """Some columns of a block of rows, one array each, in the order in which they are asked for.

    Args:
        rows: a block of `blocks_of`.
        types: of each column, by its position from 0.
        missing: texts that give null; those of columns of texts stay as they are.
    Raises:
        pyarrow.ArrowException: a field is not of its type, or a row has another number of fields.
    """
    import pyarrow as pa
    from pyarrow import csv

    has_quotes = dialect.quotes != "none"
    names = [str(position) for position in range(dialect.width)]
    table = csv.read_csv(
        pa.BufferReader(rows),
        read_options=csv.ReadOptions(use_threads=False, block_size=len(rows) + 1, column_names=names),
        parse_options=csv.ParseOptions(
            delimiter=delimiter_of_blocks(dialect),
            quote_char='"' if has_quotes else False,
            newlines_in_values=has_quotes and QUOTE in rows,
        ),
        convert_options=csv.ConvertOptions(
            column_types={names[position]: type_ for position, type_ in types.items()},
            include_columns=[names[position] for position in types],
            decimal_point="," if dialect.decimal == "," else ".",
            null_values=sorted(missing),
            strings_can_be_null=False,
        ),
    )
    return [column.combine_chunks() for column in table.columns]
