"""Items that the model takes to be alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import BoolArray, Counts, Float32Array, Json
from recsys.inference.ranked import By, ranking_factors
from recsys.scoring.top import masked_top_n

if TYPE_CHECKING:
    from recsys.scoring.implicit.scorer import ImplicitFactors

TINY = float(np.finfo(np.float32).tiny)
LEAST = 1e-3  # of an item's factors: a smaller part that is not along the mean user is rounding
FEW = 5.0  # interactions with which an item's similarity counts by half (docs/experiments/similar.md)


@dataclass(frozen=True)
class Similar:
    """An item that is like another: `similarity` from −1 to 1, and the training ratings and interactions it has."""

    rank: int
    item_id: int | str
    title: str | None
    similarity: float
    n_ratings: int
    n_interactions: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def similar_items(bundle: Bundle, by: By, item_idx: int, n: int = 10, *, min_ratings: int = 0) -> list[Similar]:
    """The items whose factors point where the item's do, the nearest first.

    By rating, similarity(i, j) = q_i·q_j / (|q_i| |q_j|), the cosine of their factors; biases play no part, so that a
    bad film may be like a good one. By ranking, see `ranking_similarities`. Items without any factors, and the item
    itself, are left out.

    Args:
        by: whose factors are compared.
        item_idx: a known item, or one that is served by its features.
        n: how many; fewer come back where there are not so many.
        min_ratings: leaves out items with fewer training interactions, whose factors stand on little.
    Raises:
        RunError: the scorer has no factors to compare.
    """
    counts = bundle.counts[by].items
    if by == "ranking":
        similarity, has_factors = ranking_similarities(ranking_factors(bundle), counts, item_idx)
    else:
        similarity, has_factors = cosines(bundle.factors.item_factors[:-1], item_idx)
    allowed = (counts >= min_ratings) & has_factors
    if (flags := bundle.from_features.get(by)) is not None:
        allowed &= ~flags.items
    allowed[item_idx] = False
    (best,), (nearest,) = masked_top_n(similarity[None], n, allowed=allowed)
    return [
        Similar(
            rank=rank + 1,
            item_id=bundle.items.id_at(idx),
            title=bundle.title_at(idx),
            similarity=float(nearest[rank]),
            n_ratings=int(bundle.counts["rating"].items[idx]),
            n_interactions=int(bundle.counts["ranking"].items[idx]),
        )
        for rank, idx in enumerate(best.tolist())
        if allowed[idx]
    ]


def ranking_similarities(scorer: ImplicitFactors, counts: Counts, item_idx: int) -> tuple[Float32Array, BoolArray]:
    """How much each item is chosen by the same users as one of them, beyond what everyone chooses.

    similarity(i, j) = n_j / (n_j + 5) · cos(h_i − (h_i·m) m, h_j − (h_j·m) m), where m is the direction of the mean
    user, along which items differ by how popular they are, and n_j the interactions of j: the direction of an item with
    two of them is chance.

    Args:
        counts: n of each item, shape (n_items,).
    Returns:
        Similarities, float32, and whether an item has a direction at all, bool; shapes (n_items,).
    """
    rows, mean = scorer.item_factors[:-1], scorer.user_factors[-1]
    along = rows @ (mean / max(float(np.linalg.norm(mean)), TINY))
    whole = np.einsum("nf,nf->n", rows, rows)
    length = np.sqrt((whole - along**2).clip(min=0))  # of what is left without the mean user
    has_direction = (counts > 0) & (length > LEAST * np.sqrt(whole))
    cosine = (rows @ rows[item_idx] - along * along[item_idx]) / np.maximum(length * length[item_idx], TINY)
    return (cosine * (counts / (counts + FEW))).astype(np.float32), has_direction


def cosines(rows: Float32Array, item_idx: int) -> tuple[Float32Array, BoolArray]:
    """The cosine of each row with one of them, float32, and whether it has a direction; shapes (n_items,)."""
    length = np.linalg.norm(rows, axis=1)
    cosine: Float32Array = rows @ rows[item_idx]
    cosine /= np.maximum(length * length[item_idx], TINY)
    return cosine, length > 0
