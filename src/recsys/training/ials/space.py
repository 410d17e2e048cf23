"""What tuning tries with ials, whose other settings follow from the data."""

from __future__ import annotations

from recsys.config.space import Range, Space

FACTORS: Space = {
    "ranking.embedding_dim": (64, 128, 256),
    "ranking.unobserved_weight": Range(0.001, 1.0, log=True),
    "ranking.regularization": Range(0.001, 0.1, log=True),
    "ranking.popularity_weight": (0.0, 0.15, 0.5, 2.0),
    "ranking.rating_weight": Range(0.0, 1.0),
}
