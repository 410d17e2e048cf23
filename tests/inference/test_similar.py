"""Items that are alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.core.errors import UnknownIdError
from recsys.inference.recommender import Recommender
from recsys.inference.similar import similar_items


def test_the_nearest_by_cosine_come_first_and_the_item_itself_not_at_all(numbers: Recommender) -> None:
    neighbours = numbers.similar(110, n=100)
    factors = numbers.bundle.factors.item_factors[:-1].astype(np.float64)
    unit = factors / np.linalg.norm(factors, axis=1, keepdims=True)
    cosine = dict(zip(numbers.bundle.items.ids.tolist(), unit @ unit[10], strict=True))
    assert len(neighbours) == len(numbers.bundle.items) - 1
    assert 110 not in [neighbour.item_id for neighbour in neighbours]
    assert [neighbour.similarity for neighbour in neighbours] == sorted(
        (neighbour.similarity for neighbour in neighbours), reverse=True
    )
    for rank, neighbour in enumerate(neighbours, start=1):
        assert neighbour.rank == rank
        assert neighbour.similarity == pytest.approx(cosine[neighbour.item_id], abs=1e-5)
        assert neighbour.title == numbers.bundle.title_at(int(neighbour.item_id) - 100)


def test_items_with_few_ratings_are_left_out_if_asked(numbers: Recommender) -> None:
    counts = numbers.bundle.counts["rating"].items
    least = int(np.median(counts)) + 1
    neighbours = numbers.similar(110, n=100, min_ratings=least)
    assert len(neighbours) == (np.delete(counts, 10) >= least).sum()
    assert all(neighbour.n_ratings >= least for neighbour in neighbours)


def test_an_item_without_factors_is_like_nothing(numbers: Recommender) -> None:
    bundle = numbers.bundle
    factors = bundle.factors.item_factors.copy()
    factors[3] = 0
    bundle = replace(bundle, scorers={"rating": replace(bundle.factors, item_factors=factors)})
    assert bundle.items.ids[3] not in [neighbour.item_id for neighbour in similar_items(bundle, "rating", 10, 100)]
    assert all(neighbour.similarity == 0 for neighbour in similar_items(bundle, "rating", 3, 100))


def test_an_unknown_item_is_refused(numbers: Recommender) -> None:
    with pytest.raises(UnknownIdError, match="999"):
        numbers.similar(999)
