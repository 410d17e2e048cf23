from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from recsys.core.seeding import rng
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation import baselines, ranking
from recsys.evaluation.ranking import rank
from recsys.evaluation.ranking_metrics import Judged, list_metrics, ranking_metrics, user_metrics
from recsys.evaluation.ranking_task import Relevance, default_threshold, ranking_task, sample_users
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link
from recsys.scoring.protocols import Ranker

Rated = Callable[..., Interactions]
N_USERS, N_ITEMS = 60, 80


def ratings(user: Any, item: Any, rating: Any, n_users: int = N_USERS, n_items: int = N_ITEMS) -> Interactions:
    vocabularies = Vocabulary(np.arange(n_users)), Vocabulary(np.arange(n_items))
    return Interactions(
        np.asarray(user, np.int32), np.asarray(item, np.int32), np.asarray(rating, np.float32), None, *vocabularies
    )


@pytest.fixture(scope="module")
def world() -> tuple[Factors, Interactions, Interactions]:
    """A scorer with many equal scores, training ratings by user, and held-out ratings with unknown users and items."""
    draw = rng(1, "ranking")
    user, item = np.divmod(draw.permutation(N_USERS * N_ITEMS)[:1500], N_ITEMS)
    stars = draw.integers(1, 6, 1500)
    first = np.argsort(user[:1000], kind="stable")
    train = ratings(user[:1000][first], item[:1000][first], stars[:1000][first])
    held_user, held_item = user[1000:].copy(), item[1000:].copy()
    held_user[:20], held_item[10:40] = -1, -1
    score = np.round(draw.normal(size=(N_USERS + 1, N_ITEMS + 1)), 1).astype(np.float32)
    eye = np.eye(N_ITEMS + 1, dtype=np.float32)
    zeros = np.zeros(N_USERS + 1, np.float32), np.zeros(N_ITEMS + 1, np.float32)
    return Factors(0.0, *zeros, score, eye, Link("identity", 0, 0)), train, ratings(held_user, held_item, stars[1000:])


def measured(
    scorer: Ranker, train: Interactions, held_out: Interactions, k: int, threshold: float | None = 4.0
) -> dict[Relevance, dict[str, float]]:
    task = ranking_task(held_out, train, threshold)
    return ranking_metrics(rank(scorer, train, task, k), task.users, train, k)


def slowly(scorer: Factors, train: Interactions, held_out: Interactions, threshold: float, k: int) -> dict[str, float]:
    """The protocol, a user at a time, in plain Python."""
    rows: dict[str, list[float]] = {}
    listed = Counter[int]()
    popular = np.bincount(train.item_idx, minlength=N_ITEMS)
    candidates = set(np.flatnonzero(popular).tolist())
    n_users = len(set(train.user_idx.tolist()))
    for user in range(N_USERS):
        mine = set(train.item_idx[train.user_idx == user].tolist())
        liked = [
            item
            for u, item, r in zip(held_out.user_idx, held_out.item_idx.tolist(), held_out.rating, strict=True)
            if u == user and r >= threshold
        ]
        right = {item for item in liked if item in candidates}
        if not liked:
            continue
        scores = scorer.score_all(np.array([user], np.int32))[0]
        order = sorted(candidates - mine, key=lambda item: (-scores[item], item))
        hits = [item in right for item in order]
        gains = [hit / math.log2(place + 2) for place, hit in enumerate(hits)]
        ideal = sum(1 / math.log2(place + 2) for place in range(min(k, len(liked))))
        precision = [sum(hits[: place + 1]) / (place + 1) for place in range(len(hits))]
        listed.update(order[:k])
        for name, value in {
            f"ndcg@{k}": sum(gains[:k]) / ideal,
            f"recall@{k}": sum(hits[:k]) / len(liked),
            f"capped_recall@{k}": sum(hits[:k]) / min(k, len(liked)),
            f"precision@{k}": sum(hits[:k]) / k,
            f"hit_rate@{k}": float(any(hits[:k])),
            f"map@{k}": sum(h * p for h, p in zip(hits[:k], precision, strict=False)) / min(k, len(liked)),
            "mrr": 1 / (hits.index(True) + 1) if any(hits) else 0.0,
            f"novelty@{k}": float(np.mean([-math.log2(popular[item] / n_users) for item in order[:k]])),
            "recommended": float(np.mean([popular[item] for item in order[:k]])),
            "rated": float(np.mean([popular[item] for item in mine])),
        }.items():
            rows.setdefault(name, []).append(value)
    means = {name: float(np.mean(values)) for name, values in rows.items()}
    recommended, rated = means.pop("recommended"), means.pop("rated")
    differences = [abs(listed[item] - listed[other]) for item in candidates for other in candidates]
    return {
        **means,
        f"coverage@{k}": len(listed) / len(candidates),
        f"gini@{k}": sum(differences) / (2 * len(candidates) * listed.total()),
        f"popularity@{k}": recommended / rated,
    }


