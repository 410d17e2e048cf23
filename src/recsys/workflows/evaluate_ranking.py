"""How well a finished run ranks: each of its scorers, and what needs no learning, for the same users."""

from __future__ import annotations

from collections.abc import Mapping

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import DataError, UsageError
from recsys.core.events import Observer, silent
from recsys.core.words import counted
from recsys.data.interactions import Interactions
from recsys.evaluation.ranking import rank
from recsys.evaluation.ranking_metrics import ranking_metrics
from recsys.evaluation.ranking_task import RankingTask, Relevance, RelevantCounts, default_threshold, ranking_task
from recsys.scoring.protocols import Ranker
from recsys.workflows.rankers import Protocol, for_known_users, for_new_users

K = 10
Metrics = Mapping[Relevance, dict[str, float]]


class RankingScores(RelevantCounts):
    """By one definition of what is relevant: counts, and the metrics of each scorer of the run and each baseline."""

    scorers: dict[str, dict[str, float]]
    baselines: dict[str, dict[str, float]]


class RankingEvaluation(RelevantCounts):
    """How well unseen items are ranked, and by which protocol that was measured.

    The counts, `model` and `baselines` are those of `like`, or of `any` where that is all there is.

    Attributes:
        protocol: see recsys.workflows.rankers.
        k: length of the lists.
        threshold: the lowest rating that is a like; None where nothing is rated.
        n_candidates: items that are ranked.
        model: metrics of the scorer by which the run recommends.
        any: what is relevant is every held-out interaction; like: ratings of at least the threshold; None
            where there are none.
    """

    protocol: Protocol
    k: int
    threshold: float | None
    n_candidates: int
    model: dict[str, float]
    baselines: dict[str, dict[str, float]]
    any: RankingScores
    like: RankingScores | None


def ranking_of(
    bundle: Bundle,
    held_out: Interactions,
    k: int = K,
    threshold: float | None = None,
    *,
    new_users: bool = False,
    observe: Observer = silent,
) -> RankingEvaluation:
    """How well the first k places of each user's unseen items are filled, see evaluation.ranking_metrics.

    Args:
        held_out: interactions on the run's vocabularies; all their users are ranked for.
        threshold: the lowest rating that is a like; None: the upper quarter of the scale.
        new_users: ranks for users whom the scorer was not trained on, see rankers.for_new_users.
        observe: gets Step and Scoring events.
    Raises:
        DataError: nothing is relevant.
        RunError: the run has no ranking scorer for new users.
        UsageError: a threshold for interactions without ratings.
    """
    if threshold is not None and "rating" not in bundle.scorers:
        raise UsageError(
            "a threshold is a rating, and the run was trained without ratings",
            expected="no threshold",
            hint="leave it out",
        )
    rankers = for_new_users(bundle, held_out, observe) if new_users else for_known_users(bundle, held_out)
    lowest_like = default_threshold(rankers.seen) if threshold is None and "rating" in bundle.scorers else threshold
    task = ranking_task(rankers.held_out, rankers.seen, lowest_like)
    _check_relevant(task, held_out, threshold)

    features = bundle.features("item")
    of_items = None if features is None else features.matrix_of(rankers.seen.items)

    def metrics(scorer: Ranker) -> Metrics:
        lists = rank(scorer, rankers.seen, task, k, observe)
        return ranking_metrics(lists, task.users, rankers.seen, k, of_items)

    scorers = {name: metrics(scorer) for name, scorer in rankers.scorers.items()}
    baselines = {name: metrics(scorer) for name, scorer in rankers.baselines.items()}
    has_likes = "like" in task.relevant and task.relevant["like"].counts["n_users"] > 0
    first: Relevance = "like" if has_likes else "any"
    return {
        "protocol": rankers.protocol,
        "k": k,
        "threshold": lowest_like,
        "n_candidates": int(task.candidates.sum()),
        **task.relevant[first].counts,
        "model": scorers[bundle.recommends_by][first],
        "baselines": {name: of_baseline[first] for name, of_baseline in baselines.items()},
        "any": _scores("any", task, scorers, baselines),
        "like": _scores("like", task, scorers, baselines) if has_likes else None,
    }


def _scores(
    relevance: Relevance, task: RankingTask, scorers: Mapping[str, Metrics], baselines: Mapping[str, Metrics]
) -> RankingScores:
    return {
        **task.relevant[relevance].counts,
        "scorers": {name: metrics[relevance] for name, metrics in scorers.items()},
        "baselines": {name: metrics[relevance] for name, metrics in baselines.items()},
    }


def _check_relevant(task: RankingTask, held_out: Interactions, threshold: float | None) -> None:
    """Raises DataError where nobody has anything relevant."""
    if not len(task.users):
        raise DataError(
            f"none of the {counted(len(held_out), 'interaction')} is of a known user with an item that is new to them",
            expected="interactions of known users that were not trained on",
        )
    rated = held_out.rated()
    highest = float(rated.rating.max()) if len(rated) else None
    if threshold is not None and highest is not None and highest < threshold:
        raise DataError(
            f"none of the {counted(len(rated), 'rating')} is {threshold:g} or more",
            expected="ratings of items that somebody liked and had not rated in training",
            hint=f"--threshold {highest:g}",
        )
