"""Top-10 unseen items of every user: recsys against implicit; and predictions of many pairs.

    python benchmarks/serving.py                       138,000 users × 27,000 items
    python benchmarks/serving.py --users 6000 --items 3700 --n-ratings 1000000

Both get the same factors of dim 64 and the same items to leave out, and write nothing.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from learners import model_of, ratings
from measure import Row, attempted, command_line, interleaved, ratios
from peers import answer_of, output_of
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.artifacts.write_bundle import ServedScorer, write_bundle
from recsys.config.loading.load import config_from
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.inference.candidates import RatedPairs
from recsys.inference.recommend_all import best_of_all
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
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=World.n_ratings)
    parser.add_argument("--users", type=int, default=World.n_users)
    parser.add_argument("--items", type=int, default=World.n_items)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    for row in compared(World(arguments.n_ratings, arguments.users, arguments.items), arguments.rounds):
        print(row, flush=True)


def compared(world: World, rounds: int) -> Iterator[Row]:
    """Top 10 of all users against implicit; then predictions of pairs, which have no peer."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        bundle = store_of(world, Path(folder))
        what = f"top 10 of {world.n_items:,} items for {world.n_users:,} users"
        yield attempted(what, "implicit", lambda: top_ten(bundle, Path(folder), what, rounds))
        yield pairs(bundle, Path(folder))


def top_ten(bundle: Bundle, folder: Path, what: str, rounds: int) -> Row:
    """Seconds of both."""
    arrays = arrays_of(bundle, folder)
    allowed, rated = np.ones(len(bundle.items), dtype=bool), RatedPairs.of(bundle)

    def ours() -> float:
        start = time.perf_counter()
        for _ in best_of_all(bundle, "rating", allowed, rated, 10, range(len(bundle.users))):
            pass
        return time.perf_counter() - start

    def theirs() -> float:
        return float(answer_of("implicit", IMPLICIT, arrays)["seconds"])

    seconds = interleaved({"recsys": ours, "implicit": theirs}, rounds)
    mine, other = (f"{statistics.median(seconds[name]):.1f} s" for name in ("recsys", "implicit"))
    return Row(what, "implicit", mine, other, ratios(seconds["implicit"], seconds["recsys"]))


def store_of(world: World, folder: Path) -> Bundle:
    """A serving folder of an untrained model: scores take the same time whatever they are."""
    train = ratings(world, synthetic(world).train)
    config = config_from({"data": {"ratings": "unused.csv"}}, folder)
    write_bundle(
        folder,
        {"rating": ServedScorer("dot_product", model_of(train, 64).scorer())},
        TrainingInputs(Splits(train, None, None)),
        config,
    )
    return open_bundle(folder)


def arrays_of(bundle: Bundle, folder: Path) -> Path:
    """Factors with the bias as one more, and the items that each user has rated."""
    factors = bundle.factors
    ones = np.ones((len(bundle.users), 1), np.float32)
    users = np.hstack([factors.user_factors[:-1], ones])
    items = np.hstack([factors.item_factors[:-1], factors.item_bias[:-1, None]])
    offsets = np.concatenate([[0], np.cumsum(bundle.counts["rating"].users)])
    path = folder / "arrays.npz"
    np.savez(path, users=users, items=items, item=bundle.seen.interactions().item_idx, offsets=offsets)
    return path


def pairs(bundle: Bundle, folder: Path) -> Row:
    """How many pairs a second `recsys predict --input` does, the whole process."""
    train = bundle.seen.interactions()
    rows = np.random.default_rng(0).integers(len(train), size=min(len(train), 5_000_000))
    lines = np.column_stack([train.user_idx[rows], train.item_idx[rows]])
    source = folder / "pairs.csv"
    np.savetxt(source, lines, fmt="%d", delimiter=",", header="user,item", comments="")
    command = [Path(sys.executable).with_name("recsys"), "predict", "--run", folder, "--input", source]
    start = time.perf_counter()
    output_of([*command, "--output", folder / "out.csv"])
    seconds = time.perf_counter() - start
    speed = f"{seconds:.1f} s, {len(rows) / seconds / 1e6:.1f}M pairs/s"
    return Row(f"predict --input, {len(rows):,} pairs", "–", speed, "–", None)


if __name__ == "__main__":
    main()
