from __future__ import annotations

import itertools

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from recsys.core.seeding import rng
from recsys.core.types import Indices
from recsys.scoring.fallback import with_fallback
from recsys.scoring.link import Link
from recsys.scoring.network import scorer as network
from recsys.scoring.network.scorer import CHUNK, Network, Weights


def idx(*numbers: int) -> Indices:
    return np.array(numbers, dtype=np.int32)


def build(sizes: tuple[int, ...], n_users: int = 6, n_items: int = 9) -> Network:
    """A network with random weights; the embeddings have 3 and 2 entries."""
    draw = rng(1, "network")

    def normal(*shape: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return draw.normal(size=shape).astype(np.float32)

    ends = (5, *sizes, 1)
    return Network(
        with_fallback(normal(n_users, 3), np.ones(n_users, dtype=bool)),
        with_fallback(normal(n_items, 2), np.ones(n_items, dtype=bool)),
        tuple(Weights(normal(n_out, n_in), normal(n_out)) for n_in, n_out in itertools.pairwise(ends)),
        Link("sigmoid", 0.5, 5.5),
    )


def by_hand(scorer: Network, user: int, item: int) -> float:
    a = np.concatenate([scorer.user_embedding[user], scorer.item_embedding[item]])
    for number, layer in enumerate(scorer.layers):
        a = layer.weight @ (np.maximum(a, 0) if number else a) + layer.bias
    return float(a[0])


@pytest.mark.parametrize("sizes", [(), (4,), (8, 7, 6)])
def test_a_score_is_what_the_layers_make_of_both_embeddings(sizes: tuple[int, ...]) -> None:
    scorer = build(sizes)
    users, items = idx(0, 5, 3, -1, 2, -1), idx(8, 0, -1, 4, 2, -1)
    expected = [by_hand(scorer, user, item) for user, item in zip(users, items, strict=True)]
    score = scorer.score(users, items)
    np.testing.assert_allclose(score, expected, rtol=1e-5, atol=1e-5)
    assert score.dtype == np.float32
    np.testing.assert_array_equal(scorer.rate(users, items), scorer.link(score))


@pytest.mark.parametrize("sizes", [(), (8, 7)])
@pytest.mark.parametrize("chunk", [CHUNK, 20, 4])
def test_score_all_is_the_score_of_every_item_whatever_the_chunk(
    sizes: tuple[int, ...], chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer = build(sizes)
    users = idx(1, 0, -1, 5)
    expected = [scorer.score(np.full(9, user, dtype=np.int32), np.arange(9, dtype=np.int32)) for user in users]
    monkeypatch.setattr(network, "CHUNK", chunk)
    np.testing.assert_allclose(scorer.score_all(users), expected, rtol=1e-5, atol=1e-5)
    tile = scorer.score_tile(users, slice(2, 7))
    np.testing.assert_allclose(tile, np.array(expected)[:, 2:7], rtol=1e-5, atol=1e-5)


def test_chunks_do_not_change_a_score() -> None:
    scorer = build((8, 7))
    draw = rng(2, "pairs")
    n = 2 * CHUNK + 5
    users, items = draw.integers(-1, 6, n, dtype=np.int32), draw.integers(-1, 9, n, dtype=np.int32)
    at = np.array([0, CHUNK - 1, CHUNK, 2 * CHUNK, n - 1])
    np.testing.assert_allclose(scorer.score(users, items)[at], scorer.score(users[at], items[at]), rtol=1e-5, atol=1e-5)


def test_the_part_of_a_score_is_the_score() -> None:
    scorer = build((8,))
    assert scorer.parts(2, 3) == {"network": pytest.approx(by_hand(scorer, 2, 3), rel=1e-5)}


def test_counts_leave_out_the_fallback() -> None:
    scorer = build((4,))
    assert (scorer.n_users, scorer.n_items, scorer.embedding_dim) == (6, 9, {"user": 3, "item": 2})


def test_no_pairs_give_no_ratings() -> None:
    assert build((4,)).rate(idx(), idx()).tolist() == []


def test_scores_have_the_same_bits_on_any_number_of_threads_of_blas() -> None:
    scorer, draw = build((50, 20), n_users=900, n_items=700), rng(2, "pairs")
    users, items = draw.integers(900, size=20_000, dtype=np.int32), draw.integers(700, size=20_000, dtype=np.int32)
    answers = []
    for n_threads in (1, 4):
        with threadpool_limits(n_threads, user_api="blas"):
            answers.append((scorer.score(users, items), scorer.score_all(users[:50])))
    for one, four in zip(*answers, strict=True):
        np.testing.assert_array_equal(one, four)
