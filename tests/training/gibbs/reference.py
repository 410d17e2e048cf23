"""A Gibbs sampler of the same model that is slow and obvious: one number at a time, in float64, no sums kept."""

from __future__ import annotations

import numpy as np

from recsys.core.types import Array
from recsys.training.gibbs import state as side
from recsys.training.gibbs.prior import BIAS_RATE, FACTOR_RATE
from recsys.training.gibbs.state import SPREADS
from recsys.training.gibbs.sweep import LOG_GAMMA


class Reference:
    """The current sample: `rows`, name → shape (n, dim + 1), biases in the last column; y and z only where given.

    p, q are the users' and items' own; y, shape (n_items, dim + 1), what having rated says of a user; z the opposite.
    """

    def __init__(self, user: Array, item: Array, rating: Array, dim: int, implicit: str, seed: int) -> None:
        self.user, self.item, self.rating = user, item, rating
        self.random = random = np.random.default_rng(seed)
        n = {"p": user.max() + 1, "q": item.max() + 1}
        n |= {"y": n["q"], "z": n["p"]}
        self.rows = {name: 0.1 * random.standard_normal((n[name], dim + 1)) for name in "pq" + implicit}
        self.mean = {name: np.zeros(dim + 1) for name in self.rows}
        self.precision = {name: np.ones(dim + 1) for name in self.rows}
        self.size = {name: np.ones(dim + 1) for name in self.rows}
        self.rate = np.append(np.full(dim, FACTOR_RATE), BIAS_RATE)
        self.w = {"user": np.ones(n["p"]), "item": np.ones(n["q"])}
        self.spread = {"user": 10.0, "item": 10.0}
        self.alpha = 1.0
        rated = np.zeros((n["p"], n["q"]))
        rated[user, item] = 1
        self.heard = {"y": rated / np.sqrt(rated.sum(axis=1, keepdims=True))}
        self.heard["z"] = rated.T / np.sqrt(rated.T.sum(axis=1, keepdims=True))

    def scores(self) -> Array:
        """Of all pairs, shape (n_users, n_items)."""
        users, items = self.rows["p"], self.rows["q"]
        users = users + self.heard["y"] @ self.rows["y"] if "y" in self.rows else users
        items = items + self.heard["z"] @ self.rows["z"] if "z" in self.rows else items
        return np.asarray(users[:, :-1] @ items[:, :-1].T + users[:, -1:] + items[:, -1])

    def sweep(self) -> None:
        """Draws each unknown given all others."""
        for name, rows in self.rows.items():
            for at in np.ndindex(rows.shape):
                self._draw_number(name, at)
            for k in range(rows.shape[1]):
                self._draw_prior(name, k)
        weight = self.w["user"][self.user] * self.w["item"][self.item]
        square = self._errors() ** 2
        self.alpha = self._gamma(0.5 * (1 + len(square)), 0.5 * (1 + (weight * square).sum()))
        self._draw_noise("user", self.user, self.alpha * self.w["item"][self.item] * square)
        self._draw_noise("item", self.item, self.alpha * self.w["user"][self.user] * square)

    def _errors(self) -> Array:
        return np.asarray(self.rating - self.scores()[self.user, self.item])

    def _draw_number(self, name: str, at: tuple[int, ...]) -> None:
        """Every score is linear in each number: score = rest + number · slope."""
        rows = self.rows[name]
        rows[at] = 0
        left = self._errors()
        rows[at] = 1
        slope = left - self._errors()
        weight = self.alpha * self.w["user"][self.user] * self.w["item"][self.item]
        prior, centre = self.precision[name][at[1]], self.mean[name][at[1]]
        precision = prior + (weight * slope**2).sum()
        mean = (prior * centre + (weight * slope * left).sum()) / precision
        rows[at] = self.random.normal(mean, precision**-0.5)

    def _draw_prior(self, name: str, k: int) -> None:
        column, mean, n = self.rows[name][:, k], self.mean[name][k], len(self.rows[name])
        rate = 0.5 * (self.rate[k] * self.size[name][k] ** 2 + mean**2 + ((column - mean) ** 2).sum())
        precision = self.precision[name][k] = self._gamma(0.5 + 0.5 + 0.5 * n, rate)
        self.mean[name][k] = self.random.normal(column.sum() / (n + 1), (precision * (n + 1)) ** -0.5)
        if name in self.heard:
            self._draw_size(name, k)

    def _draw_size(self, name: str, k: int) -> None:
        """Given precision ~ Gamma(½, ½ rate size²), it has a density like size · exp(−½ (1 + rate precision) size²)."""
        self.size[name][k] = self.random.rayleigh((1 + self.rate[k] * self.precision[name][k]) ** -0.5)

    def _draw_noise(self, role: str, own: Array, square: Array) -> None:
        a, w = self.spread[role], self.w[role]
        has_own = np.bincount(own) >= side.OWN_NOISE_RATINGS
        for u in np.flatnonzero(has_own):
            w[u] = self._gamma(a + 0.5 * (own == u).sum(), a + 0.5 * square[own == u].sum())
        w = w[has_own]
        log = [
            len(w) * (a * np.log(a) - g) + ((a - 1) * np.log(w) - a * w).sum()
            for a, g in zip(SPREADS, LOG_GAMMA, strict=True)
        ]
        share = np.exp(np.array(log) - max(log))
        self.spread[role] = float(self.random.choice(SPREADS, p=share / share.sum()))

    def _gamma(self, shape: float, rate: float) -> float:
        return float(self.random.standard_gamma(shape) / rate)
