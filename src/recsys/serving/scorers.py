"""How a scorer lies in the serving folder: its arrays in one file, the rest in serving.json."""

from __future__ import annotations

from typing import Any

from recsys.records import Arrays
from recsys.scoring.factors import Factors, Link
from recsys.scoring.network import Network, Weights
from recsys.scoring.scorer import Trained

FACTORS = ("user_bias", "item_bias", "user_factors", "item_factors")


def scorer_arrays(scorer: Trained) -> Arrays:
    """The arrays of a scorer by name; a network's layers are layer.0.weight, layer.0.bias, layer.1.weight, …"""
    if isinstance(scorer, Factors):
        return {name: getattr(scorer, name) for name in FACTORS}
    arrays: Arrays = {"user_embedding": scorer.user_embedding, "item_embedding": scorer.item_embedding}
    for number, layer in enumerate(scorer.layers):
        arrays |= {f"layer.{number}.weight": layer.weight, f"layer.{number}.bias": layer.bias}
    return arrays


def scorer_from(arrays: Arrays, facts: dict[str, Any]) -> Trained:
    """The scorer of these arrays; `facts` is what serving.json says."""
    link = Link(**facts["link"])
    if facts["kind"] != "embedding_net":
        return Factors(global_mean=facts["global_mean"], link=link, **{name: arrays[name] for name in FACTORS})
    n_layers = sum(name.endswith(".weight") for name in arrays)
    layers = [Weights(arrays[f"layer.{n}.weight"], arrays[f"layer.{n}.bias"]) for n in range(n_layers)]
    return Network(arrays["user_embedding"], arrays["item_embedding"], tuple(layers), link)
