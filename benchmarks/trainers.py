"""Training speed and test rmse of sgd against adamw, Surprise and Cornac, on the same synthetic ratings.

python benchmarks/trainers.py                        1M ratings, dim 64
python benchmarks/trainers.py --n-ratings 20000000 --peers adamw
python benchmarks/trainers.py --n-ratings 20000000 --peers adamw-cuda     with a GPU
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from pathlib import Path

from learners import N_EPOCHS, adamw_learner, ratings, sgd_learner
from measure import Row, command_line, interleaved, ratios
from peers import answer_of
from recsys.data.interactions import Interactions
from recsys.evaluation.metrics import evaluate
from recsys.training.adamw.settings import AdamW
from recsys.training.loop import Learner, fit
from recsys.training.sgd.settings import Sgd
from synthetic import World, dense_world, synthetic, text_files

Result = tuple[float, float]  # ratings/s in a pass, test rmse
# Each with its own defaults, but for the number of factors.
EPOCHS = {"surprise": 20, "cornac": 20}  # their defaults
SURPRISE = """
import json, sys, time
from surprise import SVD, Dataset, Reader, accuracy
folder, dim, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
reader = Reader(line_format="user item rating", sep=",", skip_lines=1, rating_scale=(0.5, 5))
train = Dataset.load_from_file(folder + "/train.csv", reader).build_full_trainset()
test = [(user, item, float(rating)) for user, item, rating in
        (line.strip().split(",") for line in open(folder + "/test.csv").readlines()[1:])]
model = SVD(n_factors=dim, n_epochs=epochs)
start = time.perf_counter(); model.fit(train); seconds = time.perf_counter() - start
rmse = accuracy.rmse(model.test(test), verbose=False)
print(json.dumps({"seconds": seconds, "n": train.n_ratings, "rmse": rmse}))
"""
CORNAC = """
import json, sys, time
import numpy as np, cornac
folder, dim, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def triples(name):
    users, items, ratings = np.loadtxt(f"{folder}/{name}.csv", delimiter=",", skiprows=1, unpack=True)
    return list(zip(users.astype(int).tolist(), items.astype(int).tolist(), ratings.tolist()))
data = triples("train")
train = cornac.data.Dataset.from_uir(data)
model = cornac.models.MF(k=dim, max_iter=epochs, num_threads=2, seed=1)
start = time.perf_counter(); model.fit(train); seconds = time.perf_counter() - start
known = [(train.uid_map[u], train.iid_map[i], r) for u, i, r in triples("test")
         if u in train.uid_map and i in train.iid_map]
u, i, rating = (np.array(column) for column in zip(*known))
score = np.concatenate([model.global_mean + model.u_biases[a] + model.i_biases[b]
                        + (model.u_factors[a] * model.i_factors[b]).sum(1)
                        for a, b in zip(np.array_split(u, 64), np.array_split(i, 64))]).clip(0.5, 5)
print(json.dumps({"seconds": seconds, "n": len(data), "rmse": float(np.sqrt(((score - rating) ** 2).mean()))}))
"""


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("--n-ratings", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", default=["adamw", "surprise", "cornac"])
    parser.add_argument("--epochs", type=int, help="of the peers; left out, their defaults")
    arguments = parser.parse_args()
    for name in arguments.peers:
        print(
            compared(dense_world(arguments.n_ratings), name, arguments.dim, arguments.rounds, arguments.epochs),
            flush=True,
        )


def compared(world: World, peer: str, dim: int, rounds: int, epochs: int | None = None) -> Row:
    """Ratings/s in a pass and test rmse of sgd and of the peer, which has so many epochs, or its default."""
    data = synthetic(world)
    train, test = ratings(world, data.train), ratings(world, data.test)
    folder = text_files(world)
    epochs = epochs or EPOCHS.get(peer) or adamw_learner(train, dim, AdamW()).n_epochs
    fits: dict[str, Callable[[], Result]] = {
        "sgd": lambda: fitted(sgd_learner(train, dim, Sgd()), test),
        "adamw": lambda: fitted(adamw_learner(train, dim, AdamW(n_epochs=epochs, device="cpu")), test),
        "adamw-cuda": lambda: fitted(adamw_learner(train, dim, AdamW(n_epochs=epochs, device="cuda")), test),
        "surprise": lambda: theirs("scikit-surprise", SURPRISE, folder, dim, epochs),
        "cornac": lambda: theirs("cornac", CORNAC, folder, dim, epochs),
    }
    results = interleaved({name: fits[name] for name in ("sgd", peer)}, rounds)
    speeds = {name: [speed for speed, _ in each] for name, each in results.items()}
    mine, other = figures(results["sgd"], N_EPOCHS), figures(results[peer], epochs)
    return Row(f"{world.n_ratings / 1e6:g}M ratings, dim {dim}", peer, mine, other, ratios(speeds["sgd"], speeds[peer]))


def figures(results: list[Result], epochs: int) -> str:
    """The medians."""
    speed, rmse = (statistics.median(values) for values in zip(*results, strict=True))
    return f"{speed / 1e6:.3g}M ratings/s, rmse {rmse:.4f} after {epochs} epochs"


def fitted(learner: Learner, test: Interactions) -> Result:
    """A fit of ours: training ratings a second inside the epochs, and the test rmse."""
    seconds = sum(epoch.seconds for epoch in fit(learner))
    scorer = learner.scorer().as_rating()
    assert scorer is not None
    return learner.n_ratings * learner.n_epochs / seconds, evaluate(scorer, test).metrics["rmse"]


def theirs(package: str, program: str, folder: Path, dim: int, epochs: int) -> Result:
    """A fit of a peer's, in a process of its own."""
    answer = answer_of(package, program, folder, dim, epochs)
    return answer["n"] * epochs / answer["seconds"], answer["rmse"]


if __name__ == "__main__":
    main()
