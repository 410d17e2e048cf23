"""The scorer of an embedding net, in NumPy alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np

from recsys.core.threads import Workers, one_blas_thread, usable_cores
from recsys.core.types import Counts, Float32Array, Float64Array, Indices, Times
from recsys.data.features.kind import Role
from recsys.scoring.feature_prior.prior import FeaturePrior, Priors
from recsys.scoring.link import Link
from recsys.scoring.new_rows import NewRows

CHUNK = 8_192  # pairs scored at once: their activations fit a core's cache


@dataclass(frozen=True, eq=False)
class Weights:
    """An affine layer, y = weight x + bias: float32, shapes (n_out, n_in) and (n_out,)."""

    weight: Float32Array
    bias: Float32Array


@dataclass(frozen=True, eq=False)
class Network:
    """score = Wₙ relu(… relu(W₁ [user_embedding[u], item_embedding[i]] + b₁) …) + bₙ; rating = link(score).

    The last row of each embedding stands for whoever is unknown, so that index −1 finds it: the mean of the known
    rows. The first layer is computed as a user's part plus an item's part.

    Attributes:
        user_embedding, item_embedding: float32, shapes (n_users + 1, user_dim) and (n_items + 1, item_dim).
        layers: W₁, b₁ to Wₙ, bₙ, at least one; the last has one output.
        priors: the embeddings of new users and items by their features, as they were learned; kept beside the scorer.
    """

    user_embedding: Float32Array
    item_embedding: Float32Array
    layers: tuple[Weights, ...]
    link: Link
    priors: Priors = field(default_factory=dict)
    kind: ClassVar[str] = "network"
    pairs_categories: ClassVar[bool] = False
    drift: ClassVar[None] = None

    @property
    def n_users(self) -> int:
        """Known users."""
        return len(self.user_embedding) - 1

    @property
    def n_items(self) -> int:
        """Known items."""
        return len(self.item_embedding) - 1

    @property
    def embedding_dim(self) -> dict[str, int]:
        """Lengths of the embeddings: user and item."""
        return {"user": self.user_embedding.shape[1], "item": self.item_embedding.shape[1]}

    def linear_rows(self, role: Role) -> None:
        """None: between a row and a score are the layers."""

    def row_weights(self, counts: Counts) -> Float64Array:
        """The ratings of each."""
        return counts.astype(np.float64)

    def row_width(self, role: Role) -> int:
        """The length of the embedding."""
        return self.embedding_dim[role]

    def learned_prior(self, role: Role) -> FeaturePrior | None:
        """That of the embeddings, where training had features."""
        return self.priors.get(role)

    def extended(self, users: NewRows, items: NewRows) -> Network:
        """The same on more users and items, each with the embedding that it keeps, or one of its own."""
        return replace(
            self,
            user_embedding=_extended(self.user_embedding, users),
            item_embedding=_extended(self.item_embedding, items),
        )

    def as_rating(self) -> Network:
        """Itself."""
        return self

    def as_implicit(self) -> None:
        """None: it is something else."""

    def as_factors(self) -> None:
        """It has none: a network's score is no product of rows."""
        return

    def rate(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Predicted ratings, float32, shape (n,); index −1 gets the fallback. `timestamp` changes nothing here."""
        return self.link(self.score(user_idx, item_idx))

    def rating_of(self, user_idx: Indices, score: Float32Array) -> Float32Array:
        """The ratings that stand for scores, float32, shape (n,). `user_idx` changes nothing here."""
        return self.link(score)

    @one_blas_thread()
    def score(self, user_idx: Indices, item_idx: Indices, timestamp: Times | None = None) -> Float32Array:
        """Scores of the pairs, float32, shape (n,). `timestamp` changes nothing here."""
        scores = np.empty(len(user_idx), dtype=np.float32)
        chunks = list(_chunks(len(scores), CHUNK))

        def score(number: int) -> None:
            rows = chunks[number]
            scores[rows] = self._rest(self._user_part(user_idx[rows]) + self._item_part(item_idx[rows]))

        Workers(min(usable_cores(), len(chunks))).each(score, len(chunks))
        return scores

    def score_all(self, user_idx: Indices) -> Float32Array:
        """Scores of every known item for each user, float32, shape (n, n_items). Rank by these, show the rating."""
        return self.score_tile(user_idx, slice(0, self.n_items))

    @one_blas_thread()
    def score_tile(self, user_idx: Indices, items: slice) -> Float32Array:
        """The same of a range of known items, shape (n, length of the range)."""
        scores = np.empty((len(user_idx), items.stop - items.start), dtype=np.float32)
        users = self._user_part(user_idx)
        for columns in _chunks(scores.shape[1], CHUNK):
            item_idx = np.arange(items.start + columns.start, items.start + columns.stop, dtype=np.int32)
            parts = self._item_part(item_idx)
            for rows in _chunks(len(users), max(1, CHUNK // len(parts))):
                first = (users[rows, None] + parts[None]).reshape(-1, users.shape[1])
                scores[rows, columns] = self._rest(first).reshape(-1, len(parts))
        return scores

    def parts(self, user_idx: int, item_idx: int, timestamp: float | None = None) -> dict[str, float]:
        """What a score is the sum of, here one number: a network's score has no parts that mean something alone."""
        one_user, one_item = np.array([user_idx], dtype=np.int32), np.array([item_idx], dtype=np.int32)
        return {"network": float(self.score(one_user, one_item)[0])}

    def _user_part(self, user_idx: Indices) -> Float32Array:
        first = self.layers[0]
        part: Float32Array = self.user_embedding[user_idx] @ first.weight[:, : self.user_embedding.shape[1]].T
        part += first.bias
        return part

    def _item_part(self, item_idx: Indices) -> Float32Array:
        part: Float32Array = self.item_embedding[item_idx] @ self.layers[0].weight[:, self.user_embedding.shape[1] :].T
        return part

    def _rest(self, outputs: Float32Array) -> Float32Array:
        """From the first layer's outputs, shape (n, size), which are overwritten, to the scores, shape (n,)."""
        for layer in self.layers[1:]:
            np.maximum(outputs, 0, out=outputs)
            outputs = outputs @ layer.weight.T
            outputs += layer.bias
        return outputs[:, 0]


def _extended(embedding: Float32Array, new: NewRows) -> Float32Array:
    rows: Float32Array = embedding[np.append(new.source, -1)]
    if len(new.idx):
        rows[new.idx] = new.rows
    return rows


def _chunks(n: int, size: int) -> Iterator[slice]:
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
