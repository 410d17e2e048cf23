from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from recsys.core.communicator import ALONE
from recsys.core.errors import DataError
from recsys.core.seeding import rng
from recsys.data.features.encoder import FeatureEncoder, TermsColumn
from recsys.data.features.features import Features
from recsys.data.features.matrix import FeatureMatrix
from recsys.data.interactions import Interactions, join, reindex
from recsys.data.split import Splits
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation import baselines
from recsys.objectives import ranking
from recsys.objectives.ranking import RANKING
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.link import Link

Rated = Callable[..., Interactions]
N_USERS, N_ITEMS = 40, 25


@pytest.fixture
def splits(rated: Rated) -> Splits:
    """Every user meets half of the items, and is held out of a quarter; ratings from 1 to 5."""
    draw = rng(5, "ranking objective")
    pairs = draw.permutation(N_USERS * N_ITEMS)
    rows = [(int(pair) // N_ITEMS, int(pair) % N_ITEMS, float(draw.integers(1, 6))) for pair in pairs]
    ratings = rated(rows)
    return Splits(ratings.take(slice(0, 500)), None, ratings.take(slice(500, 750)))


def oracle(held_out: Interactions, noise: float, seed: int) -> Factors:
    """Scores what is held out higher than all else, but for noise."""
    scores = rng(seed, "oracle").normal(0, noise, (N_USERS + 1, N_ITEMS + 1)).astype(np.float32)
    scores[held_out.user_idx, held_out.item_idx] += 1
    zeros = np.zeros(N_USERS + 1, np.float32), np.zeros(N_ITEMS + 1, np.float32)
    return Factors(0.0, *zeros, scores, np.eye(N_ITEMS + 1, dtype=np.float32), Link("identity", 0, 0))


def test_who_ranks_all_that_is_held_out_first_scores_1(splits: Splits) -> None:
    assert splits.test is not None
    scores = RANKING.evaluate(oracle(splits.test, 0, 1), splits.test, splits.train, ALONE)
    assert scores.metrics["ndcg@10"] == scores.metrics["recall@20"] == scores.metrics["coverage@10"] == 1.0
    assert 0.2 < scores.metrics["like_ndcg@10"] < 1
    assert scores.metrics["like_recall@20"] == 1.0
    assert scores.counts == {
        "n_users": N_USERS,
        "n_relevant": len(splits.test),
        "n_relevant_unknown_items": 0,
        "n_like_users": len(_likers(splits.test)),
    }
    assert RANKING.value(scores.metrics) == 1.0


def test_lists_are_measured_by_features_where_items_have_some(splits: Splits) -> None:
    assert splits.test is not None
    scorer, arguments = baselines.most_popular(splits.train), (splits.test, splits.train, ALONE)
    encoder = FeatureEncoder("id", (TermsColumn("genre", "category", None, ("a", "b")),))
    one_each = FeatureMatrix(np.arange(3), np.array([0, 1], np.int32), np.ones(2, np.float32), 2)
    features = Features(splits.train.items, encoder, one_each.take(np.arange(N_ITEMS) % 2))
    without, scores = RANKING.evaluate(scorer, *arguments), RANKING.evaluate(scorer, *arguments, features)
    assert scores.metrics.items() > without.metrics.items()
    assert scores.metrics.keys() - without.metrics.keys() == {"diversity@10"}
    assert 0.4 < scores.metrics["diversity@10"] <= 5 / 9  # of ten items, half of each genre
    assert scores.counts == without.counts


def test_items_without_training_interactions_are_counted(splits: Splits) -> None:
    assert splits.test is not None
    train = splits.train.take(splits.train.item_idx > 4)
    n_unknown = int(np.count_nonzero(splits.test.item_idx <= 4))
    counts = RANKING.evaluate(baselines.most_popular(train), splits.test, train, ALONE).counts
    assert 0 < n_unknown == counts["n_relevant_unknown_items"] < counts["n_relevant"] == len(splits.test)


def _likers(ratings: Interactions) -> set[int]:
    return set(ratings.user_idx[ratings.rating >= 4].tolist())


def test_clicks_are_measured_without_likes(splits: Splits) -> None:
    assert splits.test is not None
    train, test = (replace(part, rating=np.full_like(part.rating, np.nan)) for part in (splits.train, splits.test))
    scores = RANKING.evaluate(baselines.most_popular(train), test, train, ALONE)
    rated = RANKING.evaluate(baselines.most_popular(splits.train), splits.test, splits.train, ALONE)
    assert scores.metrics == {name: rated.metrics[name] for name in rated.metrics if not name.startswith("like_")}
    assert scores.counts == {"n_users": N_USERS, "n_relevant": len(test), "n_relevant_unknown_items": 0}


def test_with_nobody_to_rank_for_all_is_0(splits: Splits) -> None:
    unknown = splits.train.take(slice(0, 5))
    unknown = replace(unknown, user_idx=np.full_like(unknown.user_idx, -1))
    scores = RANKING.evaluate(baselines.most_popular(splits.train), unknown, splits.train, ALONE)
    assert (RANKING.value(scores.metrics), scores.counts["n_users"]) == (0.0, 0)


def test_resamples_of_users_tell_a_better_ranker_from_a_worse_one(splits: Splits) -> None:
    assert splits.test is not None
    scorers = [oracle(splits.test, noise, seed) for noise, seed in ((1.0, 1), (1.0, 2), (0.3, 3))]
    users = splits.test.user_idx.astype(np.int64)
    metrics = RANKING.resample(scorers, [splits.test] * 3, [splits.train] * 3, users)
    evaluated = [RANKING.evaluate(scorer, splits.test, splits.train, ALONE).metrics for scorer in scorers]
    for name in ("ndcg@10", "recall@20", "like_ndcg@10", "like_recall@20"):
        assert metrics.measured[name].tolist() == pytest.approx([scores[name] for scores in evaluated])
        assert metrics.drawn[name].mean(axis=0).tolist() == pytest.approx(metrics.measured[name].tolist(), abs=0.01)
    gain = metrics.drawn["ndcg@10"] - metrics.drawn["ndcg@10"][:, :1]
    assert np.quantile(gain[:, 2], 0.01) > 0
    assert np.quantile(gain[:, 1], 0.01) < 0 < np.quantile(gain[:, 1], 0.99)


def test_runs_on_other_vocabularies_are_compared_on_what_both_know(splits: Splits) -> None:
    """The second run has not learned of ten users and five items, and has seen one of the held-out pairs."""
    assert splits.test is not None
    train, test = splits.train, splits.test
    users, items = Vocabulary(train.users.ids[10:]), Vocabulary(train.items.ids[:-5])
    seen = reindex(train, users, items)
    seen = seen.take((seen.user_idx >= 0) & (seen.item_idx >= 0))
    held_out = reindex(test, users, items)
    known = np.flatnonzero((held_out.user_idx >= 0) & (held_out.item_idx >= 0))
    leaked = held_out.take(known[:1])
    more = replace(
        seen,
        user_idx=np.append(seen.user_idx, leaked.user_idx),
        item_idx=np.append(seen.item_idx, leaked.item_idx),
        rating=np.append(seen.rating, leaked.rating),
    )
    whole = oracle(test, 0.5, 1)
    smaller = replace(
        whole,
        user_bias=whole.user_bias[10:],
        item_bias=np.delete(whole.item_bias, slice(N_ITEMS - 5, N_ITEMS)),
        user_factors=whole.user_factors[10:],
        item_factors=np.delete(whole.item_factors, slice(N_ITEMS - 5, N_ITEMS), axis=0),
    )
    metrics = RANKING.resample([whole, smaller], [test, held_out], [train, more], test.user_idx)
    first, second = metrics.measured["ndcg@10"]
    assert first == second
    expected = RANKING.evaluate(smaller, held_out.take(known[1:]), more, ALONE)
    assert first == pytest.approx(expected.metrics["ndcg@10"])


def test_runs_that_share_no_user_are_refused(rated: Rated) -> None:
    first, other = rated([("a", 1, 5.0), ("a", 2, 1.0)]), rated([("b", 1, 5.0), ("b", 2, 1.0)])
    scorers = [baselines.most_popular(first), baselines.most_popular(other)]
    with pytest.raises(DataError, match="no user whom all runs know"):
        RANKING.resample(scorers, [first, other], [first, other], np.zeros(2, dtype=np.int64))


def test_users_who_have_seen_all_that_is_held_out_are_not_left_out_by_a_draw(splits: Splits) -> None:
    assert splits.test is not None
    again = splits.train.take(splits.train.user_idx == 0)
    others = splits.test.take(splits.test.user_idx > 0)
    sample = RANKING.sample(join(again, others), splits.train, 1)
    assert sample is not None
    scores = RANKING.evaluate(baselines.most_popular(splits.train), sample.interactions, splits.train, ALONE)
    assert scores.counts["n_users"] == sample.counts["n_users_held_out"] == N_USERS - 1


def test_at_the_end_of_a_run_some_users_are_enough(splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    assert splits.test is not None
    whole = RANKING.sample(splits.test, splits.train, 1)
    assert whole is not None
    assert (len(whole.interactions), whole.counts) == (len(splits.test), {"n_users_held_out": N_USERS})
    monkeypatch.setattr(ranking, "SCORES", 7 * N_ITEMS)
    monkeypatch.setattr(ranking, "SCORES_PER_INTERACTION", 0)
    samples = [RANKING.sample(splits.test, splits.train, seed) for seed in (1, 1, 2)]
    users = [set(sample.interactions.user_idx.tolist()) for sample in samples if sample is not None]
    assert [len(drawn) for drawn in users] == [7, 7, 7]
    assert users[0] == users[1] != users[2]
    assert {sample.counts["n_users_held_out"] for sample in samples if sample is not None} == {N_USERS}
    monkeypatch.setattr(ranking, "SCORES_PER_INTERACTION", N_ITEMS)  # a long fit allows for a long measurement
    unlimited = RANKING.sample(splits.test, splits.train, 1)
    assert unlimited is not None
    assert len(unlimited.interactions) == len(splits.test)


def test_unknown_users_are_nothing_to_measure_by(splits: Splits) -> None:
    unknown = replace(splits.train, user_idx=np.full_like(splits.train.user_idx, -1))
    assert RANKING.sample(unknown, splits.train, 1) is None


def test_pairs_that_are_all_in_training_are_nothing_to_measure_by(splits: Splits) -> None:
    rated_again = splits.train.take(slice(0, 20))
    assert RANKING.sample(rated_again, splits.train, 1) is None
