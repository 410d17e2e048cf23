"""How far ratings lie from their predictions, as samples of the model tell it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.core.types import Float16Array, Float32Array, Indices

CHUNK = 4_096  # pairs at once: the rows of all samples for them take some MB


@dataclass(frozen=True, eq=False)
class Samples:
    """Dot products drawn from all that the ratings leave possible, and the noise of ratings about them.

    The variance of a rating of user u for item i is

        unit² · (var_s(b_u + b_i + p_u · q_i) + noise · user_noise[u] · item_noise[i])

    where the first term is the spread of the samples s. The last user and the last item of each sample stand for
    whoever is unknown, so that index −1 finds them.

    Attributes:
        unit: one of the model's, in ratings.
        noise: the mean of 1 / α.
        user_rows, item_rows: factors, in the last column the bias, float16, shapes (n_samples, n_users + 1, dim + 1)
            and (n_samples, n_items + 1, dim + 1).
        user_noise, item_noise: how noisy each is, by the errors of the samples on its training ratings, float32, shapes
            (n_users + 1,) and (n_items + 1,).
    """

    unit: float
    noise: float
    user_rows: Float16Array
    item_rows: Float16Array
    user_noise: Float32Array
    item_noise: Float32Array

    def std(self, user_idx: Indices, item_idx: Indices) -> Float32Array:
        """The standard deviations of ratings of the pairs, in rating units, float32, shape (n,)."""
        std = np.empty(len(user_idx), dtype=np.float32)
        for start in range(0, len(std), CHUNK):
            rows = slice(start, start + CHUNK)
            std[rows] = self._std(user_idx[rows], item_idx[rows])
        return std

    def _std(self, user_idx: Indices, item_idx: Indices) -> Float32Array:
        scores = np.empty((len(self.user_rows), len(user_idx)), dtype=np.float32)
        for sample, (users, items) in enumerate(zip(self.user_rows, self.item_rows, strict=True)):
            user, item = users[user_idx].astype(np.float32), items[item_idx].astype(np.float32)
            scores[sample] = np.einsum("nf,nf->n", user[:, :-1], item[:, :-1]) + user[:, -1] + item[:, -1]
        noise = np.float32(self.noise) * self.user_noise[user_idx] * self.item_noise[item_idx]
        spread = scores.var(axis=0, ddof=1) if len(scores) > 1 else np.zeros_like(noise)
        return np.asarray(np.float32(self.unit) * np.sqrt(spread + noise))
