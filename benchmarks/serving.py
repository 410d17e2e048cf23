"""Top-10 unseen items of every user: recsys against implicit; and predictions of many pairs.

    python benchmarks/serving.py                       138,000 users × 27,000 items
    python benchmarks/serving.py --users 6000 --items 3700 --n-ratings 1000000

Both get the same factors of dim 64 and the same items to leave out, and write nothing.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from peers import answer_of, interleaved, ratio
from recsys.config.load import config_from
from recsys.config.model import DotProduct as Model
from recsys.data.scale import Scale
from recsys.data.split import Parts
from recsys.models.dot_product import DotProduct
from recsys.serving.batch import best_of_all
from recsys.serving.store import Store, open_store, write_serving
from sgd_vs_libmf import ratings
from synthetic import CACHE, World, synthetic

IMPLICIT = """
import json, sys, time
import numpy as np, scipy.sparse as sparse
from implicit.cpu.matrix_factorization_base import MatrixFactorizationBase
arrays = np.load(sys.argv[1])
seen = sparse.csr_matrix((np.ones(len(arrays["item"]), np.float32), arrays["item"], arrays["offsets"]),
                         shape=(len(arrays["users"]), len(arrays["items"])))
class Model(MatrixFactorizationBase):
    def fit(self, *_): pass
    def save(self, *_): pass
model = Model()
model.user_factors, model.item_factors, model.num_threads = arrays["users"], arrays["items"], 2
users = np.arange(len(arrays["users"]))
start = time.perf_counter()
for block in np.array_split(users, max(1, len(users) // 4096)):
    model.recommend(block, seen[block], N=10, filter_already_liked_items=True)
print(json.dumps({"seconds": time.perf_counter() - start}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-ratings", type=int, default=20_000_000)
    parser.add_argument("--users", type=int, default=138_000)
    parser.add_argument("--items", type=int, default=27_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        store = store_of(World(asked.n_ratings, asked.users, asked.items), Path(folder))
        arrays = arrays_of(store, Path(folder))
        allowed = np.ones(len(store.items), dtype=bool)

        def ours() -> float:
            start = time.perf_counter()
            for _ in best_of_all(store, allowed, 10):
                pass
            return time.perf_counter() - start

        def theirs() -> float:
            return float(answer_of("implicit", IMPLICIT, arrays)["seconds"])

        results = interleaved({"recsys": ours, "implicit": theirs}, asked.rounds)
        medians = ", ".join(f"{name} {statistics.median(seconds):.1f} s" for name, seconds in results.items())
        faster = ratio(results["implicit"], results["recsys"])
        print(f"top 10 of {len(store.items):,} items for {len(store.users):,} users: {medians}; {faster}")
        pairs(store, Path(folder))


def store_of(world: World, folder: Path) -> Store:
    """A serving folder of an untrained model: scores take the same time whatever they are."""
    train = ratings(world, synthetic(world).train)
    config = config_from({"data": {"ratings": "unused.csv"}}, folder)
    model = DotProduct(world.n_users, world.n_items, Model(embedding_dim=64), Scale.of(train), seed=0)
    write_serving(folder, model.factors(), Parts(train, None, None, {}, {}), config)
    return open_store(folder)


def arrays_of(store: Store, folder: Path) -> Path:
    """Factors with the bias as one more, and the items that each user has rated."""
    factors = store.factors
    ones = np.ones((len(store.users), 1), np.float32)
    users = np.hstack([factors.user_factors[:-1], ones])
    items = np.hstack([factors.item_factors[:-1], factors.item_bias[:-1, None]])
    offsets = np.concatenate([[0], np.cumsum(store.user_counts)])
    path = folder / "arrays.npz"
    np.savez(path, users=users, items=items, item=store.training_ratings().item_idx, offsets=offsets)
    return path


def pairs(store: Store, folder: Path) -> None:
    """Prints how many pairs a second `recsys predict --input` does, the whole process."""
    train = store.training_ratings()
    rows = np.random.default_rng(0).integers(len(train), size=min(len(train), 5_000_000))
    lines = np.column_stack([train.user_idx[rows], train.item_idx[rows]])
    source = folder / "pairs.csv"
    np.savetxt(source, lines, fmt="%d", delimiter=",", header="user,item", comments="")
    command = [Path(sys.executable).with_name("recsys"), "predict", "--run", folder, "--input", source]
    start = time.perf_counter()
    subprocess.run([*map(str, command), "--output", str(folder / "out.csv")], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    print(f"predict --input: {len(rows):,} pairs in {seconds:.1f} s, {len(rows) / seconds / 1e6:.1f}M pairs/s")


if __name__ == "__main__":
    main()
