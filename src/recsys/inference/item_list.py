"""Reads lists of items: those that may be recommended, or may not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.featured import with_featured
from recsys.core.checked import shown
from recsys.core.errors import UnknownIdError
from recsys.core.events import Observer
from recsys.core.words import counted
from recsys.data.ids import indices_of
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.vocabulary import UNKNOWN, only_counted
from recsys.inference.entities import has_row, interactions_called

ITEM = ColumnRequest(frozenset({"item"}), as_trained=True)


@dataclass(frozen=True)
class ItemList:
    """The item ids of a file or a table: those that have training interactions, and how many others there are."""

    item_ids: list[int | str]
    n_unknown: int


def read_item_list(bundle: Bundle, origin: Origin, observe: Observer) -> ItemList:
    """The item ids of a file or a table: a table with an item column, or one id a line.

    Raises:
        DataError: the file cannot be read.
    """
    table = read_table(open_source(origin, bundle.data, observe), ITEM)
    assert table.item is not None
    bundle = with_featured(bundle)
    is_known = np.logical_or.reduce([has_row(bundle, "item", objective) for objective in ("ranking", *bundle.scorers)])
    idx = only_counted(indices_of(table.item.texts, bundle.items), is_known)
    known = idx[idx != UNKNOWN]
    return ItemList(bundle.items.ids[known].tolist(), len(idx) - len(known))


def read_candidates(bundle: Bundle, origin: Origin, observe: Observer) -> ItemList:
    """The item ids of a file, of which the run knows some.

    Raises:
        DataError: the file cannot be read.
        UnknownIdError: none of them is known.
    """
    listed = read_item_list(bundle, origin, observe)
    if not listed.item_ids:
        rows = interactions_called(bundle, "ranking")
        raise UnknownIdError(
            f"none of the {counted(listed.n_unknown, 'candidate')} has training {rows}",
            where=str(name_of(origin)),
            expected=f"item ids such as {shown(bundle.items.id_at(0))}",
        )
    return listed
