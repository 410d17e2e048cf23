"""Which column of a features file holds the ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from recsys.config.schema.columns import Column
from recsys.config.schema.features import FeatureColumns
from recsys.core.errors import DataError, nearest
from recsys.core.words import shortened, some
from recsys.data.sources.column_names import COMMON, ITEMS_FILE, OF_RATINGS, TITLES, plain
from recsys.data.sources.find_columns import Head, by_common_name, position_of

ID_NAMES = {"item": ITEMS_FILE, "user": (*COMMON["user"], "id", "key")}


@dataclass(frozen=True)
class FeatureRequest:
    """What to read of a features file.

    Attributes:
        role: whose features they are.
        columns: as the config says it.
        likely: names that the column of ids may have before common ones, such as that of the ratings.
        titles: name of the column of titles, where the config says it.
        is_items_file: whether it is the file of data.items, and written as the config says it of that.
    """

    role: Literal["user", "item"]
    columns: FeatureColumns
    likely: tuple[Column, ...] = ()
    titles: Column | None = None
    is_items_file: bool = False

    @property
    def key(self) -> str:
        """The section of the config."""
        return f"data.{self.role}_feature_columns"

    def is_title(self, name: str) -> bool:
        """Whether this is a column of titles, by its name; in an items file without names the second one."""
        return name == str(self.titles) or plain(name) in TITLES or (self.is_items_file and name == "2")


def is_of_ratings(name: str) -> bool:
    """Whether a column has been made of ratings, by its name: an average, or how many there are."""
    return plain(name) in (*COMMON["rating"], *OF_RATINGS)


def find_ids(head: Head, request: FeatureRequest) -> int:
    """The position, from 0, of the column of ids.

    Raises:
        DataError: it is not there.
    """
    wanted = request.columns.id
    for column in [wanted] if wanted is not None else request.likely:
        if (position := position_of(column, head.header, head.width)) is not None:
            return position
    if wanted is None:
        position = by_common_name(ID_NAMES[request.role], head.header) if head.header else 0
        if position is not None:
            return position
    what = f"no column of {request.role} ids was found"
    raise absent(head, what if wanted is None else f"there is no column {wanted!r}", f"{request.key}.id", wanted)


def absent(head: Head, what: str, key: str, wanted: Column | None) -> DataError:
    """The error for a column that a features file does not have."""
    names = [name.strip() for name in head.header or ()]
    close = nearest(wanted, names) if isinstance(wanted, str) else None
    has = some(map(shortened, names)) if names else f"{head.width} columns without names, which count from 1"
    hint = f"did you mean {close}? {key}: {close}" if close else f"name one of these: {key}"
    return DataError(what, where=str(head.path), expected=f"one of the columns; the file has {has}", hint=hint)