@pytest.mark.parametrize("k", [1, 5, 10, 200])
@pytest.mark.parametrize("block", [1, 7 * N_ITEMS, 1 << 22])
def test_the_metrics_are_those_of_the_protocol_done_slowly(
    world: tuple[Factors, Interactions, Interactions], k: int, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranking, "SCORES", block)
    scorer, train, held_out = world
    metrics = measured(scorer, train, held_out, k)
    assert metrics["like"] == pytest.approx(slowly(scorer, train, held_out, 4.0, k))
    assert metrics["any"] == pytest.approx(slowly(scorer, train, held_out, 0.0, k))


@pytest.mark.slow  # ranx compiles for 20 s
@pytest.mark.filterwarnings("ignore")
def test_the_metrics_are_those_of_an_independent_library(world: tuple[Factors, Interactions, Interactions]) -> None:
    ranx = pytest.importorskip("ranx", reason="ranx, an independent library of ranking metrics, is not installed")
    scorer, train, held_out = world
    held_out = held_out.take((held_out.user_idx >= 0) & (held_out.item_idx >= 0))
    task = ranking_task(held_out, train, 4.0)
    likes = task.relevant["like"]
    scores = scorer.score_all(np.arange(N_USERS, dtype=np.int32))
    scores -= np.arange(N_ITEMS, dtype=np.float32) * 1e-4  # equal scores come by item here; ranx may take any
    scores[train.user_idx, train.item_idx] = -np.inf
    liked = held_out.take(held_out.rating >= 4)
    qrels = {
        str(u): {str(i): 1 for i in liked.item_idx[liked.user_idx == u].tolist()}
        for u in task.users[likes.n_relevant > 0].tolist()
    }
    run = {u: {str(i): float(s) for i, s in enumerate(scores[int(u)]) if np.isfinite(s)} for u in qrels}
    names = ["ndcg@10", "recall@10", "precision@10", "hit_rate@10", "mrr"]
    metrics = measured(scorer, train, held_out, 10)["like"]
    theirs = ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), names)
    assert {name: metrics[name] for name in names} == pytest.approx(theirs)
    # Theirs divides by all relevant items, ours by those that have room: the same where no user has more than 10.
    assert likes.n_relevant.max() <= 10
    assert metrics["map@10"] == pytest.approx(ranx.evaluate(ranx.Qrels(qrels), ranx.Run(run), "map@10"))


def test_a_list_of_three_by_hand() -> None:
    train = ratings([0, 1, 1, 1, 1], [5, 5, 1, 2, 3], [3.0, 4.0, 1.0, 1.0, 1.0])
    hits = np.array([[True, False, True]])
    judged = Judged(hits, first=np.array([1]), n_relevant=np.array([4]))
    lists = list_metrics(np.array([[1, 2, 3]]), np.array([0]), train, 3)
    metrics = {name: float(values[0]) for name, values in user_metrics(judged, 3).items()} | lists
    gain = 1 / math.log2(3)
    assert metrics["ndcg@3"] == pytest.approx((1 + 0.5) / (1 + gain + 0.5))
    assert (metrics["recall@3"], metrics["precision@3"]) == (0.5, pytest.approx(2 / 3))
    assert metrics["capped_recall@3"] == pytest.approx(2 / 3)
    assert metrics["map@3"] == pytest.approx((1 + 2 / 3) / 3)
    assert (metrics["hit_rate@3"], metrics["mrr"], metrics["coverage@3"]) == (1.0, 1.0, 3 / 4)
    assert (metrics["gini@3"], metrics["novelty@3"], metrics["popularity@3"]) == (1 / 4, 1.0, 1 / 2)


