"""An approximate index of the items: those with the highest scores for a user, without scoring all of them.

A score is a product of two vectors plus what is the user's alone: score(u, i) = c_u + [w_u, 1] · [h_i, b_i]. The index
holds the vectors of the items and looks for the largest products themselves, in a graph in which neighbours are those
of the largest products too. Lengths carry meaning here, such as popularity, and that finds more than the common way, to
add a coordinate that makes all lengths equal and look for the smallest distances (docs/serving-at-size.md).

Source: Malkov, Yashunin 2016 (arXiv:1603.09320); Morozov, Babenko 2018, "Non-metric similarity graphs for maximum inner
product search".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.arguments import choice, optional
from recsys.core.errors import RunError, need_extra
from recsys.core.threads import one_blas_thread
from recsys.core.types import Array, Arrays, BoolArray, Float32Array, Indices, Int64Array, Json
from recsys.data.features.kind import Role
from recsys.scoring.export import AFFINITIES, Export
from recsys.scoring.protocols import TrainedScorer
from recsys.scoring.tiles import best_items, users_at_once

Kind = Literal["hnsw"]
KIND = optional(choice(*get_args(Kind)))
INDEX, INDEX_JSON = "items.usearch", "index.json"
CONNECTIVITY, EXPANSION_ADD = 32, 256  # docs/serving-at-size.md
EXPANSIONS_SEARCH = (64, 128, 256, 512, 1024)
LENGTHS = (10, 100)
GOOD_RECALL = 0.99  # of the shortest lists
N_USERS = 500  # whose lists are compared
BLOCK = 1 << 12  # items added at once, between which the work can be stopped


@dataclass(frozen=True)
class IndexReport:
    """What index.json says.

    Attributes:
        n_items: with training interactions, which the index holds; its keys are their rows in the export.
        n_dims: of the vectors.
        expansion_search: the least of those tried with which recall of short lists is good, or else the largest.
        recall: by the length k of the lists, the share of the k best items of all that the index finds: its mean over
            n_users users.
    """

    kind: Kind
    library: str
    file: str
    n_items: int
    n_dims: int
    expansion_search: int
    recall: dict[str, float]
    n_users: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def need_ann(bundle: Bundle, export: Export) -> None:
    """Refuses an index that cannot be made, before the work.

    Raises:
        MissingExtraError: the library is not installed.
        RunError: the scores are no products of vectors.
    """
    need_extra("usearch", "an index needs", "ann")
    if export.beside_product is None:
        raise RunError(
            "an index finds products of vectors, and the scores of this scorer are none",
            where=str(bundle.path),
            expected="a scorer of factors, such as that of dot_product, svdpp or implicit_factors",
            hint="leave out the index, or name another scorer",
        )


@one_blas_thread()
def write_index(bundle: Bundle, name: str, export: Export, folder: Path, done: Callable[[int], None]) -> IndexReport:
    """Writes the index of a scorer's items and index.json.

    One thread adds the items, in their order, so that the file has the same bytes each time.

    Args:
        name: of the scorer.
        done: gets how many more items are in the index.
    """
    arrays = {rows.name: rows.array for rows in export.rows}
    has_rows = bundle.counts[name].items > 0
    known = np.flatnonzero(has_rows)
    index = _new_index(_vectors(arrays, "item", known[:0]).shape[1])
    for start in range(0, len(known), BLOCK):
        keys = known[start : start + BLOCK]
        index.add(keys, _vectors(arrays, "item", keys), threads=1)
        done(len(keys))
    (folder / INDEX).write_bytes(index.save())  # usearch says not why a file cannot be written, nor always that
    users = _sampled(bundle.counts[name].users)
    queries = _vectors(arrays, "user", users)
    exact = _exact(bundle.scorer(name), users, min(max(LENGTHS), len(known)), has_rows)
    expansion, recall = _measured(index, queries, exact)
    report = IndexReport("hnsw", "usearch", INDEX, len(known), queries.shape[1], expansion, recall, n_users=len(users))
    (folder / INDEX_JSON).write_text(json.dumps(report.to_dict(), indent=2) + "\n", encoding="utf-8")
    return report


def index_in_python(report: IndexReport, export: Export) -> str:
    """Python that finds the ten best items of user `u`, after what the README of the export loads."""
    parts = "user_factors[u], [1], user_affinities[u]" if export.has_affinities else "user_factors[u], [1]"
    return f'''from usearch.index import Index

index = Index.restore("{report.file}", view=True)  # from disk; view=False: into memory
index.expansion_search = {report.expansion_search}
query = np.concatenate([{parts}], dtype=np.float32)
matches = index.search(query, 10 + len(rated))
found = dict(zip(matches.keys.tolist(), (1 - matches.distances + {export.beside_product}).tolist()))
top_of_index = [(item_ids[n], score) for n, score in found.items() if item_ids[n] not in rated][:10]
print([item for item, score in top_of_index])
'''


def _new_index(n_dims: int) -> Any:
    from usearch.index import Index

    return Index(ndim=n_dims, metric="ip", dtype="f32", connectivity=CONNECTIVITY, expansion_add=EXPANSION_ADD)


def _vectors(arrays: Arrays, role: Role, rows: Array) -> Float32Array:
    """[factors, bias, affinities] of items, of users with 1 for the bias; affinities where there are any."""
    bias = arrays["item_bias"][rows] if role == "item" else np.ones(len(rows), dtype=np.float32)
    parts = [arrays[f"{role}_factors"][rows], bias[:, None]]
    if (name := f"{role}_{AFFINITIES}") in arrays:
        parts.append(arrays[name][rows])
    return np.hstack(parts)


def _sampled(counts: Array) -> Indices:
    """At most N_USERS users with interactions, evenly among all."""
    known = np.flatnonzero(counts > 0)
    picked = known[np.linspace(0, len(known) - 1, min(N_USERS, len(known))).astype(np.int64)]
    return picked.astype(np.int32)


def _exact(scorer: TrainedScorer, users: Indices, n: int, allowed: BoolArray) -> Int64Array:
    """The n best items of each user."""
    none = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    blocks = np.array_split(users, -(-len(users) // users_at_once(scorer.n_items)))
    return np.concatenate([best_items(scorer, block, n, allowed=allowed, left_out=none)[0] for block in blocks])


def _measured(index: Any, queries: Float32Array, exact: Int64Array) -> tuple[int, dict[str, float]]:
    """The effort that finds enough, and the recall by length."""
    lengths = sorted({min(k, exact.shape[1]) for k in LENGTHS})
    for expansion in EXPANSIONS_SEARCH:
        index.expansion_search = expansion
        recall = {str(k): _recall(index, queries, exact[:, :k]) for k in lengths}
        if recall[str(lengths[0])] >= GOOD_RECALL:
            break
    return expansion, recall


def _recall(index: Any, queries: Float32Array, exact: Int64Array) -> float:
    keys = index.search(queries, exact.shape[1], threads=1).keys.reshape(exact.shape)
    return float(np.mean([np.isin(best, found).mean() for best, found in zip(exact, keys, strict=True)]))
