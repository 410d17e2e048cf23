"""Rows of a table of items or users: their ids, and the columns beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from recsys.core.events import Observer
from recsys.data.sources.arrow_tables.convert import Values, ids_of
from recsys.data.sources.arrow_tables.table import ArrowTable
from recsys.data.sources.batches import WholeIds
from recsys.data.sources.progress import Progress

if TYPE_CHECKING:
    import pyarrow as pa


def entity_batches(
    table: ArrowTable, id_name: str, names: Iterable[str], role: str, observe: Observer, *, drops_missing: bool = False
) -> Iterator[tuple[list[str], pa.RecordBatch]]:
    """All rows, some at a time: the ids as texts, and the columns.

    Args:
        names: of the columns beside the ids.
        role: whose ids they are, for messages.
        drops_missing: whether rows without an id are left out; else there may be none.
    Raises:
        DataError: the table cannot be read, or an id is missing.
    """
    size, progress = table.n_bytes, Progress(table.path, observe)
    for rows in table.rows(list(dict.fromkeys([id_name, *names])), 0, 1):
        columns = rows.columns.filter(rows.columns.column(id_name).is_valid()) if drops_missing else rows.columns
        ids = ids_of(Values.of(columns.column(id_name), id_name, rows.first, table.place), role)
        coded = ids.coded() if isinstance(ids, WholeIds) else ids
        texts = coded.texts.to_list()
        yield [texts[code] for code in coded.codes.tolist()], columns
        progress.now(int(rows.share * size), size)
