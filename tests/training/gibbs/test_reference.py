"""Posterior means against those of a long chain of a sampler that is slow and obvious."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from recsys.core.events import silent
from recsys.core.types import Array
from recsys.data.interactions import Interactions

from ..sgd.worlds import planted
from .reference import Reference
from .test_learner import learner_of

N_BATCHES = 25
IMPLICIT = {"dot_product": "", "svdpp": "y", "flipped": "yz"}


@pytest.fixture(autouse=True)
def _some_have_own_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """In worlds so small, from 3 ratings on instead of 20."""
    monkeypatch.setattr("recsys.training.gibbs.state.OWN_NOISE_RATINGS", 3)


def of_learner(learner: Any) -> list[float]:
    users, items = (learner._sides[role] for role in ("user", "item"))
    scores = users.row[:, :-1] @ items.row[:, :-1].T + users.row[:, -1:] + items.row[:, -1]
    w = [np.log(side.noise_precision).mean() for side in (users, items)]
    spread = [np.log(side.spread) for side in (users, items)]
    priors = [np.log(side.prior.precision[-1]) for side in (users, items)]
    priors += [np.log(side.implicit_prior.precision[-1]) for side in (users, items) if side.implicit is not None]
    return [*scores.ravel().tolist(), np.log(learner._alpha), *w, *spread, *priors]


def of_reference(chain: Reference) -> list[float]:
    w = [np.log(chain.w[role]).mean() for role in ("user", "item")]
    spread = [np.log(chain.spread[role]) for role in ("user", "item")]
    priors = [np.log(precision[-1]) for precision in chain.precision.values()]
    return [*chain.scores().ravel().tolist(), np.log(chain.alpha), *w, *spread, *priors]


def mean_and_error(samples: list[list[float]]) -> tuple[Array, Array]:
    """By batch means: batches longer than the chain remembers are independent."""
    batches = np.array([batch.mean(axis=0) for batch in np.array_split(np.array(samples), N_BATCHES)])
    return batches.mean(axis=0), batches.std(axis=0, ddof=1) / np.sqrt(N_BATCHES)


def by_learner(train: Interactions, kind: str, n: int) -> tuple[Array, Array]:
    learner = learner_of(train, kind, dim=1, n_epochs=10**6, burn_in=10**6 - 1)
    samples = []
    for number in range(1, n + 1):
        learner.epoch(number, silent)
        samples.append(of_learner(learner))
    return mean_and_error(samples[n // 10 :])


def by_reference(train: Interactions, kind: str, n: int) -> tuple[Array, Array]:
    rating = (train.rating.astype(np.float64) - train.scale.mean) / train.scale.std
    chain = Reference(train.user_idx, train.item_idx, rating, 1, IMPLICIT[kind], seed=2)
    samples = []
    for _ in range(n):
        chain.sweep()
        samples.append(of_reference(chain))
    return mean_and_error(samples[n // 10 :])


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(IMPLICIT))
def test_posterior_means_equal_those_of_a_slow_and_obvious_sampler(kind: str) -> None:
    train = planted(6, 5, 24, rank=1, noise=0.3)
    (means, error), (expected, its_error) = by_learner(train, kind, 30_000), by_reference(train, kind, 4_000)
    z = (means - expected) / np.hypot(error, its_error)
    assert np.abs(z).max() < 5
    assert np.hypot(error, its_error)[:30].max() < 0.1  # of the scores: the chains are long enough to tell
