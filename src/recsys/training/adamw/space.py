"""What tuning tries with adamw."""

from __future__ import annotations

from recsys.config.space import Range, Space
from recsys.training.space import DIMS, RATES

FACTORS: Space = {**DIMS, **RATES, "training.n_epochs": Range(4, 20)}
NETWORK: Space = {
    "training.lr_max": Range(0.001, 0.1, log=True),
    "model.dropout": Range(0.0, 0.5),
    "model.embedding_dropout": Range(0.0, 0.7),
    "training.n_epochs": Range(4, 16),
}
