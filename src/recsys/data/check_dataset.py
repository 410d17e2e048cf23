"""Datasets that a caller has made or changed, checked before any loop or kernel indexes by them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Array
from recsys.data.interactions import Dataset, Interactions
from recsys.data.scale import LARGEST_RATING, is_too_large
from recsys.data.vocabulary import UNKNOWN, Vocabulary

DTYPES = {"user_idx": "int32", "item_idx": "int32", "rating": "float32", "timestamp": "float64"}


def check_dataset(dataset: Dataset) -> None:
    """Refuses columns that do not fit together, or do not fit their vocabularies.

    Raises:
        DataError: a column is of another type or length than documented, or a value is out of its range.
    """
    ratings = dataset.ratings
    for problem in chain(_columns(ratings), _vocabularies(ratings), _values(ratings)):
        raise DataError(problem, where="the dataset", expected="columns as recsys.Interactions documents them")


def _columns(ratings: Interactions) -> Iterator[str]:
    n = np.shape(ratings.user_idx)
    for name, dtype in DTYPES.items():
        column = getattr(ratings, name)
        if column is None and name == "timestamp":
            continue
        if not isinstance(column, np.ndarray) or column.dtype.name != dtype:
            has = column.dtype.name if isinstance(column, np.ndarray) else type(column).__name__
            yield f"{name} is {has}, and not an array of {dtype}"
        elif column.ndim != 1 or column.shape != n:
            yield f"{name} has the shape {column.shape}, and user_idx {n}"


def _vocabularies(ratings: Interactions) -> Iterator[str]:
    for role in ("users", "items"):
        vocabulary = getattr(ratings, role)
        if not isinstance(vocabulary, Vocabulary):
            yield f"{role} is no Vocabulary"
        elif vocabulary.ids.dtype not in (np.dtype(np.int64), np.dtype(object)):
            yield f"the ids of {role} are {vocabulary.ids.dtype.name}, and not int64 or texts"
        elif not np.all(vocabulary.ids[:-1] < vocabulary.ids[1:]):
            yield f"the ids of {role} do not rise"


def _values(ratings: Interactions) -> Iterator[str]:
    for name, vocabulary in (("user_idx", ratings.users), ("item_idx", ratings.items)):
        if not _within(getattr(ratings, name), UNKNOWN, len(vocabulary) - 1):
            yield f"{name} has an index outside {UNKNOWN} to {len(vocabulary) - 1:,}"
    if np.isinf(ratings.rating).any():
        yield "a rating is infinite"
    elif is_too_large(ratings.rating):
        yield f"a rating is beyond {LARGEST_RATING:g}"
    if ratings.timestamp is not None and not np.isfinite(ratings.timestamp).all():
        yield "a time is not finite"


def _within(idx: Array, low: int, high: int) -> bool:
    return not len(idx) or bool(idx.min() >= low and idx.max() <= high)
