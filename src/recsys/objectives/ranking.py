"""The objective `ranking`: what a user turns out to interact with stands first among all unseen items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from recsys.core.errors import DataError
from recsys.core.types import Array, Float32Array, Ids, Indices
from recsys.data.interactions import Interactions, join, reindex
from recsys.data.vocabulary import UNKNOWN, Vocabulary
from recsys.evaluation import baselines
from recsys.evaluation.bootstrap import SEED, PairedMetrics, resampled
from recsys.evaluation.metrics import Scores
from recsys.evaluation.ranking import rank
from recsys.evaluation.ranking_metrics import Judged, RankedLists, ranking_metrics, user_metrics
from recsys.evaluation.ranking_task import default_threshold, ranking_task, sample_users
from recsys.objectives.objective import Objective, Sample

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator
    from recsys.data.features.features import Features
    from recsys.scoring.protocols import Ranker

SHORT, LONG = 10, 20  # places of a list
NDCG, RECALL = f"ndcg@{SHORT}", f"recall@{LONG}"
METRICS = (NDCG, RECALL, f"coverage@{SHORT}")
ALSO = (f"capped_recall@{LONG}", f"gini@{SHORT}", f"novelty@{SHORT}")
DIVERSITY = f"diversity@{SHORT}"  # where items have features
OF_LIKES = (NDCG, RECALL, f"capped_recall@{LONG}")
LIKE = "like_"
FEW = 100_000  # training interactions, of which more may help
USERS = 5_000  # to measure a run by at its end
SCORES = 1 << 27  # so many are made, and the best of them found, in some 5 s on two cores
SCORES_PER_INTERACTION = 32  # in the time in which the factors are fitted to it


def _sample(held_out: Interactions, seen: Interactions, seed: int) -> Sample | None:
    """Users drawn by the seed: 5,000, or as many as the time of the fit, or else 5 s, is enough for.

    The time is told by counts, not by the clock, so that the figures are the same every time.
    """
    known = held_out.known_to(seen)
    n_users = len(np.unique(known.user_idx[known.user_idx != UNKNOWN]))
    if not n_users:
        return None
    n_scores = max(SCORES, SCORES_PER_INTERACTION * len(seen))
    at_most = min(USERS, max(1, n_scores // len(seen.items)))
    sample = sample_users(known, at_most, seed)
    ranked = ranking_task(sample, seen, threshold=None).users
    if not len(ranked):  # as in an update whose pairs are all rated again
        return None
    return Sample(sample, {"n_users_held_out": len(ranked) if sample is known else n_users})


def _evaluate(
    scorer: Ranker,
    held_out: Interactions,
    seen: Interactions,
    communicator: Communicator,
    item_features: Features | None = None,
) -> Scores:
    """Metrics for any held-out interaction; and, with like_ before the name, for ratings of at least the threshold.

    All are 0 where nobody has anything relevant. Items without training interactions are relevant and in no list;
    n_relevant_unknown_items says how many of the n_relevant are such.
    """
    task = ranking_task(held_out, seen, default_threshold(seen))
    lists = rank(scorer, seen, task, LONG, communicator=communicator)
    of_items = None if item_features is None else item_features.matrix_of(seen.items)
    short, long = (ranking_metrics(lists, task.users, seen, k, of_items) for k in (SHORT, LONG))
    metrics = {name: {**long[name], **short[name]} for name in short}
    of_any, of_likes = metrics.get("any", {}), metrics.get("like", {})
    counts = task.relevant["any"].counts
    also = (*ALSO, DIVERSITY) if DIVERSITY in of_any else ALSO
    scores = Scores(
        {name: of_any.get(name, 0.0) for name in METRICS + also},
        {
            "n_users": counts["n_users"],
            "n_relevant": counts["n_relevant"],
            "n_relevant_unknown_items": counts["n_relevant_unknown_items"],
        },
    )
    if not of_likes or task.threshold is None:
        return scores
    return Scores(
        {**scores.metrics, **{LIKE + name: of_likes[name] for name in OF_LIKES}},
        {**scores.counts, "n_like_users": task.relevant["like"].counts["n_users"]},
        {"like_threshold": task.threshold},
    )


def _resample(
    scorers: Sequence[Ranker], held_out: Sequence[Interactions], seen: Sequence[Interactions], _: Array
) -> PairedMetrics:
    """Means over users, of users, items and held-out pairs that all know; what one has seen, none has to find."""
    users = _in_all([each.users.ids[each.user_counts > 0] for each in seen])
    items = _in_all([each.items.ids[each.item_counts > 0] for each in seen])
    common_seen = reduce(join, (_of_known(reindex(each, users, items)) for each in seen))
    sample = _sample(_of_known(reindex(held_out[0], users, items)), common_seen, SEED)
    task = None if sample is None else ranking_task(sample.interactions, common_seen, default_threshold(seen[0]))
    if task is None or not len(task.users):
        raise DataError(
            "no user whom all runs know has held-out items that all know and none has seen",
            expected="runs that have trained on some of the same users and items",
        )
    lists = [
        rank(_Reindexed(scorer, each.users.index(users.ids), each.items.index(items.ids)), common_seen, task, LONG)
        for scorer, each in zip(scorers, seen, strict=True)
    ]
    rows, columns = _columns(lists)

    def metrics(totals: Array) -> dict[str, Array]:
        sums = totals.reshape(*totals.shape[:-1], len(columns), len(lists) + 1)
        return {name: sums[..., at, :-1] / np.maximum(sums[..., at, -1:], 1) for at, name in enumerate(columns)}

    n_relevant = task.relevant["any"].counts["n_relevant"]
    return PairedMetrics(metrics(rows.sum(axis=0)), metrics(resampled(rows)), len(rows), n_relevant)


def _advice(n_interactions: int) -> str:
    if n_interactions < FEW:
        return "Until there are more interactions, the most popular items are the better recommendations."
    return "The most popular items are the better recommendations. Tuning may help: recsys tune --metric ndcg@10."


def _columns(lists: Sequence[RankedLists]) -> tuple[Array, list[str]]:
    """For each user and metric: the value of each scorer, and whether the user counts; and the names of the metrics."""
    columns, names = [], []
    for prefix, relevance in (("", "any"), (LIKE, "like")):
        judged: list[Judged] = [each.judged[relevance] for each in lists if relevance in each.judged]
        if not judged or not judged[0].counts.any():
            continue
        for name, k in ((NDCG, SHORT), (RECALL, LONG)):
            columns += [user_metrics(each, k)[name] for each in judged]
            columns.append(judged[0].counts.astype(np.float64))
            names.append(prefix + name)
    return np.stack(columns, axis=1), names


def _in_all(ids: Sequence[Ids]) -> Vocabulary:
    return Vocabulary(reduce(np.intersect1d, ids))


def _of_known(rows: Interactions) -> Interactions:
    return rows.take((rows.user_idx != UNKNOWN) & (rows.item_idx != UNKNOWN))


@dataclass(frozen=True, eq=False)
class _Reindexed:
    """A scorer on other vocabularies: its index of each user and item of these."""

    scorer: Ranker
    users: Indices
    items: Indices

    def score_all(self, user_idx: Indices) -> Float32Array:
        return self.scorer.score_all(self.users[user_idx])[:, self.items]


RANKING = Objective(
    name="ranking",
    metrics=METRICS,
    optional_metrics=(LIKE + NDCG, LIKE + RECALL),
    direction="maximize",
    sample=_sample,
    evaluate=_evaluate,
    baselines={"popular": baselines.most_popular},
    baseline_to_beat="popular",
    advice=_advice,
    also_measured=("rating",),
    resample=_resample,
)
