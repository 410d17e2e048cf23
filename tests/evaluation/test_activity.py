from __future__ import annotations

import numpy as np
import pytest

from recsys.evaluation.activity import by_activity


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 5), (5, 3, 5), (6, 6, 10), (999, 501, 1000)]
)
def test_activity_is_counted_in_ranges(count: int, low: int, high: int) -> None:
    rows = by_activity({"model": np.array([4.0, 16.0])}, np.array([count]), np.array([0, 0]))
    assert rows == [{"low": low, "high": high, "n_ratings": 2, "model": pytest.approx(10**0.5)}]


def test_an_unknown_user_has_no_activity() -> None:
    rows = by_activity({"model": np.array([1.0, 4.0])}, np.array([7]), np.array([-1, 0]))
    assert [(row["low"], row["model"]) for row in rows] == [(0, 1.0), (6, 2.0)]
