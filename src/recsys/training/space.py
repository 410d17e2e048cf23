"""What tuning tries with the methods that have a learning rate; the spaces of each method lie in its folder.

Ranges hold what was best on the data sets of docs/experiments, with room on both sides.
"""

from __future__ import annotations

from recsys.config.space import Range, Space

DIMS: Space = {"model.embedding_dim": (16, 32, 64, 128)}
RATES: Space = {
    "training.lr_max": Range(0.005, 0.2, log=True),
    "training.weight_decay": Range(0.005, 0.2, log=True),
}
