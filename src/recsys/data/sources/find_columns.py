"""Which column of a table holds the users, the items, the ratings and the times."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from recsys.config.schema.columns import Column
from recsys.config.schema.data import Columns
from recsys.core.errors import DataError, nearest
from recsys.core.words import shell_word, shortened, some
from recsys.data.sources.column_names import COMMON, TITLES, plain
from recsys.data.sources.dates import formats_of
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import ROLES, Role
from recsys.data.sources.values import iso_seconds, number

MEANT = {"user": "user ids", "item": "item ids", "rating": "ratings", "timestamp": "times"}
CLICKS = (
    "name the column that holds them: data.columns.rating (init: --rating); if each row is a click or a purchase:"
    " data.columns.rating: false"
)

LEAST_WIDE = 4  # columns of a matrix with a column for each item
LEAST_ROWS = 3  # of a sample that shows an index
MOST_RATINGS = 21  # on a scale, of the sample
EARLIEST = 1e8  # seconds: March 1973


class Head(Protocol):
    """What columns are found by: their names, or the first rows where there are none."""

    @property
    def path(self) -> Path | str:
        """Where the table is, for messages."""
        ...

    @property
    def header(self) -> tuple[str, ...] | None:
        """The names, None without a header."""
        ...

    @property
    def width(self) -> int:
        """How many columns there are."""
        ...

    @property
    def sample(self) -> Sequence[Sequence[str]]:
        """The first rows, where there is no header."""
        ...

    @property
    def wide_hint(self) -> str:
        """What to do with a table that has a column for each item."""
        ...


def find_columns(
    head: Head, columns: Columns, request: ColumnRequest, names: Mapping[Role, tuple[str, ...]] = COMMON
) -> dict[Role, int]:
    """The position, from 0, of each column to read; no entry for an optional one that the file does not have.

    Args:
        head: what the table begins with.
        columns: which columns the config names.
        names: by which the others are found.

    Raises:
        DataError: a column is not there, or one column is asked to be two things.
    """
    path, header, width = head.path, head.header, head.width
    columns = _without_optional(head, columns, request)
    positions: dict[Role, int] = {}
    roles = [role for role in ROLES if role in request.roles]
    for role in roles:
        column = getattr(columns, role)
        if column is not None and column is not False:
            position = position_of(column, header, width)
            if position is not None:
                positions[role] = position
            elif not request.as_trained:
                raise _absent(path, role, column, header, width)
    for role in roles:
        if role not in positions and getattr(columns, role) is not False:
            position = by_common_name(names[role], header) if header is not None else _by_position(role, columns, head)
            if role == "timestamp" and position is not None and request.drops_blank_times and _is_blank(head, position):
                continue
            if position is not None and position not in positions.values():
                positions[role] = position
            elif role not in request.optional:
                raise (
                    _not_as_trained(path, role, columns, header, width)
                    if request.as_trained
                    else _not_found(head, role, names[role])
                )
    _all_different(path, positions, header)
    return {role: position for role, position in positions.items() if role not in request.unread}


def _without_optional(head: Head, columns: Columns, request: ColumnRequest) -> Columns:
    """Which columns to look for, where those of users or ratings may be missing."""
    if "user" in request.optional:
        columns = _of_one_user(columns, head.header, head.width)
    if "rating" in request.optional and columns.rating is None and _has_times_for_ratings(head):
        columns = columns.model_copy(update={"rating": False})
    return columns


def _of_one_user(columns: Columns, header: Sequence[str] | None, width: int) -> Columns:
    """Which columns to look for where that of the users may be missing.

    Names are those of training; positions would be those of a file with users.
    """
    if header is None:
        return columns if width > 2 else Columns(item=1, rating=False if columns.rating is False else 2)
    return Columns(**{role: name for role, name in columns.model_dump().items() if not _is_position(name)})


def _is_position(column: object) -> bool:
    return isinstance(column, int) and column is not False


def position_of(column: Column, header: Sequence[str] | None, width: int) -> int | None:
    """The position, from 0, of a column given by name or by position from 1; None if it is not there."""
    if isinstance(column, int):
        return column - 1 if column <= width else None
    names = [name.strip() for name in header] if header is not None else []
    return names.index(column.strip()) if column.strip() in names else None


def label(position: int, header: Sequence[str] | None) -> str:
    """What to call a column in a message: its name, or its position from 1."""
    return header[position].strip() if header is not None and header[position].strip() else str(position + 1)


def by_common_name(names: Sequence[str], header: Sequence[str]) -> int | None:
    """The position of the first of the common `names` that the header has."""
    plainly = [plain(name) for name in header]
    return next((plainly.index(name) for name in names if name in plainly), None)


def _by_position(role: Role, columns: Columns, head: Head) -> int | None:
    order = ROLES if columns.rating is not False else tuple(other for other in ROLES if other != "rating")
    position = order.index(role) + _index_width(head) if head.width > 1 else 0  # a list of candidates is one column
    if position >= head.width or (role == "timestamp" and not _holds_a_time(head, position)):
        return None
    return position


def _index_width(head: Head) -> int:
    """1 where the first column numbers the rows, as a pandas index does, and the fourth may be ratings; else 0."""
    if head.width <= len(ROLES) - 1 or len(head.sample) < LEAST_ROWS:
        return 0
    first, fourth = ([number(row[at]) if at < len(row) else None for row in head.sample] for at in (0, 3))
    if None in first or None in fourth or first[0] not in (0, 1):
        return 0
    counts_up = all(value == first[0] + row for row, value in enumerate(first) if value is not None)
    return int(counts_up and len(set(fourth)) <= MOST_RATINGS and max(abs(value or 0) for value in fourth) < EARLIEST)


def _is_blank(head: Head, position: int) -> bool:
    fields = [row[position] for row in head.sample if position < len(row)]
    return bool(fields) and not any(map(str.strip, fields))


def _holds_a_time(head: Head, position: int) -> bool:
    fields = [row[position] for row in head.sample if position < len(row)]
    return any(number(text) is not None or iso_seconds(text) is not None for text in fields) or bool(formats_of(fields))


def _has_times_for_ratings(head: Head) -> bool:
    """Whether there is no header, and dates, or numbers that can only be times, stand where ratings would."""
    if head.header is not None:
        return False
    position = ROLES.index("rating")
    fields = [row[position] for row in head.sample if position < len(row)]
    are_times = bool(fields) and all(iso_seconds(text) is not None or (number(text) or 0) > EARLIEST for text in fields)
    return are_times or bool(formats_of(fields))


def _listed(header: Sequence[str] | None, width: int) -> str:
    if header is None:
        return f"no header, and {width} column{'s' if width > 1 else ''}"
    return "the columns " + some(shortened(name.strip()) for name in header)


def _absent(path: Path | str, role: Role, column: Column, header: Sequence[str] | None, width: int) -> DataError:
    close = nearest(column, [name.strip() for name in header]) if header and isinstance(column, str) else None
    if close:
        hint = f"did you mean {close}? data.columns.{role}: {close} (init: --{role} {shell_word(close)})"
    elif header is None and isinstance(column, str):
        hint = f"without a header, columns are numbers from 1: data.columns.{role}: {ROLES.index(role) + 1}"
    elif role == "timestamp":
        hint = "without times: data.columns.timestamp: false"
    else:
        hint = f"name one of these: data.columns.{role} (init: --{role})"
    what = f"there is no column {column!r} for the {MEANT[role]}"
    return DataError(
        what, where=str(path), expected=f"one that is there; the file has {_listed(header, width)}", hint=hint
    )


def _not_found(head: Head, role: Role, names: Sequence[str]) -> DataError:
    path, header, width = head.path, head.header, head.width
    close = nearest(names[0], [name.strip() for name in header]) if header else None
    if close:
        hint = f"is it {close}? data.columns.{role}: {close} (init: --{role} {shell_word(close)})"
    elif role == "rating":
        hint = CLICKS
    else:
        hint = f"say which it is: data.columns.{role} (init: --{role})"
    if role == "user" and header and by_common_name(TITLES, header) is not None:
        hint = (
            f"{hint}; if these are the titles of the items: recsys init RATINGS --items {shell_word(Path(path).name)}"
        )
    if role == "item" and width >= LEAST_WIDE:
        hint = f"{hint}; for a row a user and a column an item: {head.wide_hint}"
    expected = (
        f"a name such as {', '.join(names[:4])}" if header is not None else f"{ROLES.index(role) + 1} or more columns"
    )
    what = f"no column of {MEANT[role]} was found; the file has {_listed(header, width)}"
    return DataError(what, where=str(path), expected=expected, hint=hint)


def _not_as_trained(
    path: Path | str, role: Role, columns: Columns, header: Sequence[str] | None, width: int
) -> DataError:
    """Of a file that has to be like the one that the run was trained on."""
    column = getattr(columns, role)
    same = f"{column!r}, as in training, or " if isinstance(column, str) else ""
    return DataError(
        f"no column of {MEANT[role]} was found; the file has {_listed(header, width)}",
        where=str(path),
        expected=f"{same}a name such as {', '.join(COMMON[role][:4])}",
        hint="name the columns in its first line",
    )


def _all_different(path: Path | str, positions: dict[Role, int], header: Sequence[str] | None) -> None:
    seen: dict[int, Role] = {}
    for role, position in positions.items():
        if position in seen:
            what = f"column {label(position, header)!r} is asked for twice, as {seen[position]} and as {role}"
            raise DataError(what, where=str(path), expected="a column for each", hint="look at data.columns")
        seen[position] = role
