"""An approximate index of items: how much of the exact lists it finds, as products and as distances.

    python benchmarks/ann_index.py runs/NAME            of each scorer of a run
    python benchmarks/ann_index.py --items 200000       of made factors, whose lengths differ as those of a run do
    python benchmarks/ann_index.py --items 250000 500000 1000000 --only products-16

The last one measures one way with one connectivity, as the index grows.

"products" is what `recsys export-factors --index hnsw` writes. "distances" is the common way: a coordinate more, which
makes all lengths equal, so that the largest products are the smallest angles.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from usearch.index import Index

from measure import command_line
from recsys.artifacts.bundle import open_bundle
from recsys.core.seeding import rng
from recsys.core.threads import one_blas_thread
from recsys.core.types import Array, Float32Array
from recsys.inference.ann_index import CONNECTIVITY, EXPANSION_ADD, N_USERS
from recsys.inference.exported_scorer import ExportedScorer
from recsys.scoring.top import top_n

K = 100
DIM = 64
BUILDS = ((16, 128), (CONNECTIVITY, EXPANSION_ADD))
METRICS = {"products": "ip", "distances": "cos"}
WAYS = [f"{way}-{connectivity}" for way in METRICS for connectivity, _ in BUILDS]
SEARCHES = (64, 256, 1024)


def main() -> None:
    parser = command_line(__doc__)
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--items", type=int, nargs="+", default=[200_000])
    parser.add_argument("--only", choices=WAYS, action="append")
    arguments = parser.parse_args()
    for name, items, users in sets(arguments.run, max(arguments.items)):
        print(f"{name}: {len(items):,} items, {items.shape[1]} numbers each")
        sizes = [len(items)] if arguments.run else sorted(arguments.items)
        compared(items, users, sizes, arguments.only or WAYS)


def sets(run: Path | None, n_items: int) -> Iterator[tuple[str, Float32Array, Float32Array]]:
    """Vectors of items and users, by name."""
    if run is None:
        yield "made", *made(n_items)
        return
    bundle = open_bundle(run)
    for name in bundle.scorers:
        arrays = {rows.name: rows.array for rows in ExportedScorer.of(bundle, name).export.rows}
        users = arrays["user_factors"][:: max(1, len(bundle.users) // N_USERS)]
        with_ones = np.hstack([users, np.ones((len(users), 1), dtype=np.float32)])
        yield name, np.hstack([arrays["item_factors"], arrays["item_bias"][:, None]]), with_ones


def made(n_items: int) -> tuple[Float32Array, Float32Array]:
    """Factors k of standard deviation k^-½, times a log-normal length, and a bias."""
    draw, spectrum = rng(0, "made"), np.arange(1, DIM + 1) ** -0.5
    items = draw.normal(size=(n_items, DIM)) * spectrum * np.exp(draw.normal(size=(n_items, 1)) / 2) * 0.3
    users = draw.normal(size=(N_USERS, DIM)) * spectrum
    with_bias = np.hstack([items, draw.normal(size=(n_items, 1)) * 0.4])
    return with_bias.astype(np.float32), np.hstack([users, np.ones((N_USERS, 1))]).astype(np.float32)


def compared(items: Float32Array, users: Float32Array, sizes: Sequence[int], chosen: Sequence[str]) -> None:
    """Prints recall@10 and recall@100 and the CPU time of one thread, of so many of the items."""
    exact = {n: exactly(items[:n], users) for n in sizes}
    longest = np.sqrt(np.einsum("nf,nf->n", items, items)).max()
    missing = np.sqrt(np.maximum(longest**2 - np.einsum("nf,nf->n", items, items), 0))
    ways = {
        "products": (items, users),
        "distances": (np.hstack([items, missing[:, None]]), np.hstack([users, np.zeros((len(users), 1))])),
    }
    for way, (vectors, queries) in ways.items():
        for connectivity, expansion_add in BUILDS:
            if f"{way}-{connectivity}" not in chosen:
                continue
            print(f"  {way}, connectivity {connectivity}, expansion_add {expansion_add}")
            index = Index(
                ndim=vectors.shape[1],
                metric=METRICS[way],
                dtype="f32",
                connectivity=connectivity,
                expansion_add=expansion_add,
            )
            built = 0.0
            for n in sizes:
                start = time.thread_time()
                index.add(np.arange(len(index), n), vectors[len(index) : n].astype(np.float32), threads=1)
                built += time.thread_time() - start
                found = "; ".join(searched(index, queries.astype(np.float32), exact[n], effort) for effort in SEARCHES)
                print(f"    {n:,} items: {built:,.1f} s; {found}", flush=True)


def exactly(items: Float32Array, users: Float32Array) -> Array:
    """The best K items of each user; prints the CPU time."""
    start = time.thread_time()
    with one_blas_thread():
        best = np.concatenate([top_n(users[row : row + 20] @ items.T, K) for row in range(0, len(users), 20)])
    print(f"  exact: {(time.thread_time() - start) / len(users) * 1e6:,.0f} µs a list of {len(items):,}", flush=True)
    return best


def searched(index: Any, queries: Float32Array, exact: Array, effort: int) -> str:
    """What a search with this effort finds."""
    index.expansion_search = effort
    recalls = []
    for k in (10, K):
        start = time.thread_time()
        keys = index.search(queries, k, threads=1).keys
        seconds = time.thread_time() - start
        recalls.append(np.mean([np.isin(best[:k], own).mean() for best, own in zip(exact, keys, strict=True)]))
    return f"search {effort}: {recalls[0]:.3f} / {recalls[1]:.3f} in {seconds / len(queries) * 1e6:,.0f} µs"


if __name__ == "__main__":
    main()
