"""What tuning tries with sgd."""

from __future__ import annotations

from recsys.config.space import Range, Space
from recsys.training.space import DIMS, RATES

BIASES: Space = {"training.bias_damping": Range(1.0, 20.0, log=True)}  # auto is 0 where a weight decay is tried
EPOCHS: Space = {"training.n_epochs": Range(10, 40)}
IMPLICIT: Space = {
    "training.implicit_weight_decay": Range(0.0005, 0.02, log=True),
    "training.damping": Range(0.5, 10.0, log=True),
    "training.implicit_damping": Range(10.0, 200.0, log=True),
}

DOT_PRODUCT: Space = {**DIMS, **RATES, **BIASES, **EPOCHS}
SVDPP: Space = {**DIMS, **RATES, **IMPLICIT, **BIASES, **EPOCHS}
