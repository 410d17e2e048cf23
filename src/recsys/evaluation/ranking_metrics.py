"""Metrics of ranked lists: how many right items stand in the first places, and which items stand there at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, BoolArray, Counts, Float64Array, Indices, Int64Array
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN
from recsys.evaluation.diversity import diversity
from recsys.evaluation.ranking_task import Relevance


@dataclass(frozen=True, eq=False)
class Judged:
    """How right lists are, by one definition of what is relevant.

    Attributes:
        hits: whether each listed item is relevant, bool, shape (n_users, places).
        first: rank of the first relevant item in the whole order, from 1, shape (n_users,); 0: in no place.
        n_relevant: relevant items of each user, shape (n_users,); users without any do not count.
    """

    hits: BoolArray
    first: Int64Array
    n_relevant: Counts

    @property
    def counts(self) -> BoolArray:
        """Which users have relevant items, bool, shape (n_users,)."""
        return self.n_relevant > 0


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The best items of each user, and how right they are.

    Attributes:
        best: item indices, best first, shape (n_users, places); −1 where there was no item left.
        judged: by definition of what is relevant.
    """

    best: Indices
    judged: dict[Relevance, Judged]


def ranking_metrics(
    lists: RankedLists, users: Indices, train: Interactions, k: int, features: FeatureMatrix | None = None
) -> dict[Relevance, dict[str, float]]:
    """Means over users of `user_metrics`, and `list_metrics`; for each definition, over users with relevant items.

    Args:
        users: whose lists they are, indices into the users of train.
        k: the places that count, also where there are fewer items.
        features: of the items of train.
    Returns:
        Metrics by definition, without those by which nobody has relevant items.
    """
    metrics: dict[Relevance, dict[str, float]] = {}
    for name, judged in lists.judged.items():
        rows = judged.counts
        if rows.any():
            metrics[name] = {
                **{metric: float(np.mean(values[rows])) for metric, values in user_metrics(judged, k).items()},
                **list_metrics(lists.best[rows, :k], users[rows], train, k, features),
            }
    return metrics


def user_metrics(judged: Judged, k: int) -> dict[str, Float64Array]:
    """Metrics at k of each user, float64, shape (n_users,), between 0 and 1; 0 for users without relevant items.

    With rel(r) = 1 where the item at rank r is relevant, and R relevant items:

        ndcg@k           Σ_{r≤k} rel(r) / log₂(r + 1), divided by the same sum with the first min(k, R) ranks relevant
        recall@k         hits in the first k / R
        capped_recall@k  hits in the first k / min(k, R), which a perfect list brings to 1
        precision@k      hits in the first k / k
        hit_rate@k       1 if there is a hit in the first k
        map@k            Σ_{r≤k} rel(r) · precision@r / min(k, R)
        mrr              1 / rank of the first relevant item, in the whole order of candidates

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; Liang et al. 2018,
    "Variational Autoencoders for Collaborative Filtering", whose Recall@R is capped_recall@k.
    """
    hits, n_relevant = judged.hits[:, :k].astype(np.float64), np.maximum(judged.n_relevant, 1)
    ranks = np.arange(1, hits.shape[1] + 1)
    gain = 1 / np.log2(np.arange(1, k + 1) + 1)
    ideal = np.cumsum(gain)[np.minimum(n_relevant, k) - 1]
    n_hits = hits.sum(axis=1)
    precisions = (hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1)
    return {
        f"ndcg@{k}": hits @ gain[: len(ranks)] / ideal,
        f"recall@{k}": n_hits / n_relevant,
        f"capped_recall@{k}": n_hits / np.minimum(n_relevant, k),
        f"precision@{k}": n_hits / k,
        f"hit_rate@{k}": (n_hits > 0).astype(np.float64),
        f"map@{k}": precisions / np.minimum(n_relevant, k),
        "mrr": np.divide(1.0, judged.first, out=np.zeros(len(hits)), where=judged.first > 0),
    }


def list_metrics(
    best: Indices, users: Indices, train: Interactions, k: int, features: FeatureMatrix | None = None
) -> dict[str, float]:
    """Which items are listed, whether right or not.

        coverage@k    share of the items with training interactions that stand in the list of any of these users
        gini@k        how unevenly these items are listed: 0 where each is equally often, near 1 where few are alone
        novelty@k     −log₂ of the share of users who have a listed item in training, averaged over a user's list, then
                      over users: bits, more where the lists are less obvious
        popularity@k  how many training interactions a listed item has, over how many an item has that the user has in
                      training; both averaged over a user's items, then over users. Above 1: the lists are more
                      popular than the taste of those who get them
        diversity@k   how unlike the items of a list are by their features, see `diversity`; only where there are some

    Args:
        best: item indices, shape (n_users, places); −1 where there was no item left.
        users: whose lists they are, indices into the users of train.
        features: of the items of train.
    Source: Castells, Hurley, Vargas 2015, "Novelty and Diversity in Recommender Systems"; Abdollahpouri et al. 2019,
    "The Unfairness of Popularity Bias in Recommendation", whose ΔGAP is popularity@k − 1.
    """
    distance = None if features is None else diversity(best, features)
    is_listed, is_candidate = best != UNKNOWN, train.item_counts > 0
    n_listed = np.bincount(best[is_listed], minlength=len(train.items))[is_candidate]
    return {
        f"coverage@{k}": float(np.count_nonzero(n_listed) / len(n_listed)),
        f"gini@{k}": _gini(n_listed),
        f"novelty@{k}": _novelty(best, is_listed, train),
        f"popularity@{k}": _popularity(best, is_listed, users, train),
        **({} if distance is None else {f"diversity@{k}": distance}),
    }


def _gini(counts: Counts) -> float:
    """Σ_r (2r − n − 1) c_r / (n Σ c), with the counts c in rising order, r from 1; 0 where all are 0."""
    n = len(counts)
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float(weights @ np.sort(counts) / max(1, n * counts.sum()))


def _novelty(best: Indices, is_listed: BoolArray, train: Interactions) -> float:
    share = np.maximum(train.item_counts, 1) / np.count_nonzero(train.user_counts)
    return float(_list_means(-np.log2(share)[best], is_listed).mean())


def _popularity(best: Indices, is_listed: BoolArray, users: Indices, train: Interactions) -> float:
    in_list = _list_means(train.item_counts[best], is_listed)
    sums = np.bincount(train.user_idx, train.item_counts[train.item_idx], minlength=len(train.users))
    in_training = sums[users] / train.user_counts[users]
    return float(in_list.mean() / in_training.mean())


def _list_means(values: Array, is_listed: BoolArray) -> Float64Array:
    """The mean of the values of the listed items of each list; 0 for an empty one."""
    means: Float64Array = np.where(is_listed, values, 0.0).sum(axis=1) / np.maximum(is_listed.sum(axis=1), 1)
    return means
