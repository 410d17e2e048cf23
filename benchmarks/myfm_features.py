"""Fits myFM with features of items, in an environment of its own: FILE FLIPPED RANK ITERATIONS → rmse by kind, JSON.

The file has what `benchmarks/features.py` writes. An item is one-hot with its features beside it, and one without
ratings its features alone; flipped, users and items also have those that they go with, each row scaled by |N|^-½, as in
myfm_fit.py.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from myfm import MyFMRegressor, RelationBlock
from scipy import sparse


def main() -> None:
    file, flipped, rank, n_iterations = sys.argv[1:]
    data = np.load(file)
    user, item, features = data["user"], data["item"], data["features"]
    n_users, n_items = int(data["n_users"]), len(features)
    rated = sparse.csr_matrix((np.ones(len(user)), (user, item)), shape=(n_users, n_items))
    has_ratings = np.bincount(item, minlength=n_items) > 0
    users, items = [sparse.identity(n_users)], [sparse.diags(has_ratings.astype(float)), sparse.csr_matrix(features)]
    if flipped == "1":
        users, items = [*users, scaled(rated)], [*items, scaled(rated.T.tocsr())]
    groups = [part.shape[1] for part in (*users, *items)]
    of_user, of_item = sparse.hstack(users).tocsr(), sparse.hstack(items).tocsr()
    model = MyFMRegressor(rank=int(rank), random_seed=42)
    n = int(n_iterations)
    blocks, asked = (
        [RelationBlock(at_user, of_user), RelationBlock(at_item, of_item)]
        for at_user, at_item in ((user, item), (data["test_user"], data["test_item"]))
    )
    model.fit(None, data["rating"], X_rel=blocks, n_iter=n, n_kept_samples=n, group_shapes=groups)
    predicted = np.clip(model.predict(None, asked), data["rating"].min(), data["rating"].max())
    square = np.square(predicted - data["test_rating"])
    kinds = data["test_kind"]
    print(json.dumps({kind: float(np.sqrt(square[kinds == kind].mean())) for kind in np.unique(kinds).tolist()}))


def scaled(rated: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row divided by the square root of its entries."""
    return sparse.diags(1 / np.sqrt(np.maximum(np.diff(rated.indptr), 1))) @ rated


if __name__ == "__main__":
    main()
