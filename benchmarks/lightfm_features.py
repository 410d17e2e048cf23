"""Ranks new items by LightFM, in an environment of its own: FILE OUTPUT → scores of the new items, WARP loss.

The file has what `benchmarks/features.py` writes. The number of components and epochs are the best of a few on the
new items themselves, and an item is its features alone: with a part of its own, which new items lack, they rank worse.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from lightfm import LightFM
from scipy import sparse

GRID = [(16, 10), (16, 30), (64, 10)]


def main() -> None:
    file, output = sys.argv[1:]
    data = np.load(file)
    features = sparse.csr_matrix(data["features"], dtype=np.float32)
    shape = int(data["n_users"]), features.shape[0]
    seen = sparse.coo_matrix((np.ones(len(data["user"]), np.float32), (data["user"], data["item"])), shape=shape)
    scores = []
    for n_components, n_epochs in GRID:
        model = LightFM(no_components=n_components, loss="warp", random_state=1)
        model.fit(seen.tocsr(), item_features=features, epochs=n_epochs)
        _, of_users = model.get_user_representations()
        bias, of_items = model.get_item_representations(features)
        new = data["new_items"]
        scores.append(of_users[data["new_users"]] @ of_items[new].T + bias[new])
    np.save(output, np.array(scores))
    print(json.dumps({"n": len(scores)}))


if __name__ == "__main__":
    main()
