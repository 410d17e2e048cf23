"""A config's model together with the method that fits it."""

from __future__ import annotations

from recsys.config.config import Config
from recsys.config.training import AdamW, Sgd
from recsys.data.split import Parts
from recsys.models.dot_product import DotProduct
from recsys.training.fit import Learner


def build_learner(config: Config, parts: Parts) -> Learner:
    """The learner that the config describes, its parameters drawn from the config's seed."""
    train = parts.train
    model = DotProduct(len(train.users), len(train.items), config.model, parts.scale, config.seed)
    match config.training:
        case AdamW() as settings:
            from recsys.training.adamw import AdamWLearner

            return AdamWLearner(model, train, settings, config.seed)
        case Sgd() as settings:
            from recsys.training.sgd.learner import SgdLearner

            return SgdLearner(model, train, settings, config.seed)
