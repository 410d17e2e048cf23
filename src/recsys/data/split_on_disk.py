"""Rows on disk → train, chunk by chunk, and what is held out: memory for that, and a byte a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from recsys.core.types import Counts, Floats, Indices
from recsys.data.chunks import chunks
from recsys.data.duplicates import repeated
from recsys.data.interactions import Interactions, stack
from recsys.data.known import Known
from recsys.data.parts import TRAIN, PartOfRow
from recsys.data.spilled_rows import REPEATS, SpilledRows, UnsuitedError
from recsys.data.split import Splits, splits_of

Write = Callable[[Indices, Indices, Floats], None]


@dataclass(frozen=True, eq=False)
class TrainCounts:
    """What train has.

    Attributes:
        known: its users and items.
        users, items: how many rows each of them has.
    """

    known: Known
    users: Counts
    items: Counts

    @classmethod
    def of(cls, rows: SpilledRows, part: PartOfRow) -> TrainCounts:
        """Counts the rows of train."""
        users, items = rows.train_counts(part)
        known = Known.of(rows.read(slice(0, 0)), users > 0, items > 0)
        return cls(known, users[users > 0], items[items > 0])


def split_on_disk(rows: SpilledRows, part: PartOfRow, known: Known, write: Write) -> Splits:
    """What `split` gives, but that the training rows are written and not in it.

    Raises:
        UnsuitedError: a pair is held out twice.

    Args:
        known: users and items of train.
        write: takes user_idx, item_idx and rating of the next training rows.
    """
    held_out = list[Interactions]()
    for place in chunks(len(rows)):
        chunk, is_train = rows.read(place), part[place] == TRAIN
        train = known.take(chunk, slice(None) if is_train.all() else is_train)
        write(train.user_idx, train.item_idx, train.rating)
        held_out.append(chunk.take(~is_train))
    others, none = stack(held_out), known.take(chunk, slice(0, 0))
    if repeated(others.user_idx, others.item_idx, len(others.items)) is not None:
        raise UnsuitedError(REPEATS)
    return splits_of(none, others, part[part != TRAIN], known)
