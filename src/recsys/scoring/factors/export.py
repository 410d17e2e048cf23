"""Factors for other programs."""

from __future__ import annotations

from recsys.core.types import Array, Json
from recsys.scoring.export import TOBIT, Export, Rows
from recsys.scoring.factors.scorer import Factors

WITHOUT_DRIFT = """
The run knows how each user's bias moves with time. That is not in these files: scores are those of no given time.
"""

SCORES_OF = '''def scores_of(u):
    """The scores of all items for a user."""
    return model["global_mean"] + user_bias[u] + item_bias + item_factors @ user_factors[u]
'''


def export(scorer: Factors) -> Export:
    """Biases and factors; the drift stays behind."""
    std = () if scorer.user_std is None else (Rows("user", "std", scorer.user_std[:-1]),)
    return Export(
        rows=(
            Rows("user", "bias", scorer.user_bias[:-1]),
            Rows("item", "bias", scorer.item_bias[:-1]),
            *std,
            Rows("user", "factors", scorer.user_factors[:-1]),
            Rows("item", "factors", scorer.item_factors[:-1]),
        ),
        model={
            "global_mean": scorer.global_mean,
            "unknown_user": _unknown(scorer.user_bias, scorer.user_factors),
            "unknown_item": _unknown(scorer.item_bias, scorer.item_factors),
        },
        about=_about(scorer),
        functions=SCORES_OF + (TOBIT if scorer.link.kind == "tobit" else ""),
        beside_product='model["global_mean"] + user_bias[u]',
    )


def _about(scorer: Factors) -> str:
    return f"""Each has a bias and {scorer.embedding_dim} factors. `model.json` holds what is not a row of a user or an
item: the global mean, the link, and the bias and factors that stand for an unknown user or item.

    score  = global_mean + user_bias + item_bias + user_factors · item_factors
    rating = link(score), and the link here is `{scorer.link.kind}`
{WITHOUT_DRIFT if scorer.drift is not None else ""}"""


def _unknown(bias: Array, factors: Array) -> Json:
    """The row that stands for whoever is unknown."""
    return {"bias": float(bias[-1]), "factors": factors[-1].tolist()}
