"""New items from what is known of them: cold, seldom rated and other items, against myFM and LightFM.

    RECSYS_ML100K=FOLDER python benchmarks/features.py [--only small] [--seeds 0 1] [--no-peers]      about half an hour
    RECSYS_ML100K=FOLDER python benchmarks/features.py --inner 2000 2001 2002       draws to choose by: about two hours

A tenth of the items is held out whole (cold); of another tenth 1 to 5 ratings each are given after training (few), by
fold-in, and the others asked for; and of the rest a tenth of the ratings (warm). Features are genres and the year in
the title. Then the cold items are ranked among themselves for everyone who has rated some of them: ndcg@10.

With --inner, the ratings that each of these splits trains on are drawn from again, once for each number: what is chosen
there has not seen what is asked here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import recsys
from measure import PeerError, command_line
from peers import output_of, peer_python
from recsys.artifacts.bundle import Bundle
from recsys.core.types import Array, BoolArray
from recsys.data.vocabulary import UNKNOWN

HERE = Path(__file__).parent
SMALL = HERE.parent / "data" / "movielens-small"
COLUMNS = ["userId", "movieId", "rating", "timestamp"]
KINDS = ("cold", "few", "warm")
MODELS: dict[str, dict[str, Any]] = {
    "flipped SVD++, gibbs": {"model": {"kind": "svdpp"}, "training": {"method": "gibbs"}},
    "dot product, gibbs": {"model": {"kind": "dot_product"}, "training": {"method": "gibbs"}},
    "flipped SVD++, sgd": {"model": {"kind": "svdpp"}, "training": {"method": "sgd"}},
    "dot product, sgd": {"model": {"kind": "dot_product"}, "training": {"method": "sgd"}},
}
RANK, ITERATIONS = 10, 512  # of myFM, as in gibbs_vs_myfm.py
K, LIKE = 10, 4.0


@dataclass(frozen=True, eq=False)
class ColdSplit:
    """Ratings as DataFrames: to train on, given later of few, and asked for, with their `kind`."""

    known: pd.DataFrame
    given: pd.DataFrame
    asked: pd.DataFrame

    @classmethod
    def of(cls, ratings: pd.DataFrame, seed: int) -> ColdSplit:
        """Draws it. Ratings of unknown users, and warm ones of items that nobody has rated, are left out."""
        draw = np.random.default_rng(seed)
        ids = draw.permutation(ratings.movieId.unique())
        n = len(ids) // 10
        kind = np.full(len(ratings), "train", dtype=object)
        kind[ratings.movieId.isin(ids[:n])] = "cold"
        place = pd.Series(draw.random(len(ratings))).groupby(ratings.movieId.to_numpy()).rank().to_numpy()
        n_kept = {item: int(draw.integers(1, 6)) for item in sorted(ids[n : 2 * n].tolist())}
        is_few = ratings.movieId.isin(ids[n : 2 * n]).to_numpy()
        kind[is_few & (place > ratings.movieId.map(n_kept).fillna(0).to_numpy())] = "few"
        kind[(kind == "train") & ~is_few & (draw.random(len(ratings)) < 0.1)] = "warm"
        whole = ratings.assign(kind=kind)
        known = whole[(kind == "train") & ~is_few]
        rest = whole[whole.userId.isin(known.userId.unique())]
        asked = rest[rest.kind != "train"]
        asked = asked[(asked.kind != "warm") | asked.movieId.isin(known.movieId.unique())]
        return cls(known, rest[(rest.kind == "train") & rest.movieId.isin(list(n_kept))], asked)


def main() -> None:
    """Prints both tables as markdown."""
    parser = command_line(__doc__)
    parser.add_argument("--only", choices=["ml100k", "small"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--inner", type=int, nargs="+", default=[None])
    parser.add_argument("--models", nargs="+", default=list(MODELS))
    parser.add_argument("--no-peers", action="store_true")
    given = parser.parse_args()
    folders = {"small": SMALL, "ml100k": os.environ.get("RECSYS_ML100K")}
    for name, folder in folders.items():
        if given.only in (None, name) and folder is not None:
            print(f"\n{name}\n\n| split, model | cold | few | warm |\n| --- | --- | --- | --- |", flush=True)
            for seed, inner in product(given.seeds, given.inner):
                split = ColdSplit.of(pd.read_csv(Path(folder) / "ratings.csv", names=COLUMNS, header=0), seed)
                if inner is not None:
                    split = ColdSplit.of(split.known.reset_index(drop=True), inner)
                label = str(seed) if inner is None else f"{seed}, {inner}"
                for line in compared(split, Path(folder), label, given.models, with_peers=not given.no_peers):
                    print(line, flush=True)


def compared(split: ColdSplit, folder: Path, label: str, models: list[str], *, with_peers: bool) -> Iterator[str]:
    """Lines of the table of rmse, and then of ndcg@10."""
    with tempfile.TemporaryDirectory() as name:
        for model in models:
            without, by_features = (
                errors(split, folder, Path(name) / f"{model} {has}", model, has_features=has) for has in (False, True)
            )
            yield f"| {label}: {model}, trained with few | {row(trained_with_few(split, folder, Path(name), model))} |"
            yield f"| {label}: {model}, mean row | {row(without)} |"
            yield f"| {label}: {model}, features | {row(by_features)} |"
        bundle = ranked(split, folder, Path(name) / "ranking")
        file = Path(name) / "features.npz"
        new_users, new_items, relevant, liked = lists(split, bundle)
        write_for_peers(file, split, bundle, new_users, new_items)
        if with_peers:
            for peer, flipped in (("myFM", 0), ("myFM, flipped", 1)):
                yield f"| {label}: {peer}, features | {row(myfm(file, flipped))} |"
        yield f"\n{len(new_users)} users, {len(new_items)} new items\n\n| ranking of new items | any | like |"
        yield "| --- | --- | --- |"
        for ranker, scores in rankers(bundle, new_users, new_items, file, with_peers=with_peers):
            yield f"| {label}: {ranker} | {ndcg(scores, relevant):.4f} | {ndcg(scores, liked):.4f} |"


def row(rmse: dict[str, float]) -> str:
    """The cells of a line."""
    return " | ".join(f"{rmse[kind]:.4f}" for kind in KINDS)


def errors(split: ColdSplit, folder: Path, run: Path, model: str, *, has_features: bool) -> dict[str, float]:
    """Rmse of each kind: the model trained on what is known, and few folded in."""
    train(split, folder, run, {**MODELS[model], "ranking": "none"}, has_features=has_features)
    child = recsys.fold_in(split.given[COLUMNS[:3]], run, run.with_name(f"{run.name} folded"))["run_dir"]
    return measured(split, child)


def trained_with_few(split: ColdSplit, folder: Path, scratch: Path, model: str) -> dict[str, float]:
    """The same, where the given ratings of few are trained on with the others instead."""
    both = ColdSplit(pd.concat([split.known, split.given]), split.given, split.asked)
    run = scratch / f"{model} with few"
    train(both, folder, run, {**MODELS[model], "ranking": "none"}, has_features=False)
    return measured(split, run)


def measured(split: ColdSplit, run: Path | str) -> dict[str, float]:
    """Rmse of each kind."""
    asked = {kind: split.asked[split.asked.kind == kind] for kind in KINDS}
    return {kind: recsys.evaluate(run, rows[COLUMNS[:3]])["rmse"] for kind, rows in asked.items()}


def train(split: ColdSplit, folder: Path, run: Path, sections: dict[str, Any], *, has_features: bool = True) -> None:
    """A run on the known ratings, with the features of all items."""
    features = {"item_features": "items"} if has_features else {}
    config = {
        "data": {"items": str(folder / "movies.csv"), **features},
        "split": {"valid_fraction": 0, "test_fraction": 0},
        **sections,
    }
    recsys.train(config, run, data=split.known[COLUMNS[:3]])


def ranked(split: ColdSplit, folder: Path, run: Path) -> Bundle:
    """A run that ranks, with the new items behind the others."""
    train(split, folder, run, {"training": {"method": "sgd", "n_epochs": 1}, "ranking": {"method": "ials"}})
    return recsys.load(run).with_new


def lists(split: ColdSplit, bundle: Bundle) -> tuple[Array, Array, BoolArray, BoolArray]:
    """Users who have rated new items, the new items, what each has rated, and what each has liked."""
    cold = split.asked[split.asked.kind == "cold"]
    user, item = bundle.users.index(cold.userId.to_numpy()), bundle.items.index(cold.movieId.to_numpy())
    is_known = item != UNKNOWN  # one without features
    user, item, rating = user[is_known], item[is_known], cold.rating.to_numpy()[is_known]
    users, items = np.unique(user), np.unique(item)
    relevant, liked = np.zeros((2, len(users), len(items)), dtype=bool)
    relevant[np.searchsorted(users, user), np.searchsorted(items, item)] = True
    likes = rating >= LIKE
    liked[np.searchsorted(users, user[likes]), np.searchsorted(items, item[likes])] = True
    return users, items, relevant, liked


def ndcg(scores: Array, relevant: BoolArray) -> float:
    """Mean over the users who have something relevant."""
    some = relevant.any(axis=1)
    scores, relevant = scores[some], relevant[some]
    best = np.argsort(-scores, axis=1, kind="stable")[:, :K]
    gains = 1 / np.log2(np.arange(2, K + 2))
    reached = (np.take_along_axis(relevant, best, axis=1) * gains[: best.shape[1]]).sum(axis=1)
    ideal = np.cumsum(gains)[np.minimum(relevant.sum(axis=1), K) - 1]
    return float(np.mean(reached / ideal))


def rankers(bundle: Bundle, users: Array, items: Array, file: Path, *, with_peers: bool) -> Iterator[tuple[str, Array]]:
    """Names, and scores of the new items for the users."""
    ranking = bundle.ranking
    assert ranking is not None
    yield "recsys, features", ranking.score_all(users.astype(np.int32))[:, items]
    yield "most popular genre", np.tile(genre_popularity(bundle)[items], (len(users), 1))
    if with_peers:
        try:
            yield from zip(("LightFM, dim 16, 10 epochs", "… 30 epochs", "… dim 64"), lightfm(file), strict=True)
        except PeerError as error:
            print(f"(LightFM {error})")


def lightfm(file: Path) -> Array:
    """Its scores of the new items for the users, at each of its settings."""
    output = file.with_name("lightfm.npy")
    output_of([peer_python("lightfm-next"), HERE / "lightfm_features.py", file, output])
    scores: Array = np.load(output)
    return scores


def genre_popularity(bundle: Bundle) -> Array:
    """Of each item the mean popularity of its genres: interactions per item of a genre."""
    features = bundle.features("item")
    assert features is not None
    is_genre = np.array([name.startswith("genres") for name in features.encoder.names])
    has_genre = features.matrix_of(bundle.items).times(np.eye(len(is_genre)))[:, is_genre] > 0
    popularity = (bundle.counts["ranking"].items @ has_genre) / np.maximum(has_genre.sum(axis=0), 1)
    return np.asarray(has_genre @ popularity / np.maximum(has_genre.sum(axis=1), 1))


def write_for_peers(file: Path, split: ColdSplit, bundle: Bundle, new_users: Array, new_items: Array) -> None:
    """What peers train on: for ratings the given ones too. An item is its index, and a row of features."""
    features = bundle.features("item")
    assert features is not None
    dense = features.matrix_of(bundle.items).times(np.eye(features.encoder.n_columns))
    train = pd.concat([split.known, split.given])
    asked, at = split.asked, dict[str, Any]()
    for name, rows in (("", train), ("test_", asked)):
        at[f"{name}user"] = bundle.users.index(rows.userId.to_numpy())
        at[f"{name}item"] = bundle.items.index(rows.movieId.to_numpy())
        at[f"{name}rating"] = rows.rating.to_numpy(float)
    assert all((idx >= 0).all() for name, idx in at.items() if name.endswith(("user", "item")))
    np.savez(
        file,
        **at,
        test_kind=asked.kind.to_numpy(str),
        features=dense,
        n_users=len(bundle.users),
        new_users=new_users,
        new_items=new_items,
    )


def myfm(file: Path, flipped: int) -> dict[str, float]:
    """Rmse of each kind."""
    try:
        printed = output_of([peer_python("myfm"), HERE / "myfm_features.py", file, flipped, RANK, ITERATIONS])
    except PeerError as error:
        print(f"(myFM {error})")
        return dict.fromkeys(KINDS, float("nan"))
    answer: dict[str, float] = json.loads(printed.splitlines()[-1])
    return answer


if __name__ == "__main__":
    main()
