"""Synthetic ratings and what learns from them, as recsys holds them."""

from __future__ import annotations

import numpy as np

from recsys.core.communicator import ALONE, Communicator
from recsys.data.interactions import Interactions
from recsys.data.vocabulary import Vocabulary
from recsys.models.dot_product.arrays import DotProductArrays
from recsys.models.dot_product.module import DotProduct
from recsys.models.dot_product.settings import DotProduct as Model
from recsys.training.adamw.build import resolve
from recsys.training.adamw.learner import AdamWLearner
from recsys.training.adamw.settings import AdamW
from recsys.training.sgd.dot_product import SgdLearner
from recsys.training.sgd.settings import Sgd
from synthetic import Part, World

N_EPOCHS = Sgd().n_epochs


def ratings(world: World, part: Part) -> Interactions:
    """A part of a synthetic world."""
    users, items = (Vocabulary(np.arange(n)) for n in (world.n_users, world.n_items))
    return Interactions(part.user, part.item, part.rating, None, users, items)


def model_of(train: Interactions, dim: int) -> DotProduct:
    """A dot product that has not been trained."""
    return DotProduct(train.counted, Model(embedding_dim=dim), train.scale, seed=0)


def sgd_learner(train: Interactions, dim: int, settings: Sgd, ranks: Communicator = ALONE) -> SgdLearner:
    """Ready for its first epoch: sorted, and its kernel compiled."""
    model = DotProductArrays.drawn(train.counted, Model(embedding_dim=dim), train.scale, seed=0)
    return SgdLearner(model, train, settings, seed=0, communicator=ranks)


def adamw_learner(train: Interactions, dim: int, settings: AdamW) -> AdamWLearner:
    """Ready for its first epoch."""
    return AdamWLearner(model_of(train, dim), train, resolve(settings, len(train)), seed=0)
