"""Several runs on the same test interactions, and whether they really differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.errors import DataError
from recsys.core.types import Json
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation.bootstrap import LEVEL, N_RESAMPLES, Difference
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective
from recsys.workflows.common_interactions import in_common
from recsys.workflows.evaluate import as_predicted, interactions_to_measure


@dataclass(frozen=True)
class ComparedRun:
    """A run on the test interactions in common.

    Attributes:
        scorer: the name of the one that is measured.
        metrics: by name.
        n_test: its test interactions; n_not_in_common are not in common, n_unknown have an unknown user or item.
        differences: by metric, to the first run; of the first run itself none.
    """

    run: str
    scorer: str
    metrics: Mapping[str, float]
    n_test: int
    n_not_in_common: int
    n_unknown: int
    differences: Mapping[str, Difference]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes, with "rmse_difference" for the difference of rmse."""
        return {
            "run": self.run,
            "scorer": self.scorer,
            **self.metrics,
            "n_test": self.n_test,
            "n_not_in_common": self.n_not_in_common,
            "n_unknown": self.n_unknown,
            **{f"{name}_difference": difference.to_dict() for name, difference in self.differences.items()},
        }


@dataclass(frozen=True)
class RunComparison:
    """Runs on the test interactions that they have in common.

    Attributes:
        n_ratings: interactions in common that are measured, by n_users with training interactions.
        n_without_user: interactions whose user has none in training; they are drawn one by one.
        level: of the intervals, from n_resamples.
        ranking: beside predicted ratings, how the runs rank; None where no user is known to all runs.
        ranking_missing: why there is none.
    """

    objective: Objective
    n_ratings: int
    n_users: int
    n_without_user: int
    level: float
    n_resamples: int
    runs: tuple[ComparedRun, ...]
    ranking: RunComparison | None = None
    ranking_missing: str | None = None

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
            **({} if self.ranking is None else {"ranking": self.ranking.to_dict()}),
            **({} if self.ranking_missing is None else {"ranking_missing": self.ranking_missing}),
        }


def compare(runs: Sequence[Path]) -> RunComparison:
    """Metrics of the runs on the test interactions that they have in common, and differences to the first run.

    Predicted ratings are compared, and by the scorer by which each run recommends, how it ranks what a user turned out
    to interact with. Runs without ratings, or without test ratings, are compared by ranking alone.

    Intervals are from a paired bootstrap over users: their interactions are drawn together, for all runs alike, 1,000
    times. Runs really differ at 95% where the interval of the difference leaves out 0.

    Args:
        runs: at least two runs, or their serving folders.
    Raises:
        RunError: a run is not there, is damaged or has no test ratings.
        DataError: the runs have no test ratings in common.
    """
    bundles = [open_bundle(path).measured() for path in runs]
    tests = [interactions_to_measure(bundle) for bundle in bundles]
    recommend_by = [bundle.recommends_by for bundle in bundles]
    predicted = [as_predicted(bundle) for bundle in bundles]
    rated = [interactions_to_measure(bundle).rated() for bundle in predicted]
    if not all("rating" in bundle.scorers and len(ratings) for bundle, ratings in zip(bundles, rated, strict=True)):
        return _compare(find_objective("ranking"), recommend_by, bundles, tests, runs)
    comparison = _compare(find_objective("rating"), ["rating"] * len(runs), predicted, rated, runs)
    try:
        ranking = _compare(find_objective("ranking"), recommend_by, bundles, tests, runs)
    except DataError as error:  # ratings of unknown users have a prediction, and no list
        return replace(comparison, ranking_missing=error.what)
    return replace(comparison, ranking=ranking)


def _compare(
    objective: Objective,
    names: Sequence[str],
    bundles: Sequence[Bundle],
    tests: Sequence[Interactions],
    runs: Sequence[Path],
) -> RunComparison:
    """The runs by one objective, each by its scorer of this name."""
    common = in_common(tests, runs)
    scorers = [bundle.scorer(name) for bundle, name in zip(bundles, names, strict=True)]
    held_out = [test.take(rows) for test, rows in zip(tests, common.rows, strict=True)]
    has_ratings = all("rating" in bundle.scorers for bundle in bundles)
    seen = [bundle.seen.interactions() if has_ratings else bundle.seen.interactions().unrated() for bundle in bundles]
    metrics = objective.resample(scorers, held_out, seen, common.user)
    return RunComparison(
        objective=objective,
        n_ratings=metrics.n_interactions,
        n_users=metrics.n_users - common.n_without_user,
        n_without_user=common.n_without_user,
        level=LEVEL,
        n_resamples=N_RESAMPLES,
        runs=tuple(
            ComparedRun(
                run=str(path),
                scorer=name,
                metrics={metric: float(values[number]) for metric, values in metrics.measured.items()},
                n_test=len(test),
                n_not_in_common=len(test) - len(common.user),
                n_unknown=int(np.count_nonzero((test.user_idx == UNKNOWN) | (test.item_idx == UNKNOWN))),
                differences={metric: metrics.difference(metric, number) for metric in metrics.measured if number},
            )
            for number, (path, name, test) in enumerate(zip(runs, names, tests, strict=True))
        ),
    )
