"""Many predictions at once, from file to file, in bounded memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.featured import with_featured
from recsys.artifacts.outputs import output_file
from recsys.core.checked import shown
from recsys.core.errors import UnknownIdError
from recsys.core.events import Observer, Scoring
from recsys.core.types import Array, Indices, Times
from recsys.data.ids import as_ids, indices_of
from recsys.data.read import read_table
from recsys.data.sources.opening import open_source
from recsys.data.sources.origin import Origin, name_of
from recsys.data.sources.protocol import ColumnRequest
from recsys.data.sources.table import Coded, Role
from recsys.data.vocabulary import UNKNOWN, Vocabulary, only_counted
from recsys.inference.arrow import Columns, column, csv_file, taken
from recsys.inference.entities import OnUnknown, has_row
from recsys.inference.intervals import intervals_at, rate_with_intervals

PAIR: frozenset[Role] = frozenset({"user", "item"})
PAIRS = 1 << 20  # written at once


def predict_file(
    bundle: Bundle,
    pairs: Origin,
    output: Path,
    on_unknown: OnUnknown,
    observe: Observer,
    interval: float | None = None,
    *,
    escape_formulas: bool = False,
) -> dict[str, int | bool]:
    """Writes user_id, item_id, rating for every pair of `pairs`, in its order; returns the counts.

    Where predictions depend on time, the times of the file are used, and "with_times" says whether there were any.

    Args:
        interval: a level such as 0.9 for std, low and high beside each rating.
        escape_formulas: as of `csv_rows`.
    Raises:
        UsageError: the level is not between 0 and 1.
        UnknownIdError: an id without training ratings, with on_unknown="error"; nothing is written then.
        DataError: the pairs cannot be read.
        RunError: the output cannot be written, or the run cannot give such intervals.
    """
    if interval is not None:
        intervals_at(bundle, interval)
    roles: frozenset[Role] = PAIR if bundle.drift is None else PAIR | {"timestamp"}
    table = read_table(open_source(pairs, bundle.data, observe), ColumnRequest(roles, as_trained=True))
    assert table.user is not None
    assert table.item is not None
    user_idx, item_idx = _indices(bundle, table.user, table.item)
    if not (user_idx != UNKNOWN).all() or not (item_idx != UNKNOWN).all():
        bundle = with_featured(bundle)
        user_idx, item_idx = _indices(bundle, table.user, table.item)
    times = table.timestamp
    counts: dict[str, int | bool] = {
        "n_pairs": table.n_rows,
        "n_unknown_users": int(np.count_nonzero(user_idx == UNKNOWN)),
        "n_unknown_items": int(np.count_nonzero(item_idx == UNKNOWN)),
        **_counts_from_features(bundle, user_idx, item_idx),
        **({} if bundle.drift is None else {"with_times": times is not None}),
    }
    if on_unknown == "error":
        _refuse_unknown(name_of(pairs), "user", table.user, user_idx, bundle.users)
        _refuse_unknown(name_of(pairs), "item", table.item, item_idx, bundle.items)
    user_ids, item_ids = (column(as_ids(coded.texts)) for coded in (table.user, table.item))
    with _csv(output, escape_formulas) as write:
        for start in range(0, table.n_rows, PAIRS):
            rows = slice(start, start + PAIRS)
            write(
                {
                    "user_id": taken(user_ids, table.user.codes[rows]),
                    "item_id": taken(item_ids, table.item.codes[rows]),
                    **_rated(bundle, user_idx[rows], item_idx[rows], None if times is None else times[rows], interval),
                }
            )
            observe(Scoring(min(start + PAIRS, table.n_rows), table.n_rows))
    return counts


def _indices(bundle: Bundle, user: Coded, item: Coded) -> tuple[Indices, Indices]:
    """The index of the user and of the item of each pair; −1 for one without a row of its own."""
    of_users = only_counted(indices_of(user.texts, bundle.users), has_row(bundle, "user", "rating"))
    of_items = only_counted(indices_of(item.texts, bundle.items), has_row(bundle, "item", "rating"))
    return of_users[user.codes], of_items[item.codes]


def _counts_from_features(bundle: Bundle, user_idx: Indices, item_idx: Indices) -> dict[str, int | bool]:
    """How many pairs have a user, or an item, that is served by features; nothing where the run serves none so."""
    if (flags := bundle.from_features.get("rating")) is None:
        return {}
    users, items = np.append(flags.users, False)[user_idx], np.append(flags.items, False)[item_idx]
    return {
        "n_users_from_features": int(np.count_nonzero(users)),
        "n_items_from_features": int(np.count_nonzero(items)),
    }


def _rated(
    bundle: Bundle, user_idx: Indices, item_idx: Indices, times: Times | None, interval: float | None
) -> Columns:
    if interval is None:
        return {"rating": bundle.rating.rate(user_idx, item_idx, times)}
    return vars(rate_with_intervals(bundle, interval, user_idx, item_idx, times))


def _refuse_unknown(path: Path, role: str, column: Coded, idx: Array, vocabulary: Vocabulary) -> None:
    unknown = np.flatnonzero(idx == UNKNOWN)
    if not len(unknown):
        return
    text = column.texts[column.codes[unknown[0]]]
    raise UnknownIdError(
        f"{role} {shown(text)} has no training ratings; pairs with such {role}s: {len(unknown):,} of {len(idx):,}",
        where=str(path),
        expected=f"{role} ids of the training ratings, such as {shown(vocabulary.id_at(0))}",
        hint="--on-unknown mean predicts those by the mean",
    )


@contextlib.contextmanager
def _csv(path: Path, escape_formulas: bool) -> Iterator[Callable[[Columns], None]]:
    """A function that writes columns to a CSV, which appears when all of them are written."""
    with output_file(path) as temporary, csv_file(temporary, escape_formulas=escape_formulas) as write:
        yield write
