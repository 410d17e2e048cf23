"""The figures of docs/experiments/similar.md: `python benchmarks/similar.py`, three minutes.

Which measure finds items that are alike? Runs of movielens-small as in docs/recommending.md; genres, which no run has
learned from, tell how alike the ten nearest of each item are.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import recsys
from measure import command_line
from reading import jaccard
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.types import Array, Counts, Float32Array
from recsys.scoring.implicit.scorer import ImplicitFactors

CONFIG = Path(__file__).parent.parent / "configs" / "movielens-small.yaml"
SEEDS = (42, 1, 2)
NEAREST = 10
FEWEST = 5  # interactions; an item with less is noise in a list
GROUPS = ((1, 4), (5, 19), (20, 99), (100, 1_000))  # by interactions of the item whose list it is
Measure = Callable[[Array], Array]  # positions of items → similarities with all, shape (n, n_items)


def main() -> None:
    """Prints a line for each measure, in each group of items."""
    command_line(__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bundles = [bundle_of(seed, Path(folder) / str(seed)) for seed in SEEDS]
        for least, most in GROUPS:
            print_group(bundles, least, most)


def bundle_of(seed: int, run: Path) -> Bundle:
    """A run of movielens-small."""
    recsys.train(recsys.load_config(CONFIG, [f"seed={seed}"]), run)
    return open_bundle(run)


def print_group(bundles: list[Bundle], least: int, most: int) -> None:
    """The means of the figures over the runs, for items with so many interactions."""
    print(f"\nitems with {least} to {most} interactions; mean of {len(SEEDS)} runs")
    print(f"{'measure':42} {'genres in common':>16} {f'share with < {FEWEST}':>14} {'median n':>9}")
    rows = [list(measured(bundle, least, most)) for bundle in bundles]
    for of_runs in zip(*rows, strict=True):
        name, figures = of_runs[0][0], np.mean([figures for _, figures in of_runs], axis=0)
        print(f"{name:42} {figures[0]:16.1%} {figures[1]:14.1%} {figures[2]:9.0f}", flush=True)


def measured(bundle: Bundle, least: int, most: int) -> Iterator[tuple[str, tuple[float, float, float]]]:
    """Each measure's name and figures over the items with so many interactions."""
    counts = bundle.counts["ranking"].items
    items = np.flatnonzero((counts >= least) & (counts <= most))
    alike = jaccard(bundle.item_columns["genres"])
    scorer = bundle.ranking
    assert scorer is not None
    for name, measure in measures(scorer, bundle.factors.item_factors[:-1], counts).items():
        similarity = measure(items)
        similarity[np.arange(len(items)), items] = -np.inf
        nearest = np.argpartition(-similarity, NEAREST, axis=1)[:, :NEAREST]
        shared = float(alike[items[:, None], nearest].mean())
        yield name, (shared, float((counts[nearest] < FEWEST).mean()), float(np.median(counts[nearest])))


def measures(scorer: ImplicitFactors, rating_factors: Float32Array, counts: Counts) -> dict[str, Measure]:
    """The measures that were compared."""
    rows = scorer.item_factors[:-1]
    mean = scorer.user_factors[-1] / np.linalg.norm(scorer.user_factors[-1])
    beyond = rows - np.outer(rows @ mean, mean)
    return {
        "rating factors: cosine": cosine(rating_factors, counts, 0),
        "ranking factors: cosine": cosine(rows, counts, 0),
        **{f"  · n/(n + {few})": cosine(rows, counts, few) for few in (5, 10, 20)},
        "  without the mean user": cosine(beyond, counts, 0),
        **{f"  without the mean user, · n/(n + {few})": cosine(beyond, counts, few) for few in (3, 5, 10)},
        "ranking factors: dot product": lambda items: np.array(rows[items] @ rows.T),
    }


def cosine(rows: Float32Array, counts: Counts, few: int) -> Measure:
    """Cosines times n/(n + few), with n the interactions of the listed item."""
    unit = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    weight = counts / np.maximum(counts + few, 1)
    return lambda items: np.array((unit[items] @ unit.T) * weight)


if __name__ == "__main__":
    main()
