"""The figures behind docs/reading-factors.md: `OPENBLAS_NUM_THREADS=1 python benchmarks/reading.py`, half a minute.

A model of movielens-small is trained as in that page. How alike are the genres of near items, how much of an
interaction do a user's ratings explain, what does a plain PCA say, and how often does chance alone find a genre?
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path

import numpy as np

import recsys
from measure import command_line
from recsys.artifacts.bundle import Bundle, open_bundle
from recsys.core.seeding import rng
from recsys.core.types import Array
from recsys.reporting.directions import main_directions
from recsys.reporting.trait_associations import LEVEL, PERMUTATIONS, associations, traits_of

CONFIG = Path(__file__).parent.parent / "configs" / "movielens-small.yaml"
NEAREST, ENOUGH = 10, 20  # neighbours of an item; training ratings of the items among which they are looked for
FILMS_EACH = 20  # whose predictions are explained for every fifth user
N_ITEMS, N_KINDS, N_DIRECTIONS = 400, 12, 3  # of a world without any connection


def main() -> None:
    """Prints each figure with what it is."""
    parser = command_line(__doc__)
    parser.add_argument("--worlds", type=int, default=300, help="worlds without any connection")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        recsys.train(CONFIG, run)
        bundle = open_bundle(run)
        print_neighbours(bundle)
        print_plain_pca(bundle)
        print_remainder(bundle, run)
    print_false_findings(arguments.worlds)


def print_neighbours(bundle: Bundle) -> None:
    """The share of genres (Jaccard) that an item has in common with its nearest ones, and with any."""
    enough = np.flatnonzero(bundle.counts["rating"].items >= ENOUGH)
    alike = jaccard(bundle.item_columns["genres"][enough])
    factors = bundle.factors.item_factors[:-1][enough]
    positions = main_directions(bundle, bundle.factors.embedding_dim).positions[enough]
    print(f"genres in common (Jaccard), {len(enough):,} films with {ENOUGH} or more ratings, the {NEAREST} nearest by")
    print(f"  cosine of the factors: {in_common(alike, factors):.1%}")
    print(f"  cosine of the positions in all directions: {in_common(alike, positions):.1%}")
    others = ~np.eye(len(enough), dtype=bool)
    print(f"  chance (any others): {alike[others].mean():.1%}", flush=True)


def in_common(alike: Array, rows: Array) -> float:
    """The mean of `alike` over each row's nearest others by cosine."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -np.inf)
    nearest = np.argpartition(-cosine, NEAREST, axis=1)[:, :NEAREST]
    return float(np.take_along_axis(alike, nearest, axis=1).mean())


def jaccard(texts: Array) -> Array:
    """Of every pair of texts cut at "|": values that both have, over values that either has."""
    values = [set(text.split("|")) for text in texts.tolist()]
    names = sorted(set.union(*values))
    has = np.array([[name in each for name in names] for each in values], dtype=np.float64)
    both = has @ has.T
    total = has.sum(axis=1)
    return np.asarray(both / (total[:, None] + total - both))


def print_plain_pca(bundle: Bundle) -> None:
    """The first direction of the item factors alone against that of the items as users tell them apart."""
    ours = main_directions(bundle, 1)
    weight = bundle.counts["rating"].items / bundle.counts["rating"].items.sum()
    items = bundle.factors.item_factors[:-1].astype(np.float64)
    items -= weight @ items
    variance, vectors = np.linalg.eigh((items * weight[:, None]).T @ items)
    listed = bundle.counts["rating"].items >= 30
    alike = abs(np.corrcoef(items[listed] @ vectors[:, -1], ours.positions[listed, 0])[0, 1])
    print(f"first direction: {ours.share[0]:.1%} of the variance of taste; by a PCA of the item factors alone")
    print(f"  {variance[-1] / variance.sum():.1%}, with positions that correlate by {alike:.2f}", flush=True)


def print_remainder(bundle: Bundle, run: Path) -> None:
    """The part of the interaction that no rating of the user explains, against the interaction."""
    films = bundle.items.ids[bundle.counts["rating"].items > ENOUGH]
    recommender = recsys.load(run)
    draw = rng(0, "explained")
    remainders, interactions = [], []
    for user in bundle.users.ids[::5].tolist():
        for film in draw.choice(films, FILMS_EACH, replace=False).tolist():
            explanation = recommender.explain(user, film, 1)
            remainders.append(explanation.remainder)
            interactions.append(explanation.prediction.parts["interaction"])
    print(f"explain, {len(remainders):,} predictions: root mean square of the interaction {rms(interactions):.3f},")
    print(f"  of what is not from a rating {rms(remainders):.3f}", flush=True)


def rms(values: list[float]) -> float:
    """Root mean square."""
    return math.sqrt(sum(value * value for value in values) / len(values))


def print_false_findings(n_worlds: int) -> None:
    """In how many worlds in which nothing goes with anything something is told."""
    false = sum(is_found(number) for number in range(n_worlds))
    print(f"worlds without any connection: something was told in {false} of {n_worlds}, {false / n_worlds:.1%}")
    print(f"  ({PERMUTATIONS} shuffles each; {LEVEL:.0%} are promised)")


def is_found(number: int) -> bool:
    """Whether anything is told in one such world: kinds, positions and popularity drawn apart."""
    draw = rng(number, "chance")
    has = draw.random((N_ITEMS, N_KINDS)) < 0.3
    kinds = np.array(["|".join(f"k{kind}" for kind in np.flatnonzero(row)) for row in has], dtype=object)
    weight = np.exp(draw.normal(3, 1, N_ITEMS))
    positions = draw.standard_t(4, (N_ITEMS, N_DIRECTIONS))
    return bool(associations(*traits_of({"kind": kinds}), positions, weight))


if __name__ == "__main__":
    main()
