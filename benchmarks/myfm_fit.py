"""Fits myFM to a fold, in an environment of its own: TRAIN TEST FLIPPED RANK ITERATIONS → JSON with rmse and seconds.

The features are those of Rendle, Zhang, Koren 2019: one-hot user and item; flipped, beside them what the user rated and
who rated the item, each row scaled by |N|^-½, as relation blocks, which is the fast way.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np
from myfm import MyFMRegressor, RelationBlock
from scipy import sparse


def main() -> None:
    train_file, test_file, flipped, rank, n_iterations = sys.argv[1:]
    (user, item, rating), (test_user, test_item, wanted) = (read(path) for path in (train_file, test_file))
    users, items = np.unique(user), np.unique(item)
    at = [code(ids, known) for ids, known in ((user, users), (item, items), (test_user, users), (test_item, items))]
    n_users, n_items = len(users) + 1, len(items) + 1  # the last of each is whoever is unknown
    if flipped == "1":
        rated = sparse.csr_matrix((np.ones(len(user)), (at[0], at[1])), shape=(n_users, n_items))
        of_user = sparse.hstack([sparse.identity(n_users), scaled(rated)]).tocsr()
        of_item = sparse.hstack([sparse.identity(n_items), scaled(rated.T.tocsr())]).tocsr()
        blocks = [[RelationBlock(u, of_user), RelationBlock(i, of_item)] for u, i in (at[:2], at[2:])]
        given, groups = [(None, blocks[0]), (None, blocks[1])], [n_users, n_items, n_items, n_users]
    else:
        rows = [sparse.hstack([one_hot(u, n_users), one_hot(i, n_items)]).tocsr() for u, i in (at[:2], at[2:])]
        given, groups = [(rows[0], []), (rows[1], [])], [n_users, n_items]
    model = MyFMRegressor(rank=int(rank), random_seed=42)
    start = time.perf_counter()
    n = int(n_iterations)
    model.fit(given[0][0], rating, X_rel=given[0][1], n_iter=n, n_kept_samples=n, group_shapes=groups)
    seconds = time.perf_counter() - start
    predicted = np.clip(model.predict(*given[1]), rating.min(), rating.max())
    print(json.dumps({"rmse": float(np.sqrt(np.mean((predicted - wanted) ** 2))), "seconds": seconds}))


def read(path: str) -> tuple[Any, Any, Any]:
    """Users, items and ratings of a CSV with a header."""
    columns = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2))
    return columns[:, 0].astype(int), columns[:, 1].astype(int), columns[:, 2]


def code(ids: Any, known: Any) -> Any:
    """The index of each among the known ones; one more for those that are not."""
    place = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    return np.where(known[place] == ids, place, len(known))


def one_hot(idx: Any, n: int) -> Any:
    return sparse.csr_matrix((np.ones(len(idx)), (np.arange(len(idx)), idx)), shape=(len(idx), n))


def scaled(rated: Any) -> Any:
    counts = np.asarray(rated.sum(axis=1)).ravel()
    return sparse.diags(1 / np.sqrt(np.maximum(counts, 1))) @ rated


if __name__ == "__main__":
    main()
