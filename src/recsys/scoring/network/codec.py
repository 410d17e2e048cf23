"""A network as it is stored: its layers are layer.0.weight, layer.0.bias, layer.1.weight, …"""

from __future__ import annotations

from itertools import count, takewhile

from recsys.scoring.codec import StoredScorer, check_array
from recsys.scoring.network.scorer import Network, Weights


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
        ValueError: an array is missing, or has another shape or type than it should have.
    """
    users, items = (stored.array(f"{role}_embedding") for role in ("user", "item"))
    numbers = takewhile(lambda number: _names(number)[0] in stored.arrays, count())
    layers = [Weights(*(stored.array(name) for name in _names(number))) for number in numbers]
    n_in = users.shape[-1] + items.shape[-1]
    for number, layer in enumerate(layers):
        check_array(_names(number)[0], layer.weight, (len(layer.bias), n_in))
        n_in = len(layer.bias)
    if not layers or n_in != 1:
        raise ValueError("its layers do not end with one number")
    return Network(users, items, tuple(layers), stored.rating_link())


def _names(number: int) -> tuple[str, str]:
    return f"layer.{number}.weight", f"layer.{number}.bias"
