"""What pairs of categories tell of new items: ndcg@10 on items that are held out of the training part of a split.

    RECSYS_ML100K=FOLDER python benchmarks/new_item_ranking.py [--only small] [--words] [--peer] [--whole SEED …]

Draws as in `benchmarks/features.py`, of the ratings that its splits 0 and 1 train on, so that what is chosen here has
not seen what is tested there. With --words the words of titles are features too. Each line has ndcg@10 for any rating
and for those of 4 or more, without the columns of pairs and with them, and with --peer, which takes ten minutes instead
of one, the best that LightFM has at three settings. With --whole the draws are those of `benchmarks/features.py`: to
compare, not to choose.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import recsys
from features import COLUMNS, SMALL, ColdSplit, lightfm, lists, ndcg, write_for_peers
from measure import command_line
from recsys.artifacts.bundle import Bundle
from recsys.scoring.feature_prior.fit import fit_feature_prior
from recsys.scoring.feature_prior.prior import FeaturePrior

SPLITS, SEEDS = (0, 1), (1000, 2000, 2001, 2002)  # of the 1000s, 1000 + the split


def main() -> None:
    """Prints a table as markdown, and the means."""
    parser = command_line(__doc__)
    parser.add_argument("--only", choices=["ml100k", "small"])
    parser.add_argument("--words", action="store_true")
    parser.add_argument("--peer", action="store_true")
    parser.add_argument("--whole", type=int, nargs="+", metavar="SEED", help="draw from all ratings, by these seeds")
    given = parser.parse_args()
    folders = {"small": SMALL, "ml100k": os.environ.get("RECSYS_ML100K")}
    peer, line = (" LightFM |", " --- |") if given.peer else ("", "")
    print(f"| draw | categories alone | with pairs |{peer}\n| --- | --- | --- |{line}")
    rows = []
    for name, folder in folders.items():
        if folder is None or given.only not in (None, name):
            continue
        for label, split in draws(Path(folder), given.whole):
            rows.append(compared(Path(folder), split, with_words=given.words, with_peer=given.peer))
            print(f"| {name} {label} | {' | '.join(map(shown, rows[-1]))} |", flush=True)
    scores = np.array(rows)
    print(f"| mean of {len(scores)} | {' | '.join(map(shown, scores.mean(axis=0)))} |")
    print("draws on which pairs are worse:", (scores[:, 1] < scores[:, 0]).sum(axis=0).tolist())
    if given.peer and len(scores) > 1:
        ahead = scores[:, 1] - scores[:, 2]
        mean, varies = ahead.mean(axis=0), ahead.std(axis=0, ddof=1)
        print(f"with pairs less LightFM: {shown(mean)}; standard deviation over draws: {shown(varies)}")


def draws(folder: Path, whole: list[int] | None) -> Iterator[tuple[str, ColdSplit]]:
    """Names, and splits of all ratings by these seeds, or of what the splits 0 and 1 train on."""
    ratings = pd.read_csv(folder / "ratings.csv", names=COLUMNS, header=0)
    if whole is not None:
        yield from ((str(seed), ColdSplit.of(ratings, seed)) for seed in whole)
        return
    for seed in SPLITS:
        known = ColdSplit.of(ratings, seed).known.reset_index(drop=True)
        for inner in (SEEDS[0] + seed, *SEEDS[1:]):
            yield f"{seed}, {inner}", ColdSplit.of(known, inner)


def compared(folder: Path, split: ColdSplit, *, with_words: bool, with_peer: bool) -> list[list[float]]:
    """The two figures without pairs, with them, and of the peer."""
    columns: dict[str, Any] = {"texts": ["title"], "years": ["title"]} if with_words else {}
    config = {
        "data": {"items": str(folder / "movies.csv"), "item_features": "items", "item_feature_columns": columns},
        "split": {"valid_fraction": 0, "test_fraction": 0},
        "training": {"method": "sgd", "n_epochs": 1},
        "ranking": {"method": "ials"},
    }
    with tempfile.TemporaryDirectory() as run:
        recsys.train(config, Path(run) / "run", data=split.known[COLUMNS[:3]])
        bundle = recsys.load(Path(run) / "run").with_new
        users, items, relevant, liked = lists(split, bundle)
        features = bundle.features("item")
        assert features is not None
        pairs = (np.zeros(features.encoder.n_columns, dtype=bool), features.encoder.is_category)
        ours = [scores(bundle, prior(bundle, is_paired), users, items) for is_paired in pairs]
        compared = [[ndcg(scored, wanted) for wanted in (relevant, liked)] for scored in ours]
        if with_peer:
            file = Path(run) / "features.npz"
            write_for_peers(file, split, bundle, users, items)
            peers = lightfm(file)
            compared.append([max(ndcg(scored, wanted) for scored in peers) for wanted in (relevant, liked)])
        return compared


def prior(bundle: Bundle, is_paired: np.ndarray) -> FeaturePrior:
    """That of the ranking scorer's items."""
    scorer, features = bundle.scorers["ranking"], bundle.features("item")
    rows = scorer.linear_rows("item")
    assert features is not None
    assert rows is not None
    weights = scorer.row_weights(bundle.counts["ranking"].items)
    fitted = fit_feature_prior(rows, weights, features.matrix_of(bundle.items), is_paired)
    assert fitted is not None
    return fitted


def scores(bundle: Bundle, of_items: FeaturePrior, users: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Of the new items for the users."""
    features, ranking = bundle.features("item"), bundle.ranking
    assert features is not None
    assert ranking is not None
    rows = of_items.rows(features.matrix_of(bundle.items).take(items))
    scored: np.ndarray = ranking.user_factors[users] @ rows[:, 1:].T + rows[:, 0]
    return scored


def shown(pair: np.ndarray | list[float]) -> str:
    """Both figures."""
    return f"{pair[0]:.4f} / {pair[1]:.4f}"


if __name__ == "__main__":
    main()