def test_the_most_popular_items_are_those_that_most_have_rated() -> None:
    train = ratings([0, 1, 2, 2, 3], [4, 4, 4, 2, 2], [1.0, 5.0, 3.0, 3.0, 2.0])
    held_out = ratings([0, 3], [2, 4], [5.0, 5.0])
    metrics = measured(baselines.most_popular(train), train, held_out, 1)["like"]
    assert (metrics["hit_rate@1"], metrics["mrr"], metrics["coverage@1"]) == (1.0, 1.0, 1.0)


def test_whoever_is_left_out_is_counted() -> None:
    train = ratings([0, 0, 1, 2, 3], [0, 1, 0, 3, 2], [5.0, 1.0, 3.0, 4.0, 1.0])
    rows = [(0, 2, 5.0), (0, 1, 5.0), (0, -1, 4.0), (1, 2, 3.0), (2, -1, 5.0), (-1, 2, 5.0), (-1, -1, 1.0), (0, 2, 4.0)]
    task = ranking_task(ratings(*zip(*rows, strict=True)), train, 4.0)
    likes = task.relevant["like"]
    assert (task.users.tolist(), likes.n_relevant.tolist(), likes.items.tolist()) == ([0, 1, 2], [2, 0, 1], [2])
    assert task.relevant["like"].counts == {
        "n_users": 2,
        "n_users_without_relevant": 1,
        "n_relevant": 3,
        "n_relevant_unknown_items": 2,
        "n_relevant_unknown_users": 1,
        "n_relevant_already_rated": 1,
    }
    assert task.relevant["any"].counts["n_users_without_relevant"] == 0


def test_a_click_is_an_interaction_and_no_like() -> None:
    train = ratings([0, 0, 1], [0, 1, 2], [5.0, np.nan, np.nan])
    task = ranking_task(ratings([0, 1, 1], [2, 0, 1], [np.nan, 4.0, np.nan]), train, default_threshold(train))
    assert task.threshold == 5.0
    assert task.relevant["any"].n_relevant.tolist() == [1, 2]
    metrics = measured(baselines.most_popular(train), train, ratings([0], [2], [np.nan]), 1, threshold=None)
    assert metrics.keys() == {"any"}
    assert metrics["any"]["ndcg@1"] == 1.0


def test_clicks_have_no_threshold() -> None:
    assert default_threshold(ratings([0, 1], [0, 1], [np.nan, np.nan])) is None


def test_an_item_without_training_interactions_is_never_listed_and_missed() -> None:
    train = ratings([0, 1, 1], [0, 0, 1], [5.0, 5.0, 5.0])
    held_out = ratings([0, 0], [1, 7], [5.0, 5.0])
    scorer = baselines.most_popular(ratings([0], [7], [5.0]))  # it would list nothing but item 7
    lists = rank(scorer, train, ranking_task(held_out, train, None), 3)
    assert lists.best.tolist() == [[1, -1, -1]]
    assert measured(scorer, train, held_out, 3)["any"]["recall@3"] == 0.5


def test_some_users_are_drawn_with_all_their_rows() -> None:
    held_out = ratings([0, 1, 1, 2, 3, -1], [0, 1, 2, 3, 4, 5], [1.0] * 6)
    drawn = [sample_users(held_out, 2, seed) for seed in range(20)]
    assert {len(set(rows.user_idx.tolist())) for rows in drawn} == {2}
    assert all((rows.user_idx == 1).sum() in (0, 2) for rows in drawn)
    assert len({tuple(rows.user_idx) for rows in drawn}) > 1
    assert drawn[0].user_idx.tolist() == sample_users(held_out, 2, 0).user_idx.tolist()
    assert sample_users(held_out, 4, 0) is held_out


def test_a_user_whose_likes_are_all_unknown_scores_nothing() -> None:
    train = ratings([0, 1], [0, 1], [5.0, 1.0])
    metrics = measured(baselines.most_popular(train), train, ratings([0], [-1], [5.0]), 2)["like"]
    assert [metrics[name] for name in ("ndcg@2", "recall@2", "precision@2", "hit_rate@2", "map@2", "mrr")] == [0.0] * 6


@pytest.mark.parametrize(
    ("stars", "threshold"),
    [([0.5, 3.5, 4.0, 5.0], 4.0), ([1, 3, 4, 5], 4.0), ([1, 7, 8, 10], 8.0), ([0, 1], 1.0), ([-10, 4, 6, 10], 6.0)],
)
def test_what_is_relevant_is_the_upper_quarter_of_any_scale(stars: list[float], threshold: float) -> None:
    n = len(stars)
    assert default_threshold(ratings(range(n), range(n), stars)) == threshold
