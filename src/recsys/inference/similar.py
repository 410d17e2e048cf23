"""Items that the model takes to be alike."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from recsys.artifacts.bundle import Bundle
from recsys.core.types import Json
from recsys.scoring.top import masked_top_n


@dataclass(frozen=True)
class Similar:
    """An item that is like another. `similarity` is from −1 to 1; `n_ratings` are the training ratings."""

    rank: int
    item_id: int | str
    title: str | None
    similarity: float
    n_ratings: int

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return asdict(self)


def similar_items(bundle: Bundle, item_idx: int, n: int = 10, *, min_ratings: int = 0) -> list[Similar]:
    """The items whose factors point where the item's do, the nearest first.

    similarity(i, j) = q_i·q_j / (|q_i| |q_j|), the cosine of their factors; biases play no part, so that a bad film may
    be like a good one. Items without any factors, and the item itself, are left out.

    Args:
        item_idx: a known item.
        n: how many; fewer come back where there are not so many.
        min_ratings: leaves out items with fewer training ratings, whose factors stand on little.
    """
    factors = bundle.factors.item_factors[:-1]
    length = np.linalg.norm(factors, axis=1)
    allowed = (bundle.counts["rating"].items >= min_ratings) & (length > 0)
    allowed[item_idx] = False
    cosine = factors @ factors[item_idx]
    cosine /= np.maximum(length * length[item_idx], np.finfo(np.float32).tiny)
    (best,), (similarity,) = masked_top_n(cosine[None], n, allowed=allowed)
    return [
        Similar(
            rank=rank + 1,
            item_id=bundle.items.id_at(idx),
            title=bundle.title_at(idx),
            similarity=float(similarity[rank]),
            n_ratings=int(bundle.counts["rating"].items[idx]),
        )
        for rank, idx in enumerate(best.tolist())
        if allowed[idx]
    ]
