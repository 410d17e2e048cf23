"""Worlds drawn from the model itself: what they were drawn from is found again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from recsys.core.events import silent
from recsys.training.loop import fit

from ..sgd.worlds import planted
from .test_learner import KINDS, learner_of


@pytest.mark.parametrize("kind", KINDS)
def test_the_noise_of_users_and_items_and_the_scores_are_recovered(kind: str) -> None:
    random = np.random.default_rng(3)
    clean = planted(150, 100, 9_000)
    users, items = np.exp(random.normal(0, 0.25, 150)), np.exp(random.normal(0, 0.15, 100))  # standard deviations
    std = 0.3 * users[clean.user_idx] * items[clean.item_idx]
    noisy = replace(clean, rating=(clean.rating + std * random.standard_normal(9_000)).astype(np.float32))
    learner = learner_of(noisy, kind, n_epochs=10**3, burn_in=10**3 - 1)
    log_std, score, n = np.zeros(9_000), np.zeros(9_000), 0
    for number in range(1, 61):
        learner.epoch(number, silent)
        if number > 20:
            user, item = learner._sides["user"], learner._sides["item"]
            p, q = user.row[clean.user_idx], item.row[clean.item_idx]
            w = user.noise_precision[clean.user_idx] * item.noise_precision[clean.item_idx]
            log_std += np.log(noisy.scale.std) - 0.5 * np.log(learner._alpha * w)
            score += noisy.scale.mean + noisy.scale.std * ((p[:, :-1] * q[:, :-1]).sum(axis=1) + p[:, -1] + q[:, -1])
            n += 1
    assert np.mean(log_std / n - np.log(std)) == pytest.approx(0, abs=0.05)
    assert np.std(log_std / n - np.log(std)) < 0.18  # the planted ones differ by 0.30
    error = score / n - clean.rating
    assert np.sqrt(np.mean(error**2)) < 0.5 * np.sqrt(np.mean(std**2))


def test_noise_that_differs_much_is_recovered_for_the_intervals() -> None:
    """60 ratings each. The sampler's own prior finds half of such differences."""
    random = np.random.default_rng(3)
    clean = planted(150, 100, 9_000)
    users = np.exp(random.normal(0, 0.5, 150))
    noisy = (clean.rating + 0.3 * users[clean.user_idx] * random.standard_normal(9_000)).astype(np.float32)
    learner = learner_of(replace(clean, rating=noisy), n_epochs=60)
    list(fit(learner))
    log_noise = 0.5 * np.log(learner.samples.user_noise[:-1])
    assert np.polyfit(np.log(users), log_noise, 1)[0] > 0.85
    assert np.std(log_noise - log_noise.mean() - np.log(users) + np.log(users).mean()) < 0.15


@pytest.mark.parametrize("kind", ["svdpp", "flipped"])
def test_implicit_terms_that_say_nothing_vanish(kind: str) -> None:
    learner = learner_of(planted(850, 60, 1_500), kind, dim=2, n_epochs=10**3, burn_in=10**3 - 1)
    sizes = []
    for number in range(1, 121):
        learner.epoch(number, silent)
        sizes.append(np.abs(learner._sides["user"].implicit[:, -1]).mean())
    assert np.mean(sizes[40:]) < 0.12  # 0.19 with the prior of all other groups
