from __future__ import annotations

import numpy as np
import pytest

from recsys.evaluation.activity import ActivityRange, mean_by_activity


@pytest.mark.parametrize(
    ("count", "low", "high"), [(0, 0, 0), (1, 1, 1), (2, 2, 2), (3, 3, 5), (5, 3, 5), (6, 6, 10), (999, 501, 1000)]
)
def test_activity_is_counted_in_ranges(count: int, low: int, high: int) -> None:
    ranges = mean_by_activity({"squares": np.array([4.0, 16.0])}, np.array([count]), np.array([0, 0], dtype=np.int32))
    assert ranges == [ActivityRange(low, high, 2, {"squares": 10.0})]


def test_an_unknown_user_has_no_activity() -> None:
    ranges = mean_by_activity({"squares": np.array([1.0, 4.0])}, np.array([7]), np.array([-1, 0], dtype=np.int32))
    assert [(bucket.low, bucket.means["squares"]) for bucket in ranges] == [(0, 1.0), (6, 4.0)]
