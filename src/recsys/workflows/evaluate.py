"""How good a finished run is: on its own test ratings, or on another file of ratings."""

from __future__ import annotations

from typing import NotRequired, TypedDict, cast

from recsys.artifacts.bundle import Bundle
from recsys.artifacts.featured import with_featured
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import DataError, RunError
from recsys.core.events import Observer, silent
from recsys.data.behind import without_those_behind
from recsys.data.interactions import Interactions
from recsys.data.read import read_as
from recsys.data.sources.origin import Origin
from recsys.data.sources.table import Role
from recsys.evaluation import activity
from recsys.evaluation.coverage import Coverage, coverage
from recsys.evaluation.metrics import errors
from recsys.inference.intervals import rate_with_intervals
from recsys.objectives.measure import NamedScores
from recsys.objectives.specs import find_objective
from recsys.workflows.evaluate_ranking import RankingEvaluation

PAIR: frozenset[Role] = frozenset({"user", "item"})


def as_predicted(bundle: Bundle) -> Bundle:
    """The bundle with those whose ratings are predicted from features alone, where there are any."""
    featured = with_featured(bundle)
    flags = featured.from_features.get("rating")
    return bundle if flags is None or not (flags.users.any() or flags.items.any()) else featured


def ratings_to_measure(
    bundle: Bundle,
    origin: Origin | None = None,
    observe: Observer = silent,
    *,
    communicator: Communicator = ALONE,
) -> Interactions:
    """Those of `interactions_to_measure` that have a rating."""
    return interactions_to_measure(bundle, origin, observe, communicator=communicator).rated()


def interactions_to_measure(
    bundle: Bundle,
    origin: Origin | None = None,
    observe: Observer = silent,
    *,
    communicator: Communicator = ALONE,
) -> Interactions:
    """The interactions of a file or a table in memory, or without one those that the run has held out for its test.

    Args:
        communicator: each rank reads a part of the file, and gets all interactions.
    Raises:
        DataError: the file cannot be read as ratings.
        RunError: the run has held out none.
    """
    if origin is not None:
        predicts_ratings = "rating" in bundle.scorers
        rating: frozenset[Role] = frozenset({"rating"} if predicts_ratings else ())
        time: frozenset[Role] = frozenset({"timestamp"} if predicts_ratings and bundle.drift is not None else ())
        wanted = PAIR | rating | time
        return read_as(origin, bundle.data, (bundle.users, bundle.items), wanted, communicator, observe)
    held_out = bundle.held_out("test")
    if held_out is None:
        raise RunError(
            "the run has held out no test ratings",
            where=str(bundle.path),
            expected="a run with a test part",
            hint="measure it on other ratings: recsys evaluate --data FILE",
        )
    return held_out


class Evaluation(TypedDict):
    """The scores of a run: metrics and counts of its objective by name, and those of the baselines."""

    objective: str
    rmse: float
    mae: float
    n_ratings: int
    n_unknown_users: int
    n_unknown_items: int
    n_users_from_features: NotRequired[int]
    n_items_from_features: NotRequired[int]
    n_outside_scale: NotRequired[int]
    with_times: NotRequired[bool]
    baselines: dict[str, NamedScores]
    by_activity: NotRequired[activity.ActivityErrors]
    intervals: NotRequired[IntervalCoverage]
    ranking: NotRequired[RankingEvaluation]


def evaluate_ratings(bundle: Bundle, ratings: Interactions, *, communicator: Communicator = ALONE) -> Evaluation:
    """The scores of the run's first scorer, and those of the baselines fitted on the run's training interactions.

    Those are predicted ratings; and how it ranks, where the run was trained without ratings or `ratings` has none.
    Unknown users and items are predicted by the fallback and counted. Where predictions depend on time, "with_times"
    says whether the ratings have one.

    Raises:
        DataError: none of them is a rating, and the run has no scorer that ranks.
    """
    name = next((name for name in bundle.scorers if name != "rating" or ratings.has_rating.any()), None)
    if name is None:
        raise _unrated(bundle)
    seen = bundle.seen.interactions()
    train = seen if bundle.data.has_ratings else seen.unrated()
    objective, scorer = find_objective(name), bundle.scorer(name)
    rates, features = scorer.as_rating(), bundle.features("item")
    answer = {
        "objective": objective.name,
        **objective.evaluate(scorer, ratings, train, communicator, features).to_dict(),
        **({} if rates is None or rates.drift is None else {"with_times": ratings.timestamp is not None}),
        "baselines": {
            name: objective.evaluate(fit_baseline(train), ratings, train, communicator, features).to_dict()
            for name, fit_baseline in objective.baselines.items()
        },
    }
    return cast(Evaluation, answer)


def activity_of(bundle: Bundle, ratings: Interactions) -> activity.ActivityErrors:
    """Rmse by how many training ratings the user, and the item, of a rating has; see evaluation.activity.

    Where some are predicted from features, also what their prediction as unknown ones would give.

    Raises:
        DataError: there are no ratings.
    """
    if not len(ratings):
        raise _unrated(bundle)
    without = errors(bundle.rating, without_those_behind(ratings)) if bundle.from_features else None
    return activity.activity(bundle.rating, bundle.seen.interactions().rated(), ratings, without)


def _unrated(bundle: Bundle) -> DataError:
    return DataError(
        "none of the interactions to measure has a rating",
        where=str(bundle.path),
        expected="ratings, to compare with those predicted",
        hint="measure it on other ratings: recsys evaluate --data FILE",
    )


class IntervalCoverage(Coverage):
    """The coverage of intervals at a level."""

    level: float


def coverage_of(bundle: Bundle, ratings: Interactions, level: float) -> IntervalCoverage:
    """The share of ratings that lie in their prediction intervals at `level`, see evaluation.coverage.coverage.

    Raises:
        UsageError, RunError: see `intervals_at`.
        DataError: there are no ratings.
    """
    if not len(ratings):
        raise _unrated(bundle)
    predicted = rate_with_intervals(bundle, level, ratings.user_idx, ratings.item_idx, ratings.timestamp)
    return {"level": level, **coverage(ratings, predicted.low, predicted.high, bundle.seen.interactions().rated())}
