"""How a scorer lies in the serving folder: its arrays in one file, the rest in serving.json."""

from __future__ import annotations

from typing import Any

from recsys.core.types import Arrays
from recsys.scoring.drift import Drift
from recsys.scoring.factors import Factors, Link
from recsys.scoring.network import Network, Weights
from recsys.scoring.protocols import Trained

FACTORS = ("user_bias", "item_bias", "user_factors", "item_factors")


def scorer_arrays(scorer: Trained) -> Arrays:
    """The arrays of a scorer by name.

    A network's layers are layer.0.weight, layer.0.bias, layer.1.weight, …, a drift's arrays drift.start, drift.time, …
    """
    if isinstance(scorer, Factors):
        drift = {} if scorer.drift is None else {f"drift.{name}": one for name, one in vars(scorer.drift).items()}
        std = {} if scorer.user_std is None else {"user_std": scorer.user_std}
        return {**{name: getattr(scorer, name) for name in FACTORS}, **std, **drift}
    arrays: Arrays = {"user_embedding": scorer.user_embedding, "item_embedding": scorer.item_embedding}
    for number, layer in enumerate(scorer.layers):
        arrays |= {f"layer.{number}.weight": layer.weight, f"layer.{number}.bias": layer.bias}
    return arrays


def scorer_from(arrays: Arrays, facts: dict[str, Any]) -> Trained:
    """The scorer of these arrays; `facts` is what serving.json says."""
    link = Link(**facts["link"])
    if facts["kind"] != "embedding_net":
        moving = {name.removeprefix("drift."): one for name, one in arrays.items() if name.startswith("drift.")}
        drift = Drift(**moving) if moving else None
        rows = {name: arrays[name] for name in FACTORS}
        return Factors(
            global_mean=facts["global_mean"], link=link, drift=drift, user_std=arrays.get("user_std"), **rows
        )
    n_layers = sum(name.endswith(".weight") for name in arrays)
    layers = [Weights(arrays[f"layer.{n}.weight"], arrays[f"layer.{n}.bias"]) for n in range(n_layers)]
    return Network(arrays["user_embedding"], arrays["item_embedding"], tuple(layers), link)
