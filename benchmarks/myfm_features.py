"""Fits myFM with features of items, in an environment of its own: FILE RANK ITERATIONS → JSON with rmse by kind.

The file has what `benchmarks/features.py` writes. As in myfm_fit.py, each user and item is one-hot with those that it
goes with beside it, each row scaled by |N|^-½; an item has its features too, and one without ratings these alone.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from myfm import MyFMRegressor, RelationBlock
from scipy import sparse


def main() -> None:
    file, rank, n_iterations = sys.argv[1:]
    data = np.load(file)
    user, item, features = data["user"], data["item"], data["features"]
    n_users, n_items = int(data["n_users"]), len(features)
    rated = sparse.csr_matrix((np.ones(len(user)), (user, item)), shape=(n_users, n_items))
    has_ratings = np.bincount(item, minlength=n_items) > 0
    of_user = sparse.hstack([sparse.identity(n_users), scaled(rated)]).tocsr()
    of_item = sparse.hstack(
        [sparse.diags(has_ratings.astype(float)), scaled(rated.T.tocsr()), sparse.csr_matrix(features)]
    ).tocsr()
    groups = [n_users, n_items, n_items, n_users, features.shape[1]]
    model = MyFMRegressor(rank=int(rank), random_seed=42)
    n = int(n_iterations)
    blocks, asked = (
        [RelationBlock(users, of_user), RelationBlock(items, of_item)]
        for users, items in ((user, item), (data["test_user"], data["test_item"]))
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
