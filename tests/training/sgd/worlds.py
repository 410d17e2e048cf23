"""Small worlds for the tests of sgd."""

from __future__ import annotations

from typing import Any

import numpy as np

from recsys.core.communicator import ALONE, Communicator
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.models.dot_product import settings as config
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.training.sgd.dot_product import SgdLearner
from recsys.training.sgd.settings import Sgd


def planted(n_users: int = 120, n_items: int = 80, n: int = 4000, *, rank: int = 2, noise: float = 0.0) -> Interactions:
    """Ratings of different pairs, from biases and `rank` factors, around 3."""
    random = np.random.default_rng(7)
    pairs = random.permutation(n_users * n_items)[:n]
    user, item = np.divmod(pairs, n_items)
    factors = random.normal(0, 0.8, (n_users, rank)), random.normal(0, 0.8, (n_items, rank))
    rating = 3 + random.normal(0, 0.5, n_users)[user] + random.normal(0, 0.5, n_items)[item]
    rating += (factors[0][user] * factors[1][item]).sum(axis=1) + noise * random.normal(size=n)
    return Interactions(
        user.astype(np.int32),
        item.astype(np.int32),
        rating.astype(np.float32),
        None,
        Vocabulary(np.arange(n_users)),
        Vocabulary(np.arange(n_items)),
    )


def learner_of(
    train: Interactions,
    *,
    dim: int = 16,
    biases: bool = True,
    seed: int = 3,
    communicator: Communicator = ALONE,
    **settings: Any,
) -> SgdLearner:
    """A learner on `train`, with the model that it changes as `_model`."""
    kind = config.DotProduct(embedding_dim=dim, biases=biases)
    model = DotProductArrays.drawn(train.counted, kind, train.scale, seed)
    return SgdLearner(model, train, Sgd(**settings), seed, communicator=communicator)
