"""Metrics of ranked lists: how many right items stand in the first places, and which items stand there at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import UNKNOWN


@dataclass(frozen=True, eq=False)
class RankedLists:
    """The best items of each user, and how right they are.

    Attributes:
        best: item indices, best first, shape (n_users, places); −1 where there was no item left.
        hits: whether each is relevant, bool, the same shape.
        first: rank of the first relevant item in the whole order, from 1, shape (n_users,); 0: in no place.
        n_relevant: relevant items of each user, at least 1, shape (n_users,).
    """

    best: Array
    hits: Array
    first: Array
    n_relevant: Array


def ranking_metrics(lists: RankedLists, users: Array, train: Interactions, k: int) -> dict[str, float]:
    """Means over users of the metrics at k, which all lie between 0 and 1 but for popularity.

    With rel(r) = 1 where the item at rank r is relevant, and R relevant items:

        ndcg@k       Σ_{r≤k} rel(r) / log₂(r + 1), divided by the same sum with the first min(k, R) ranks relevant
        recall@k     hits in the first k / R
        precision@k  hits in the first k / k
        hit_rate@k   1 if there is a hit in the first k
        map@k        Σ_{r≤k} rel(r) · precision@r / min(k, R)
        mrr          1 / rank of the first relevant item, in the whole order of candidates
        coverage@k   share of all items that stand in the list of any of these users
        popularity@k how many training ratings a listed item has, over how many an item has that the user rated in
                     training; both averaged over a user's items, then over users. Above 1: the lists are more
                     popular than the taste of those who get them

    Args:
        users: whose lists they are, indices into the users of train.
        k: the places that count, also where there are fewer items.
    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; Abdollahpouri et al.
    2019, "The Unfairness of Popularity Bias in Recommendation", whose ΔGAP is popularity@k − 1.
    """
    hits, n_relevant = lists.hits.astype(np.float64), lists.n_relevant
    ranks = np.arange(1, hits.shape[1] + 1)
    gain = 1 / np.log2(np.arange(1, k + 1) + 1)
    ideal = np.cumsum(gain)[np.minimum(n_relevant, k) - 1]
    n_hits = hits.sum(axis=1)
    precisions = (hits * np.cumsum(hits, axis=1) / ranks).sum(axis=1)
    reciprocal = np.divide(1.0, lists.first, out=np.zeros(len(hits)), where=lists.first > 0)
    listed = lists.best != UNKNOWN
    per_user = {
        f"ndcg@{k}": hits @ gain[: len(ranks)] / ideal,
        f"recall@{k}": n_hits / n_relevant,
        f"precision@{k}": n_hits / k,
        f"hit_rate@{k}": n_hits > 0,
        f"map@{k}": precisions / np.minimum(n_relevant, k),
        "mrr": reciprocal,
    }
    return {
        **{name: float(np.mean(values)) for name, values in per_user.items()},
        f"coverage@{k}": len(np.unique(lists.best[listed])) / len(train.items),
        f"popularity@{k}": _popularity(lists.best, listed, users, train),
    }


def _popularity(best: Array, listed: Array, users: Array, train: Interactions) -> float:
    in_list = np.where(listed, train.item_counts[best], 0).sum(axis=1) / np.maximum(listed.sum(axis=1), 1)
    sums = np.bincount(train.user_idx, train.item_counts[train.item_idx], minlength=len(train.users))
    in_training = sums[users] / train.user_counts[users]
    return float(in_list.mean() / in_training.mean())
