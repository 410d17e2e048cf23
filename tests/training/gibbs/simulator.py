"""The model that gibbs samples from, run forwards: unknowns from their priors, then ratings from the unknowns."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from recsys.core.types import Array
from recsys.training.gibbs.drift import Paths
from recsys.training.gibbs.prior import BIAS_RATE, FACTOR_RATE, Prior
from recsys.training.gibbs.state import SPREADS, FactorState, sum_implicit

Random = np.random.Generator


def draw_unknowns(learner: Any, random: Random) -> None:
    """Gives every unknown of the learner's sample a value from its prior."""
    learner._alpha = random.standard_gamma(0.5) / 0.5
    for role, side in learner._sides.items():
        _draw_side(side, learner._rated[role], random)
    if learner._paths is not None:
        _draw_paths(learner._paths, random)


def draw_ratings(learner: Any, random: Random) -> Array:
    """Ratings given the unknowns, in the order of the users; the learner takes them with `give`."""
    rated, users, items = learner._rated["user"], learner._sides["user"], learner._sides["item"]
    u, i = np.repeat(np.arange(len(users.row)), np.diff(rated.start)), rated.idx
    p, q = users.row.astype(np.float64)[u], items.row.astype(np.float64)[i]
    mean = p[:, -1] + q[:, -1] + (p[:, :-1] * q[:, :-1]).sum(axis=1)
    if learner._paths is not None:
        mean += np.repeat(learner._paths.total, np.diff(learner._paths.rated))
    precision = learner._alpha * users.noise_precision[u] * items.noise_precision[i].astype(np.float64)
    return np.asarray(mean + random.standard_normal(len(u)) / np.sqrt(precision))


def give(learner: Any, ratings: Array) -> None:
    """Puts ratings, in the order of the users, in the place of the learner's own."""
    users, items, tobit = learner._rated["user"], learner._rated["item"], learner._tobit
    u, i = (np.repeat(np.arange(len(rated.scale)), np.diff(rated.start)) for rated in (users, items))
    if tobit is not None:  # of what lies beyond the limit, it sees that it does
        beyond = np.flatnonzero(tobit.censoring.sign * (ratings - tobit.limit) > 0)
        learner._tobit = replace(tobit, at=beyond, user=u[beyond])
        ratings = np.where(np.isin(np.arange(len(ratings)), beyond), tobit.limit, ratings)
    at = {pair: t for t, pair in enumerate(zip(u.tolist(), users.idx.tolist(), strict=True))}
    by_item = [at[pair] for pair in zip(items.idx.tolist(), i.tolist(), strict=True)]
    for role, order in (("user", slice(None)), ("item", by_item)):
        learner._rated[role] = replace(learner._rated[role], rating=ratings[order].astype(np.float32))


def _draw_side(side: FactorState, rated: Any, random: Random) -> None:
    n, width = side.row.shape
    side.spread = float(random.choice(SPREADS))
    w = random.standard_gamma(side.spread, n) / side.spread
    side.noise_precision = np.where(rated.has_own_noise, w, 1.0).astype(np.float32)
    if side.implicit is not None:
        side.implicit_prior.size[:] = random.standard_normal(width)
        side.implicit = _draw_rows(side.implicit_prior, len(side.implicit), width, random)
        side.from_implicit = sum_implicit(rated, side.implicit)
    side.row = _draw_rows(side.prior, n, width, random) + side.from_implicit


def _draw_paths(paths: Paths, random: Random) -> None:
    """One moment after the other: rho is 0 at a user's first, and fresh 1. Then each user's scale."""
    paths.variance = np.square(random.standard_normal(len(paths.variance)))
    before: Array = np.zeros(len(paths.variance))
    for moment in range(len(paths.time)):
        step = np.sqrt(paths.variance * paths.fresh[moment]) * random.standard_normal(len(before))
        before = paths.rho[moment] * before + step
        paths.state[moment] = before
    paths.scale = (1 + 0.5 * random.standard_normal(len(paths.scale))).astype(np.float32)
    paths.total = np.repeat(paths.scale, np.diff(paths.start)) * paths.state.sum(axis=1)


def _draw_rows(prior: Prior, n: int, width: int, random: Random) -> Array:
    rate = np.append(np.full(width - 1, FACTOR_RATE), BIAS_RATE)
    precision = random.standard_gamma(0.5, width) / (0.5 * rate * prior.size**2)
    mean = random.standard_normal(width) / np.sqrt(precision)
    prior.precision[:], prior.mean[:] = precision, mean
    return np.asarray((mean + random.standard_normal((n, width)) / np.sqrt(precision)).astype(np.float32))
