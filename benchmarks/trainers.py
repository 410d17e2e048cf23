"""Training speed and test rmse of sgd against adamw, Surprise and Cornac, on the same synthetic ratings.

python benchmarks/trainers.py                        1M ratings, dim 64
python benchmarks/trainers.py --n-ratings 20000000 --peers adamw --epochs 5
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from peers import answer_of, ratio
from recsys.config.model import DotProduct as Model
from recsys.config.training import AdamW, Sgd
from recsys.data.ratings import Ratings
from recsys.data.scale import Scale
from recsys.evaluation.metrics import evaluate
from recsys.models.dot_product import DotProduct
from recsys.training.adamw import AdamWLearner
from recsys.training.fit import Learner, fit
from recsys.training.sgd.learner import SgdLearner
from sgd_vs_libmf import ratings
from synthetic import World, synthetic, text_files

Result = tuple[float, float]  # ratings/s in a pass, test rmse
# A world as dense as MovieLens at each size, and the defaults of each peer but for its number of factors.
SHAPES = {1_000_000: (6_000, 3_700), 20_000_000: (138_000, 27_000)}
SURPRISE = """
import json, sys, time
import numpy as np, pandas as pd
from surprise import SVD, Dataset, Reader, accuracy
folder, dim, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
reader = Reader(rating_scale=(0.5, 5))
train = Dataset.load_from_df(pd.read_csv(folder + "/train.csv"), reader).build_full_trainset()
test = pd.read_csv(folder + "/test.csv")
model = SVD(n_factors=dim, n_epochs=epochs)
start = time.perf_counter(); model.fit(train); seconds = time.perf_counter() - start
rmse = accuracy.rmse(model.test(list(test.itertuples(index=False, name=None))), verbose=False)
print(json.dumps({"seconds": seconds, "n": train.n_ratings, "rmse": rmse}))
"""
CORNAC = """
import json, sys, time
import numpy as np, pandas as pd, cornac
folder, dim, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
data = pd.read_csv(folder + "/train.csv")
train = cornac.data.Dataset.from_uir(list(data.itertuples(index=False, name=None)))
model = cornac.models.MF(k=dim, max_iter=epochs, num_threads=2, seed=1)
start = time.perf_counter(); model.fit(train); seconds = time.perf_counter() - start
test = pd.read_csv(folder + "/test.csv")
test = test[test.user.isin(train.uid_map) & test.item.isin(train.iid_map)]
u, i = test.user.map(train.uid_map).to_numpy(), test.item.map(train.iid_map).to_numpy()
score = np.concatenate([model.global_mean + model.u_biases[a] + model.i_biases[b]
                        + (model.u_factors[a] * model.i_factors[b]).sum(1)
                        for a, b in zip(np.array_split(u, 64), np.array_split(i, 64))]).clip(0.5, 5)
print(json.dumps({"seconds": seconds, "n": len(data), "rmse": float(np.sqrt(((score - test.rating) ** 2).mean()))}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-ratings", type=int, choices=SHAPES, default=1_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=["adamw", "surprise", "cornac"])
    asked = parser.parse_args()
    users, items = SHAPES[asked.n_ratings]
    world = World(asked.n_ratings, users, items)
    for name in asked.peers:
        compare(world, name, asked.dim, asked.epochs, asked.rounds)


def compare(world: World, peer: str, dim: int, epochs: int, rounds: int) -> None:
    """Prints ratings/s and rmse of sgd and of the peer, and how many times as fast sgd is."""
    data = synthetic(world)
    train, test = ratings(world, data.train), ratings(world, data.test)
    folder = text_files(world)
    peers: dict[str, Callable[[], Result]] = {
        "adamw": lambda: ours(AdamW(n_epochs=epochs), train, test, dim),
        "surprise": lambda: theirs("scikit-surprise", SURPRISE, folder, dim, epochs),
        "cornac": lambda: theirs("cornac", CORNAC, folder, dim, epochs),
    }
    sgd, other = [], []
    for _ in range(rounds):
        sgd.append(ours(Sgd(n_epochs=epochs), train, test, dim))
        other.append(peers[peer]())
    speeds = [statistics.median(speed for speed, _ in results) for results in (sgd, other)]
    rmse = [statistics.median(error for _, error in results) for results in (sgd, other)]
    print(
        f"{world.n_ratings / 1e6:g}M ratings, dim {dim}, {epochs} epochs:"
        f" sgd {speeds[0] / 1e6:.1f}M ratings/s, rmse {rmse[0]:.4f};"
        f" {peer} {speeds[1] / 1e6:.2f}M ratings/s, rmse {rmse[1]:.4f};"
        f" {ratio([speed for speed, _ in sgd], [speed for speed, _ in other])}",
        flush=True,
    )


def ours(settings: AdamW | Sgd, train: Ratings, test: Ratings, dim: int) -> Result:
    """A fit of ours: training ratings a second inside the epochs, and the test rmse."""
    model = DotProduct(len(train.users), len(train.items), Model(embedding_dim=dim), Scale.of(train), seed=0)
    learner: Learner = (
        SgdLearner(model, train, settings, seed=0)
        if isinstance(settings, Sgd)
        else AdamWLearner(model, train, settings, seed=0)
    )
    seconds = sum(epoch.seconds for epoch in fit(learner, settings.n_epochs))
    return len(train) * settings.n_epochs / seconds, evaluate(learner.scorer(), test).rmse


def theirs(package: str, program: str, folder: Path, dim: int, epochs: int) -> Result:
    """A fit of a peer's, in a process of its own."""
    answer = answer_of(package, program, folder, dim, epochs)
    return answer["n"] * epochs / answer["seconds"], answer["rmse"]


if __name__ == "__main__":
    start = time.perf_counter()
    main()
    print(f"({time.perf_counter() - start:.0f} s)")
