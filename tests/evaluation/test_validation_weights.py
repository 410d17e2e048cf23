from __future__ import annotations

import numpy as np
import pytest

from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.evaluation.intervals import evenly_spaced
from recsys.evaluation.validation_weights import choose_weights


def rated(n: int) -> Interactions:
    idx, ids = np.arange(n, dtype=np.int32), Vocabulary(np.arange(n))
    return Interactions(idx, idx, np.arange(n, dtype=np.float32), None, ids, ids)


def test_without_ratings_of_any_group_every_weight_is_what_is_expected() -> None:
    valid, tried = rated(4), np.arange(5) / 4
    weights = choose_weights(
        lambda score: score,
        valid,
        np.zeros(4, np.float32),
        valid.rating,
        np.full(4, -1),
        2,
        tried=tried,
        expected=0.25,
        std=0.1,
    )
    assert weights.tolist() == [0.25, 0.25]


@pytest.mark.parametrize(("n", "left"), [(0, []), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (5, [0, 2, 4])])
def test_ratings_are_taken_at_even_steps(n: int, left: list[float]) -> None:
    assert evenly_spaced(rated(n), 4).rating.tolist() == left
