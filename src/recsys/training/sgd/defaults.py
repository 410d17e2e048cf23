"""What `auto` stands for with both models that sgd fits."""

from __future__ import annotations

import math


def auto_rate(n_ratings: int) -> float:
    """0.04 with up to 100K ratings, falling to 0.03 with 20M, along log n."""
    share = (math.log(max(n_ratings, 1)) - math.log(1e5)) / (math.log(2e7) - math.log(1e5))
    return 0.04 - 0.01 * min(max(share, 0.0), 1.0)
