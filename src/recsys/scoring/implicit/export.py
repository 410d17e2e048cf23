"""Implicit factors for other programs."""

from __future__ import annotations

from recsys.scoring.export import Export, Rows
from recsys.scoring.implicit.scorer import ImplicitFactors

SCORES_OF = '''def scores_of(u):
    """The scores of all items for a user."""
    return item_factors @ user_factors[u] + item_bias
'''


def export(scorer: ImplicitFactors) -> Export:
    """The factors."""
    return Export(
        rows=(
            Rows("user", "factors", scorer.user_factors[:-1]),
            Rows("item", "bias", scorer.item_bias[:-1]),
            Rows("item", "factors", scorer.item_factors[:-1]),
        ),
        model={
            "unobserved_weight": scorer.unobserved_weight,
            "regularization": scorer.regularization,
            "popularity_weight": scorer.popularity_weight,
            "unknown_user": {"factors": scorer.user_factors[-1].tolist()},
            "unknown_item": {"bias": float(scorer.item_bias[-1]), "factors": scorer.item_factors[-1].tolist()},
        },
        about=f"""Each has {scorer.embedding_dim} factors. `model.json` holds what is not a row of a user or an item:
the weights of the fit, and the factors that stand for an unknown user or item.

    score = user_factors · item_factors + item_bias

The higher the score, the more likely the user chooses the item. Training draws the product to 1 for what the user has
chosen and to 0 for all else, so that it is well below 1 for new items. The bias is what the item's popularity adds to
it, and 0 unless tastes are weak. The score is not a rating.
""",
        functions=SCORES_OF,
        beside_product="0",
    )
