"""How a scorer is stored: its arrays by name, and the few numbers beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from recsys.core.types import Array, Arrays
from recsys.scoring.drift import Drift
from recsys.scoring.factors import Factors, Link
from recsys.scoring.network import Network, Weights
from recsys.scoring.protocols import Trained

FACTORS = ("user_bias", "item_bias", "user_factors", "item_factors")


@dataclass(frozen=True, eq=False)
class StoredScorer:
    """A scorer as it is stored.

    Attributes:
        kind: a key of DECODERS.
        arrays: a network's layers are layer.0.weight, layer.0.bias, layer.1.weight, …; a drift's arrays drift.start,
            drift.time, …
        global_mean: of factors.
    """

    kind: str
    arrays: Arrays
    link: Link
    global_mean: float | None = None


def encode(scorer: Trained) -> StoredScorer:
    """The scorer as it is stored."""
    if isinstance(scorer, Factors):
        drift = {} if scorer.drift is None else {f"drift.{name}": one for name, one in vars(scorer.drift).items()}
        std = {} if scorer.user_std is None else {"user_std": scorer.user_std}
        arrays = {**{name: getattr(scorer, name) for name in FACTORS}, **std, **drift}
        return StoredScorer("factors", arrays, scorer.link, scorer.global_mean)
    arrays = {"user_embedding": scorer.user_embedding, "item_embedding": scorer.item_embedding}
    for number, layer in enumerate(scorer.layers):
        arrays |= {f"layer.{number}.weight": layer.weight, f"layer.{number}.bias": layer.bias}
    return StoredScorer("network", arrays, scorer.link)


def decode(stored: StoredScorer, n_users: int, n_items: int) -> Trained:
    """The scorer that `encode` stored.

    Args:
        stored: of a kind in DECODERS.
        n_users, n_items: that it has to know.
    Raises:
        ValueError: an array is missing, or has another shape or type than it should have.
    """
    scorer = DECODERS[stored.kind](stored)
    for role, n, known in (("users", n_users, scorer.n_users), ("items", n_items, scorer.n_items)):
        if n != known:
            raise ValueError(f"it has {known:,} {role}, and there are {n:,}")
    return scorer


def _decode_factors(stored: StoredScorer) -> Factors:
    arrays = stored.arrays
    if stored.global_mean is None:
        raise ValueError("it has no global mean")
    rows = {name: _array(arrays, name) for name in FACTORS}
    moving = {name.removeprefix("drift."): one for name, one in arrays.items() if name.startswith("drift.")}
    for role in ("user", "item"):
        bias, factors = rows[f"{role}_bias"], rows[f"{role}_factors"]
        _check(f"{role}_bias", bias, (len(factors),))
        _check(f"{role}_factors", factors, (len(factors), rows["user_factors"].shape[-1]))
    std = arrays.get("user_std")
    if std is not None:
        _check("user_std", std, rows["user_bias"].shape)
    if moving and moving.keys() != Drift.__dataclass_fields__.keys():
        raise ValueError(f"its drift has only {', '.join(moving)}")
    return Factors(
        global_mean=stored.global_mean,
        link=stored.link,
        drift=Drift(**moving) if moving else None,
        user_std=std,
        **rows,
    )


def _decode_network(stored: StoredScorer) -> Network:
    users, items = (_array(stored.arrays, f"{role}_embedding") for role in ("user", "item"))
    n_layers = sum(name.endswith(".weight") for name in stored.arrays)
    layers = [
        Weights(_array(stored.arrays, f"layer.{number}.weight"), _array(stored.arrays, f"layer.{number}.bias"))
        for number in range(n_layers)
    ]
    n_in = users.shape[-1] + items.shape[-1]
    for number, layer in enumerate(layers):
        _check(f"layer.{number}.weight", layer.weight, (len(layer.bias), n_in))
        n_in = len(layer.bias)
    if not layers or n_in != 1:
        raise ValueError("its layers do not end with one number")
    return Network(users, items, tuple(layers), stored.link)


DECODERS: dict[str, Callable[[StoredScorer], Trained]] = {"factors": _decode_factors, "network": _decode_network}


def _array(arrays: Arrays, name: str) -> Array:
    if name not in arrays:
        raise ValueError(f"it lacks the array {name!r}")
    return arrays[name]


def _check(name: str, array: Array, shape: tuple[int, ...]) -> None:
    if array.dtype != np.float32 or array.shape != shape:
        raise ValueError(f"the array {name!r} is {array.dtype} {array.shape}, and not float32 {shape}")
