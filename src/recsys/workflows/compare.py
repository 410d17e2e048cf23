"""Several runs on the same test ratings, and whether they really differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import open_bundle
from recsys.core.errors import DataError
from recsys.core.types import Array, Json
from recsys.data.interactions import Interactions, reindex
from recsys.data.vocabulary import UNKNOWN, Vocabulary, union
from recsys.evaluation.bootstrap import N_RESAMPLES, PairedMetrics, interval
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective
from recsys.workflows.evaluate import ratings_to_measure

LEVEL = 0.95


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


@dataclass(frozen=True)
class Difference:
    """A run's metric less that of the first run, and its interval."""

    value: float
    low: float
    high: float

    @property
    def is_real(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {"value": self.value, "low": self.low, "high": self.high, "is_real": self.is_real}


@dataclass(frozen=True)
class ComparedRun:
    """A run on the test ratings in common.

    Attributes:
        metrics: by name.
        n_test: its test ratings; n_not_in_common of them are not in common, n_unknown have an unknown user or item.
        differences: by metric, to the first run; of the first run itself none.
    """

    run: str
    metrics: Mapping[str, float]
    n_test: int
    n_not_in_common: int
    n_unknown: int
    differences: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes, with "rmse_difference" for the difference of rmse."""
        return {
            "run": self.run,
            **self.metrics,
            "n_test": self.n_test,
            "n_not_in_common": self.n_not_in_common,
            "n_unknown": self.n_unknown,
            **{f"{name}_difference": difference.to_dict() for name, difference in self.differences.items()},
        }


@dataclass(frozen=True)
class RunComparison:
    """Runs on the test ratings that they have in common.

    Attributes:
        n_ratings: in common, by n_users with training ratings.
        n_without_user: ratings whose user has no training ratings; they are drawn one by one.
        level: of the intervals, from n_resamples.
    """

    objective: Objective
    n_ratings: int
    n_users: int
    n_without_user: int
    level: float
    n_resamples: int
    runs: tuple[ComparedRun, ...]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "objective": self.objective.name,
            "n_ratings": self.n_ratings,
            "n_users": self.n_users,
            "n_without_user": self.n_without_user,
            "level": self.level,
            "n_resamples": self.n_resamples,
            "runs": [run.to_dict() for run in self.runs],
        }


def compare(runs: Sequence[Path]) -> RunComparison:
    """Metrics of the runs on the test ratings that they have in common, and differences to the first run.

    Intervals are from a paired bootstrap over users: their ratings are drawn together, for all runs alike, 1,000
    times. Runs really differ at 95% where the interval of the difference leaves out 0.

    Args:
        runs: at least two runs, or their serving folders.
    Raises:
        RunError: a run is not there, is damaged or has no test ratings.
        DataError: the runs have no test ratings in common.
    """
    bundles = [open_bundle(path) for path in runs]
    tests = [ratings_to_measure(bundle) for bundle in bundles]
    common = _common(tests, runs)
    scorers, held_out = (
        [bundle.rating for bundle in bundles],
        [test.take(rows) for test, rows in zip(tests, common.rows, strict=True)],
    )
    objective = find_objective("rating")
    seen = [bundle.seen.interactions() for bundle in bundles]
    metrics = objective.resample(scorers, held_out, seen, common.user)
    return RunComparison(
        objective=objective,
        n_ratings=len(common.user),
        n_users=len(np.unique(common.user)) - common.n_without_user,
        n_without_user=common.n_without_user,
        level=LEVEL,
        n_resamples=N_RESAMPLES,
        runs=tuple(
            ComparedRun(
                run=str(path),
                metrics={name: float(values[number]) for name, values in metrics.measured.items()},
                n_test=len(test),
                n_not_in_common=len(test) - len(common.user),
                n_unknown=int(np.count_nonzero((test.user_idx == UNKNOWN) | (test.item_idx == UNKNOWN))),
                differences={name: _difference(metrics, name, number) for name in metrics.measured if number},
            )
            for number, (path, test) in enumerate(zip(runs, tests, strict=True))
        ),
    )


def _difference(metrics: PairedMetrics, name: str, number: int) -> Difference:
    values, drawn = metrics.measured[name], metrics.drawn[name]
    low, high = interval(drawn[:, number] - drawn[:, 0], LEVEL)
    return Difference(float(values[number] - values[0]), low, high)


def _common(tests: Sequence[Interactions], runs: Sequence[Path]) -> Common:
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
    if not np.array_equal(first.rating, other.rating):
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
    same = np.all([test.rating[at] == tests[0].rating[rows[0]] for test, at in zip(tests, rows, strict=True)], axis=0)
    return [at[same] for at in rows]


def _positions(wanted: Array, keys: Array) -> Array:
    order = np.argsort(keys, kind="stable")
    positions: Array = order[np.searchsorted(keys, wanted, sorter=order)]
    return positions
