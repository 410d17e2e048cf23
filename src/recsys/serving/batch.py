"""Many predictions or recommendations at once, from file to file, in bounded memory."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recsys.data.ids import indices_of
from recsys.data.read import read_table
from recsys.data.table import Coded
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.errors import RunError, UnknownIdError
from recsys.records import Observer, Scoring
from recsys.runs.sealed import TEMPORARY, writing
from recsys.serving.recommender import OnUnknown, Recommender
from recsys.serving.store import Store
from recsys.serving.top import top_n

if TYPE_CHECKING:
    import pyarrow as pa

PAIRS = 1 << 20  # written at once
SCORES = 16 << 20  # held at once: 64 MB
THREADS = os.cpu_count() or 1


def predict_file(store: Store, pairs: Path, output: Path, on_unknown: OnUnknown, observe: Observer) -> dict[str, int]:
    """Writes user_id, item_id, rating for every pair of `pairs`, in its order; returns the counts.

    Raises:
        UnknownIdError: an id without training ratings, with on_unknown="error"; nothing is written then.
        DataError: the pairs cannot be read.
        RunError: the output cannot be written.
    """
    table = read_table(pairs, store.data, frozenset({"user", "item"}), observe)
    assert table.user is not None
    assert table.item is not None
    user_idx = indices_of(table.user.texts, store.users)[table.user.codes]
    item_idx = indices_of(table.item.texts, store.items)[table.item.codes]
    counts = {
        "n_pairs": table.n_rows,
        "n_unknown_users": int(np.count_nonzero(user_idx == UNKNOWN)),
        "n_unknown_items": int(np.count_nonzero(item_idx == UNKNOWN)),
    }
    if on_unknown == "error":
        _refuse_unknown(pairs, "user", table.user, user_idx, store.users)
        _refuse_unknown(pairs, "item", table.item, item_idx, store.items)
    with _csv(output) as write:
        for start in range(0, table.n_rows, PAIRS):
            rows = slice(start, start + PAIRS)
            rating = store.factors.rate(user_idx[rows], item_idx[rows]).rating
            write({"user_id": _texts(table.user, rows), "item_id": _texts(table.item, rows), "rating": rating})
            observe(Scoring(min(start + PAIRS, table.n_rows), table.n_rows))
    return counts


def recommend_all(
    recommender: Recommender,
    output: Path,
    n: int,
    min_ratings: int,
    candidates: list[int | str] | None,
    observe: Observer,
) -> dict[str, int]:
    """Writes user_id, rank, item_id, rating, score of the n best unseen items of every user; returns the counts.

    Raises:
        RunError: the output cannot be written.
    """
    store = recommender.store
    allowed = recommender.allowed(min_ratings, candidates)
    written = 0
    with _csv(output) as write:
        for done, best, scores in best_of_all(store, allowed, n):
            users = np.repeat(np.arange(done - len(best), done), best.shape[1])
            rank = np.tile(np.arange(1, best.shape[1] + 1), len(best))
            item_idx, score = best.ravel(), scores.ravel()
            left = np.isfinite(score)
            write(
                {
                    "user_id": store.users.ids[users[left]],
                    "rank": rank[left],
                    "item_id": store.items.ids[item_idx[left]],
                    "rating": store.factors.link(score[left]),
                    "score": score[left],
                }
            )
            written += int(left.sum())
            observe(Scoring(done, len(store.users)))
    return {"n_users": len(store.users), "n_recommendations": written}


def read_candidates(store: Store, path: Path, observe: Observer) -> list[int | str]:
    """The item ids in a CSV with an item column; those that the run does not know are left out.

    Raises:
        DataError: the file cannot be read.
        UnknownIdError: none of them is known.
    """
    any_form = store.data.model_copy(update={"delimiter": "auto", "header": "auto"})
    table = read_table(path, any_form, frozenset({"item"}), observe)
    assert table.item is not None
    idx = indices_of(table.item.texts, store.items)
    known: list[int | str] = store.items.ids[idx[idx != UNKNOWN]].tolist()
    if not known:
        raise UnknownIdError(
            f"none of the {len(idx):,} candidates has training ratings",
            where=str(path),
            expected=f"item ids such as {store.items.ids[:1].tolist()[0]!r}",
        )
    return known


def best_of_all(
    store: Store, allowed: np.ndarray[Any, Any], n: int
) -> Iterator[tuple[int, np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
    """For block after block of users: how many are done, their best items, and the scores of those."""
    n_users = len(store.users)
    block = max(1, SCORES // max(len(store.items), 1))

    with ThreadPoolExecutor(THREADS) as pool:
        for start in range(0, n_users, block):
            users = np.arange(start, min(start + block, n_users), dtype=np.int32)
            scores = store.factors.score_all(users)  # NumPy's BLAS takes all cores
            scores[:, ~allowed] = -np.inf
            scores[store.seen_of(users)] = -np.inf
            shares = np.array_split(scores, THREADS)
            best = np.concatenate(list(pool.map(top_n, shares, [n] * THREADS)))
            yield start + len(users), best, np.take_along_axis(scores, best, axis=1)


def _refuse_unknown(path: Path, role: str, column: Coded, idx: np.ndarray[Any, Any], vocabulary: Vocabulary) -> None:
    unknown = np.flatnonzero(idx == UNKNOWN)
    if not len(unknown):
        return
    text = column.texts[column.codes[unknown[0]]]
    raise UnknownIdError(
        f"{role} {text!r} has no training ratings, and {len(unknown):,} of {len(idx):,} pairs have such {role}s",
        where=str(path),
        expected=f"{role} ids of the training ratings, such as {vocabulary.ids[:1].tolist()[0]!r}",
        hint="--on-unknown mean predicts those by the mean",
    )


def _texts(column: Coded, rows: slice) -> pa.Array:
    """Rows of an id column as text, each id stored once."""
    import pyarrow as pa

    return pa.DictionaryArray.from_arrays(column.codes[rows], pa.array(column.texts, pa.string())).cast(pa.string())


@contextlib.contextmanager
def _csv(path: Path) -> Iterator[Any]:
    """A function that writes columns to a CSV, which appears when all of them are written."""
    import pyarrow as pa
    from pyarrow import csv

    aside = path.absolute().with_name(TEMPORARY + path.name)
    writer: csv.CSVWriter | None = None

    def write(columns: dict[str, Any]) -> None:
        nonlocal writer
        table = pa.table(columns)
        if writer is None:
            writer = csv.CSVWriter(aside, table.schema, write_options=csv.WriteOptions(quoting_header="needed"))
        writer.write_table(table)

    try:
        with writing(path):
            yield write
            if writer is None:
                raise RunError("there is nothing to write", where=str(path))
            writer.close()
            aside.replace(path)
    finally:
        with contextlib.suppress(OSError):  # it was renamed, or could not be made
            aside.unlink()
