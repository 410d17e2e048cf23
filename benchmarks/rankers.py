"""What is compared by ranking.py: recsys, and what it is measured against, each with the settings that are tried."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from peers import answer_of
from ranking_protocol import Fit, Pairs, Scores
from recsys.core.types import Array, Float32Array
from recsys.scoring.implicit.scorer import ImplicitFactors, implicit_factors
from recsys.scoring.implicit.targets import TargetTable
from recsys.training.ials.fit import Hyperparameters, ImplicitALS
from recsys.training.ials.pilot import choose
from recsys.training.ials.rules import UNOBSERVED, auto_embedding_dim, auto_regularization, auto_unobserved_weight
from recsys.training.ials.systems import Systems

N_THREADS = 2
IMPLICIT = """
import json, sys
import numpy as np, scipy.sparse as sparse
from implicit.als import AlternatingLeastSquares
from implicit.bpr import BayesianPersonalizedRanking
folder, model, setting = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
arrays = np.load(folder + "/train.npz")
ones = np.ones(len(arrays["user"]), np.float32)
train = sparse.csr_matrix((ones, (arrays["user"], arrays["item"])), shape=arrays["shape"])
kind = {"als": AlternatingLeastSquares, "bpr": BayesianPersonalizedRanking}[model]
fitted = kind(num_threads=2, random_state=1, **setting)
fitted.fit(train, show_progress=False)
np.savez(folder + "/factors.npz", user=fitted.user_factors, item=fitted.item_factors)
print(json.dumps({}))
"""


@dataclass(frozen=True)
class Ranker:
    """A way to rank, with the settings among which a validation part chooses."""

    name: str
    fit: Fit
    settings: tuple[Any, ...] = (None,)


def rankers() -> list[Ranker]:
    """All of them."""
    als = [
        {"factors": factors, "regularization": regularization, "alpha": alpha}
        for factors, regularization, alpha in product((32, 64, 128), (0.1, 1.0, 10.0), (1.0, 5.0, 20.0))
    ]
    bpr = [
        {"factors": factors, "learning_rate": rate, "regularization": regularization, "iterations": 200}
        for factors, rate, regularization in product((32, 128), (0.01, 0.05), (0.001, 0.01, 0.05))
    ]
    return [
        Ranker("recsys", recsys),
        Ranker("most popular", most_popular),
        Ranker("item-kNN, tf-idf", item_knn, (20, 50, 100, 200, 400)),
        Ranker("implicit ALS", lambda train, setting: implicit("als", train, setting), tuple(als)),
        Ranker("implicit BPR", lambda train, setting: implicit("bpr", train, setting), tuple(bpr)),
        Ranker("EASE", ease, (20, 50, 100, 200, 400, 800, 1600)),
    ]


def recsys(train: Pairs, setting: dict[str, Any] | None, seed: int = 1) -> Scores:
    """Implicit ALS by default: nothing is tuned but by the training part. `setting` replaces what would be chosen."""
    return scorer_of(train, setting or {}, seed).score_all


def scorer_of(train: Pairs, setting: dict[str, Any], seed: int) -> ImplicitFactors:
    """Implicit ALS, fitted."""
    table = TargetTable.of(train.rating, setting.get("rating_weight", 0.5))
    targets, views = table(train.rating), (train.by_user(), train.by_item())
    counts = views[0].counts, views[1].counts
    dim = setting.get("dim", auto_embedding_dim(int(np.count_nonzero(counts[1]))))
    given = setting.get("multiple"), setting.get("popularity_weight")
    chosen = choose(*views, targets, UNOBSERVED, dim, seed, N_THREADS, *given)
    unobserved = auto_unobserved_weight(*counts)
    weights = unobserved, chosen.multiple * auto_regularization(*counts, unobserved)
    n_epochs = setting.get("n_epochs", 8)
    users, items = (Systems.of(view, targets) for view in views)
    als = ImplicitALS(users, items, Hyperparameters(dim, n_epochs, *weights, seed), N_THREADS)
    for number in range(1, n_epochs + 1):
        als.epoch(number)
    rows = als.factors()
    return implicit_factors(rows["user"], rows["item"], views[0], counts[1], *weights, chosen.popularity_weight, table)


def most_popular(train: Pairs, _: Any) -> Scores:
    """Every user gets the items with most interactions."""
    popularity = np.bincount(train.item, minlength=train.n_items).astype(np.float32)
    return lambda users: np.tile(popularity, (len(users), 1))


def item_knn(train: Pairs, n_neighbours: int) -> Scores:
    """Cosine of items over users, each weighted by log(n_items / items of the user); the nearest of each item count."""
    matrix = dense(train)
    activity = np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    weighted = matrix * np.log(train.n_items / activity)
    weighted /= np.maximum(np.linalg.norm(weighted, axis=0), 1e-9)
    similarity = weighted.T @ weighted
    np.fill_diagonal(similarity, 0)
    if n_neighbours < train.n_items:
        least = np.partition(similarity, -n_neighbours, axis=1)[:, -n_neighbours]
        similarity[similarity < least[:, None]] = 0
    return lambda users: matrix[users] @ similarity.T


def ease(train: Pairs, regularization: float) -> Scores:
    """X B, see ease_weights. With fewer users than items through the matrix of users."""
    matrix = dense(train)
    if train.n_items <= train.n_users:
        weights = ease_weights(train, regularization)
        return lambda users: matrix[users] @ weights
    weighted, diagonal = _by_users(matrix, regularization)
    return lambda users: matrix[users] - weighted[users] / diagonal


def ease_weights(train: Pairs, regularization: float) -> Float32Array:
    """B, the least-squares weights of items for items with a zero diagonal, float32, shape (n_items, n_items).

    Source: Steck 2019, "Embarrassingly Shallow Autoencoders for Sparse Data" (WWW).
    """
    matrix = dense(train)
    eye: Float32Array = np.eye(train.n_items, dtype=np.float32)
    if train.n_items <= train.n_users:
        inverse: Array = np.linalg.inv(matrix.T @ matrix + np.float32(regularization) * eye)
        diagonal: Array = np.diag(inverse)
    else:
        weighted, diagonal = _by_users(matrix, regularization)
        inverse = (eye - matrix.T @ weighted) / np.float32(regularization)
    weights: Float32Array = (-inverse / diagonal).astype(np.float32)
    np.fill_diagonal(weights, 0)
    return weights


def _by_users(matrix: Float32Array, regularization: float) -> tuple[Float32Array, Float32Array]:
    """X P and the diagonal of P, the inverse of Xᵀ X + λ I, through the matrix of users."""
    kernel = matrix @ matrix.T + np.float32(regularization) * np.eye(len(matrix), dtype=np.float32)
    weighted: Float32Array = np.linalg.solve(kernel, matrix).astype(np.float32)
    diagonal: Float32Array = (1 - (matrix * weighted).sum(axis=0)) / np.float32(regularization)
    return weighted, diagonal


def implicit(model: str, train: Pairs, setting: dict[str, Any]) -> Scores:
    """A model of implicit, fitted in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        shape = np.array([train.n_users, train.n_items])
        np.savez(Path(folder) / "train.npz", user=train.user, item=train.item, shape=shape)
        answer_of("implicit", IMPLICIT, folder, model, json.dumps(setting))
        with np.load(Path(folder) / "factors.npz") as factors:
            return products(factors["user"], factors["item"])


def products(user: Array, item: Array) -> Scores:
    """Scores of rows."""
    return lambda users: user[users] @ item.T


def dense(train: Pairs) -> Float32Array:
    """The 0/1 matrix."""
    matrix = np.zeros((train.n_users, train.n_items), np.float32)
    matrix[train.user, train.item] = 1
    return matrix
