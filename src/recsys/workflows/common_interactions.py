"""The held-out interactions that several runs have in common, matched by ids, or by rows where ids are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Array
from recsys.data.interactions import Interactions, reindex
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union


@dataclass(frozen=True, eq=False)
class Common:
    """The ratings that all runs have held out.

    Attributes:
        rows: for each run, the positions of these ratings among its test ratings, in one order for all.
        user: a number for the user of each; ratings of unknown users have one each.
        n_without_user: how many those are.
    """

    rows: list[Array]
    user: Array
    n_without_user: int


def in_common(tests: Sequence[Interactions], runs: Sequence[Path]) -> Common:
    """The rows of the test parts that all runs have.

    Args:
        runs: whose they are, for messages.
    Raises:
        DataError: there are none.
    """
    users, items = (_union([getattr(test, role) for test in tests], role, runs) for role in ("users", "items"))
    coded = [reindex(test, users, items) for test in tests]
    if all(_are_same_rows(coded[0], other) for other in coded[1:]):
        user = np.max([test.user_idx for test in coded], axis=0).astype(np.int64)
        unknown = np.flatnonzero(user == UNKNOWN)
        user[unknown] = len(users) + np.arange(len(unknown))
        return Common([np.arange(len(user))] * len(tests), user, len(unknown))
    rows = _same_pairs(coded)
    if not len(rows[0]):
        raise DataError(
            "the runs have no test ratings in common",
            where=", ".join(map(str, runs)),
            expected="runs that have held out some of the same ratings",
            hint="train them with the same data, split and seed; recsys evaluate --data FILE measures any run",
        )
    return Common(rows, coded[0].user_idx[rows[0]], 0)


def _union(vocabularies: Sequence[Vocabulary], role: str, runs: Sequence[Path]) -> Vocabulary:
    for run, vocabulary in zip(runs, vocabularies, strict=True):
        if vocabulary.id_type is not vocabularies[0].id_type:
            raise DataError(
                f"the ids of {role} are {_are(vocabulary)} here and {_are(vocabularies[0])} in {runs[0]}",
                where=str(run),
                expected="runs trained on the same data",
            )
    return reduce(union, vocabularies)


def _are(vocabulary: Vocabulary) -> str:
    return "whole numbers" if vocabulary.id_type is int else "texts"


def _are_same_rows(first: Interactions, other: Interactions) -> bool:
    """Whether these are the same ratings in the same order, as far as can be told: unknown ids agree with any."""
    if not np.array_equal(first.rating, other.rating, equal_nan=True):
        return False
    is_any_known = False
    for idx, other_idx in ((first.user_idx, other.user_idx), (first.item_idx, other.item_idx)):
        both = (idx != UNKNOWN) & (other_idx != UNKNOWN)
        if (idx[both] != other_idx[both]).any():
            return False
        is_any_known |= bool(both.any())
    return is_any_known


def _same_pairs(tests: Sequence[Interactions]) -> list[Array]:
    """For each, the positions of the ratings of known users and items that all have, with the same rating."""
    keys = []
    for test in tests:
        pair = test.user_idx.astype(np.int64) * len(test.items) + test.item_idx
        keys.append(np.where((test.user_idx == UNKNOWN) | (test.item_idx == UNKNOWN), UNKNOWN, pair))
    shared = reduce(np.intersect1d, keys)
    shared = shared[shared != UNKNOWN]
    rows = [_positions(shared, of_run) for of_run in keys]
    ratings = [test.rating[at] for test, at in zip(tests, rows, strict=True)]
    same = np.all([(rating == ratings[0]) | (np.isnan(rating) & np.isnan(ratings[0])) for rating in ratings], axis=0)
    return [at[same] for at in rows]


def _positions(wanted: Array, keys: Array) -> Array:
    order = np.argsort(keys, kind="stable")
    positions: Array = order[np.searchsorted(keys, wanted, sorter=order)]
    return positions
