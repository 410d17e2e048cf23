"""What a format of ratings has to give: its columns in batches, where a row stands, and a fingerprint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from recsys.config.schema.columns import Column
from recsys.core.errors import DataError
from recsys.data.sources.batches import Batch
from recsys.data.sources.stored import Digest, fingerprint
from recsys.data.sources.table import Role

TIMES: frozenset[Role] = frozenset({"timestamp"})


@dataclass(frozen=True)
class ColumnRequest:
    """The columns to read.

    Attributes:
        roles: what they hold.
        optional: those of the roles that are left out where a source has no such column.
        as_trained: whether the names in the config are those of the ratings that a run was trained on: then a column
            that this source calls otherwise is looked for by its common names.
        drops_blank_times: whether a column with a common name for times is left out where the first rows have none.
        unread: those of the roles that are found, so that they are not taken for others, and not read.
    """

    roles: frozenset[Role]
    optional: frozenset[Role] = TIMES
    as_trained: bool = False
    drops_blank_times: bool = False
    unread: frozenset[Role] = frozenset()


@dataclass(frozen=True)
class Layout:
    """How a source is laid out.

    Attributes:
        columns: role → the column as a config names it: by name, or by position from 1.
        names: role → what the source calls the column, None where it has no names.
        others: the rest of the columns, as a config names them.
        facts: how it is written, by keys of the config's `data` section where there are such.
        description: the facts in words.
    """

    columns: dict[Role, Column]
    names: dict[Role, str | None]
    others: tuple[Column, ...]
    facts: Mapping[str, str | bool | None]
    description: str


class Source(Protocol):
    """Ratings, pairs or lists of items in a file, or wherever they come from."""

    @property
    def is_repeatable(self) -> bool:
        """Whether it can be read more than once."""
        ...

    def layout(self, columns: ColumnRequest) -> Layout:
        """Which columns it has, without reading its rows.

        Raises:
            DataError: one that has to be there is not.
        """
        ...

    def batches(self, columns: ColumnRequest, part: int, n_parts: int) -> Iterator[Batch]:
        """The rows of one part of n_parts, from 0; the parts in order hold every row once, in order.

        Raises:
            DataError: a row cannot be used, or a column is not there.
        """
        ...

    def locate(self, row: int) -> str:
        """Where a row, from 0, stands, as "FILE:LINE" or "FILE: row N". Rows that rise are found faster."""
        ...

    def fingerprint(self, digest: Digest = fingerprint) -> str:
        """sha256 of its content, in hexadecimal: equal fingerprints, equal ratings.

        Args:
            digest: gives that of a file, which may be known already.
        """
        ...


class OtherEncodingError(DataError):
    """Text that is not in the encoding that was asked for.

    Attributes:
        guess: the encoding that it may have; None where it looks like no text.
        example: a word of the file in that encoding.
    """

    guess: str | None = None
    example: str = ""


def beside(place: str, other: str) -> str:
    """A place as seen from another one: "line LINE" or "row N" where both are in one file."""
    file, _, line = place.rpartition(":")
    if not file or file != other.rpartition(":")[0]:
        return place
    return line.strip() if line.startswith(" ") else f"line {line}"
