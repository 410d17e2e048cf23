"""Which columns of an items file hold the ids and the titles."""

from __future__ import annotations

from collections.abc import Sequence

from recsys.config.schema.columns import Column
from recsys.config.schema.data import ItemColumns
from recsys.core.errors import DataError, nearest
from recsys.core.words import shortened, some
from recsys.data.sources.column_names import ITEMS_FILE, TITLES, plain
from recsys.data.sources.find_columns import Head, by_common_name, position_of

OPTIONS = {"item": "--items-id", "title": "--items-title"}


def find_item_columns(head: Head, columns: ItemColumns, item_name: str | None) -> tuple[int, int]:
    """The positions, from 0, of ids and titles.

    Args:
        head: what the items file begins with.
        columns: which columns the config names.
        item_name: what the ratings call the column of the item ids.

    Raises:
        DataError: a column is not there.
    """
    item = _find(head, "item", columns.item, [item_name] if item_name else [], ITEMS_FILE, default=0)
    return item, _find(head, "title", columns.title, [], TITLES, default=1)


def _find(
    head: Head, role: str, wanted: Column | None, likely: Sequence[str], common: Sequence[str], default: int
) -> int:
    for column in [wanted] if wanted is not None else likely:
        position = position_of(column, head.header, head.width)
        if position is not None:
            return position
    if wanted is None:
        position = by_common_name(common, head.header) if head.header else default
        if position is not None and position < head.width:
            return position
    names = [name.strip() for name in head.header or ()]
    close = nearest(str(wanted or role), [name for name in names if plain(name) not in ITEMS_FILE])
    option = OPTIONS[role]
    key = f"data.item_columns.{role}"
    hint = f"{key}: {close} (init: {option} {close})" if close else f"say which it is: {key} (init: {option})"
    what = f"there is no column {wanted!r}" if wanted is not None else f"no column of {role}s was found"
    has = some(map(shortened, names)) if names else f"{head.width} columns without names"
    raise DataError(what, where=str(head.path), expected=f"a column of {role}s; the file has {has}", hint=hint)
