"""The input files of all rows: a fixed part of movielens-small, generated reviews, and the configs."""

from __future__ import annotations

import csv
import json
import random
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

FIRST_USERS = range(1, 61)  # train
LATER_USERS = range(61, 71)  # finetune and update
NEW_USERS = range(71, 81)  # fold-in
KNOWN_ITEM = 8  # ratings that make it certain that an item is in train, whatever the split
UNKNOWN_ID = "999999"

SMALL = {"data": {"ratings": "ratings.csv", "items": "items.csv"}, "seed": 42}
SGD = {"method": "sgd", "n_epochs": 6, "checkpoint_every": 2}
ADAMW = {"method": "adamw", "n_epochs": 4, "checkpoint_every": 1, "batch_size": 256}
GIBBS = {"method": "gibbs", "n_epochs": 16, "burn_in": 6, "n_kept_samples": 6, "checkpoint_every": 4}
DOT_PRODUCT = {"kind": "dot_product", "embedding_dim": 16}
SVDPP = {"kind": "svdpp", "embedding_dim": 16}
NETWORK = {"kind": "embedding_net", "layers": [20, 10]}

CONFIGS: dict[str, Mapping[str, object]] = {
    "sgd": {**SMALL, "model": DOT_PRODUCT, "training": SGD},
    "adamw": {
        **SMALL,
        "split": {"method": "user_time"},
        "model": {**DOT_PRODUCT, "y_range": [0, 5.5]},
        "training": {**ADAMW, "keep": "best", "evaluate_every": 1},
    },
    "embedding-net": {**SMALL, "model": NETWORK, "training": {**ADAMW, "schedule": "flat_cosine"}},
    "svdpp-sgd": {**SMALL, "split": {"method": "leave_last"}, "model": SVDPP, "training": SGD},
    "gibbs-dot": {**SMALL, "split": {"method": "time"}, "model": DOT_PRODUCT, "training": GIBBS},
    "gibbs-svdpp": {**SMALL, "model": {**SVDPP, "flipped": True}, "training": GIBBS},
    "gibbs-drift": {**SMALL, "model": {**SVDPP, "flipped": True, "user_drift": True}, "training": GIBBS},
    "gibbs-tobit": {
        "data": {"ratings": "reviews.csv", "items": "products.csv", "duplicates": "last"},
        "model": DOT_PRODUCT,
        "training": {**GIBBS, "evaluate_every": 2, "patience": 20},
        "seed": 7,
    },
    "finetune": {
        "data": {"ratings": "later.csv"},
        "model": DOT_PRODUCT,
        "training": {**SGD, "freeze": ["items"], "lr_max": "slice(1e-2)"},
        "seed": 3,
    },
    "finetune-svdpp": {
        "data": {"ratings": "later.csv", "items": "items.csv"},
        "model": SVDPP,
        "training": {**SGD, "n_epochs": 4},
        "seed": 4,
    },
}


RATINGS_ALONE = {"ranking": "none"}  # what says so to a version that ranks by default


def write_inputs(folder: Path, movielens: Path, also: Mapping[str, object]) -> None:
    """Writes every file that the rows read into `folder`; the same bytes each time.

    Args:
        movielens: the folder of movielens-small.
        also: what every config says besides.
    """
    folder.mkdir()
    with (movielens / "ratings.csv").open(encoding="utf-8", newline="") as file:
        header, *ratings = csv.reader(file)
    first = [row for position, row in enumerate(_of_users(ratings, FIRST_USERS)) if position % 10]
    later = [row for position, row in enumerate(_of_users(ratings, FIRST_USERS)) if position % 10 == 0]
    known = {item for item, n in Counter(row[1] for row in first).items() if n >= KNOWN_ITEM}
    new = [row for row in _of_users(ratings, NEW_USERS) if row[1] in known]
    pairs = [[row[0], row[1], row[3]] for row in first[::50] + later[::50]]
    unknown = [[UNKNOWN_ID, first[0][1], first[0][3]], [first[0][0], UNKNOWN_ID, first[0][3]]]
    _write(folder / "ratings.csv", header, first)
    _write(folder / "later.csv", header, [*later, *_of_users(ratings, LATER_USERS)])
    _write(folder / "new_users.csv", header, new)
    _write(folder / "visitor.csv", header[1:3], [row[1:3] for row in new if row[0] == new[0][0]])
    _write(folder / "pairs.csv", [*header[:2], header[3]], pairs + unknown)
    _write(folder / "candidates.csv", header[1:2], [[item] for item in sorted(known)])
    (folder / "items.csv").write_bytes((movielens / "movies.csv").read_bytes())
    _write_reviews(folder)
    for name, config in CONFIGS.items():
        (folder / f"{name}.yaml").write_text(json.dumps({**config, **also}), encoding="utf-8")  # JSON is YAML too


def _write_reviews(folder: Path) -> None:
    """4,000 reviews with ids that are text, some given twice, of which more than half give the highest rating."""
    draw = random.Random(22)
    taste = [draw.gauss(0, 0.8) for _ in range(150)]
    quality = [draw.gauss(0, 0.8) for _ in range(100)]
    reviews = []
    for _ in range(4000):
        user, item = draw.randrange(150), draw.randrange(100)
        score = 5 + taste[user] + quality[item] + draw.gauss(0, 0.8)
        reviews.append([f"u{user:03}", f"p-{item}", str(min(5, max(1, round(score))))])
    products = [[f"p-{item}", f"Product {item}, of {item % 7}"] for item in range(100)]
    _write(folder / "reviews.csv", ["user", "item", "rating"], reviews, delimiter=";")
    _write(folder / "products.csv", ["item", "title"], products)
    _write(folder / "review_pairs.csv", ["user", "item"], [review[:2] for review in reviews[::40]], delimiter=";")


def _of_users(ratings: list[list[str]], users: range) -> list[list[str]]:
    return [row for row in ratings if int(row[0]) in users]


def _write(path: Path, header: list[str], rows: Iterable[list[str]], delimiter: str = ",") -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *rows])
