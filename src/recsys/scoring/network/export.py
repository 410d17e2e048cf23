"""A network for other programs."""

from __future__ import annotations

from recsys.scoring.export import Export, Rows
from recsys.scoring.network.scorer import Network

SCORES_OF = '''def scores_of(u):
    """The scores of all items for a user."""
    a = np.hstack([np.tile(user_factors[u], (len(item_factors), 1)), item_factors])
    for n, layer in enumerate(model["layers"]):
        a = (np.maximum(a, 0) if n else a) @ np.array(layer["weight"]).T + layer["bias"]
    return a[:, 0]
'''


def export(scorer: Network) -> Export:
    """Embeddings, which are called factors here, and layers."""
    return Export(
        rows=(
            Rows("user", "factors", scorer.user_embedding[:-1]),
            Rows("item", "factors", scorer.item_embedding[:-1]),
        ),
        model={
            "layers": [{"weight": layer.weight.tolist(), "bias": layer.bias.tolist()} for layer in scorer.layers],
            "unknown_user": {"factors": scorer.user_embedding[-1].tolist()},
            "unknown_item": {"factors": scorer.item_embedding[-1].tolist()},
        },
        about=_about(scorer),
        functions=SCORES_OF,
        beside_product=None,
    )


def _about(scorer: Network) -> str:
    dims = scorer.embedding_dim
    return f"""The factors are embeddings, {dims["user"]} numbers for a user and {dims["item"]} for an item, and say
nothing without the network's {len(scorer.layers)} affine layers. `model.json` holds those (batch norm is part of them),
the link, and the factors that stand for an unknown user or item.

    a      = user_factors followed by item_factors
    a      = relu(weight · a + bias) for each layer but the last
    score  = weight · a + bias for the last
    rating = link(score), and the link here is `{scorer.link.kind}`
"""
