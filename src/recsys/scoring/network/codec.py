"""A network as it is stored: its layers are layer.0.weight, layer.0.bias, layer.1.weight, …"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from recsys.core.layout import LARGEST, ArraySpec, Layout, Size
from recsys.core.types import Array
from recsys.scoring.codec import StoredScorer
from recsys.scoring.network.scorer import Network, Weights

MOST_LAYERS = 17  # hidden ones and the last
MOST_WEIGHT = 1e6


def encode(scorer: Network) -> StoredScorer:
    """The scorer as it is stored."""
    arrays = {"user_embedding": scorer.user_embedding, "item_embedding": scorer.item_embedding}
    for number, layer in enumerate(scorer.layers):
        weight, bias = _names(number)
        arrays |= {weight: layer.weight, bias: layer.bias}
    return StoredScorer(scorer.kind, arrays, scorer.link)


def decode(stored: StoredScorer) -> Network:
    """The scorer that `encode` stored.

    Raises:
        ValueError: its layers do not end with one number, or their products may be larger than numbers are.
    """
    names = [_names(number) for number in range(MOST_LAYERS)]
    layers = [Weights(stored.arrays[weight], stored.arrays[bias]) for weight, bias in names if weight in stored.arrays]
    if len(layers[-1].bias) != 1 or names[len(layers) - 1][0] not in stored.arrays:
        raise ValueError("its layers do not end with one number")
    users, items = (stored.arrays[f"{role}_embedding"] for role in ("user", "item"))
    _check_scores(users, items, layers)
    return Network(users, items, tuple(layers), stored.rating_link())


def _check_scores(users: Array, items: Array, layers: Sequence[Weights]) -> None:
    """No score can be infinite: the norm of a layer's output is at most that of its weights times that of its input."""
    largest = sum(math.sqrt(rows.shape[1]) * float(np.abs(rows).max()) for rows in (users, items))
    for layer in layers:
        largest = float(np.linalg.norm(layer.weight)) * largest + float(np.linalg.norm(layer.bias))
        if not largest <= LARGEST:
            raise ValueError("the products of its layers may be larger than numbers are")


def _small(*shape: Size, group: str | None = None) -> ArraySpec:
    return ArraySpec("float32", shape, -MOST_WEIGHT, MOST_WEIGHT, group=group)


def _names(number: int) -> tuple[str, str]:
    return f"layer.{number}.weight", f"layer.{number}.bias"


def _layout() -> Layout:
    arrays = {
        "user_embedding": _small(("n_users", 1), "user_dim"),
        "item_embedding": _small(("n_items", 1), "item_dim"),
    }
    width: Size = ("user_dim", "item_dim")
    for number in range(MOST_LAYERS):
        weight, bias = _names(number)
        group = bias if number else None
        arrays[bias] = _small(f"size {number}", group=group)
        arrays[weight] = _small(f"size {number}", width, group=group)
        width = f"size {number}"
    return arrays


LAYOUT: Layout = _layout()
"""Embeddings, whose last row stands for whoever is unknown, and layers, each of the size that the next one takes."""
