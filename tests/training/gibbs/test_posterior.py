"""Whether the sampler draws from the posterior of the model that it states.

Unknowns θ from the prior and ratings from θ make θ a draw from the posterior given these ratings. Sweeps that leave
the posterior as it is may then change θ, but not how θ is distributed over many such worlds.

Source: Geweke 2004, "Getting It Right: Joint Distribution Tests of Posterior Simulators" (JASA); Gandy, Scott 2020,
"Unit Testing for MCMC and other Monte Carlo Methods" (arXiv:2001.06465), for worlds drawn independently.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recsys.core.events import silent

from ..sgd.worlds import planted
from .simulator import draw_ratings, draw_unknowns, give
from .test_drift import learner_of as drifting_learner_of
from .test_learner import KINDS, learner_of

N_SWEEPS = 3
SETTINGS = {"n_epochs": 10**6, "burn_in": 10**6 - 1}
FORMS = [*KINDS, "drift", "tobit"]
LARGEST = 30.0  # of the ratings of a world: priors with heavy tails make some that float32 cannot hold


@pytest.fixture(autouse=True)
def _some_have_own_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """In worlds so small, from 3 ratings on instead of 20."""
    monkeypatch.setattr("recsys.training.gibbs.state.OWN_NOISE_RATINGS", 3)


def functions(learner: Any) -> dict[str, float]:
    """What is compared: numbers that have a mean and a variance under the prior."""
    numbers = {"log alpha": np.log(learner._alpha)}
    rows = {role: side.row for role, side in learner._sides.items()}
    score = rows["user"][0, :-1] @ rows["item"][0, :-1] + rows["user"][0, -1] + rows["item"][0, -1]
    numbers["tanh of a score"] = np.tanh(score)
    for role, side in learner._sides.items():
        numbers[f"log spread of {role}s"] = np.log(side.spread)
        numbers[f"log of a {role}'s noise precision"] = np.log(side.noise_precision[0])
        numbers[f"tanh of a {role}'s bias"] = np.tanh(side.row[0, -1])
        numbers[f"tanh of a {role}'s factor"] = np.tanh(side.row[0, 0])
        parts = [("", side.prior, side.row - side.from_implicit)]
        if side.implicit is not None:
            parts.append(("implicit ", side.implicit_prior, side.implicit))
            numbers[f"size of implicit {role}s' factor"] = side.implicit_prior.size[0]
            numbers[f"size of implicit {role}s' bias"] = side.implicit_prior.size[-1]
            numbers[f"tanh of implicit {role}'s sum"] = np.tanh(side.from_implicit[1, -1])
        for name, prior, own in parts:
            for column, at in (("factor", 0), ("bias", -1)):
                what = f"of {role}s' {name}{column}"
                numbers[f"log precision {what}"] = np.log(prior.precision[at])
                numbers[f"tanh of the mean {what}"] = np.tanh(prior.mean[at])
                numbers[f"log of the variance {what}"] = np.log(own[:, at].var())
    if learner._paths is not None:
        numbers["tanh of a drift"] = np.tanh(learner._paths.total[2])
        numbers |= {f"scale of user {u}'s drift": scale for u, scale in enumerate(learner._paths.scale.tolist())}
        for k, variance in enumerate(learner._paths.variance.tolist()):
            numbers[f"log variance of path {k}"] = np.log(variance)
            numbers[f"tanh of path {k}"] = np.tanh(learner._paths.state[1, k])
    return {name: float(value) for name, value in numbers.items()}


def world(kind: str) -> Any:
    """A learner of 14 ratings, for `drift` with times from seconds to weeks apart, some of them the same.

    For `tobit` what lies beyond the limit is not seen.
    """
    train = planted(5, 4, 14)
    if kind == "tobit":
        return learner_of(train, "dot_product", dim=2, likelihood="tobit", **SETTINGS)
    if kind != "drift":
        return learner_of(train, kind, dim=2, **SETTINGS)
    timestamp = np.cumsum(10.0 ** np.random.default_rng(2).integers(0, 7, 14))
    timestamp[3] = timestamp[2]
    return drifting_learner_of(replace(train, timestamp=timestamp), **SETTINGS)


def z_scores(kind: str, n_worlds: int) -> dict[str, float]:
    """Of the change by the sweeps, for the mean of each function and of its square."""
    learner = world(kind)
    random = np.random.default_rng(1)
    changes, number = [], 0
    while len(changes) < n_worlds:
        draw_unknowns(learner, random)
        ratings = draw_ratings(learner, random)
        if np.abs(ratings).max() > LARGEST:  # says something of the ratings alone, so the posterior stays what it is
            continue
        give(learner, ratings)
        before = np.array(list(functions(learner).values()))
        for _ in range(N_SWEEPS):
            number += 1
            learner.epoch(number, silent)
        after = np.array(list(functions(learner).values()))
        changes.append(np.concatenate([after - before, after**2 - before**2]))
    names = list(functions(learner))
    array = np.array(changes)
    z = array.mean(axis=0) / (array.std(axis=0, ddof=1) / np.sqrt(n_worlds))
    return dict(zip([*names, *(f"{name}, squared" for name in names)], z.tolist(), strict=True))


@pytest.mark.parametrize("kind", FORMS)
def test_sweeps_leave_the_posterior_as_it_is(kind: str) -> None:
    z = z_scores(kind, 100)
    assert {name: value for name, value in z.items() if not abs(value) < 4.5} == {}


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMS)
def test_sweeps_leave_the_posterior_as_it_is_in_many_worlds(kind: str) -> None:
    z = z_scores(kind, 4_000)
    assert {name: value for name, value in z.items() if not abs(value) < 4.5} == {}
