"""Factors for other programs."""

from __future__ import annotations

from recsys.core.types import Array, Json
from recsys.scoring.affinities import HALVED, Affinities
from recsys.scoring.export import AFFINITIES, TOBIT, Export, Rows
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.raters import Raters

WITHOUT_DRIFT = """
The run knows how each user's bias moves with time. That is not in these files: scores are those of no given time.
"""

RATERS = """
A predicted rating has a term more, `rater` of the user times `rater` of the item: what it says that this user rates
this item at all. Lists are ranked without it, since nobody has rated what they hold. It is 0 for an unknown user.

    score of a predicted rating = score + user_rater · item_rater
"""

TOLD = f"""
`affinities` of a user are what the user makes of features of items beyond the factors. Those of an item with n ratings
are 1 and its features, times {HALVED}/({HALVED} + n) and the share of the item's row that features tell: all of it
where it was folded in, and none as a rule where it was trained on. The product user_affinities · item_affinities is
added to every score.
"""

SCORES_OF = '''def scores_of(u):
    """The scores of all items for a user."""
    return model["global_mean"] + user_bias[u] + item_bias + item_factors @ user_factors[u]{more}
'''


def export(scorer: Factors) -> Export:
    """Biases and factors, and what it says that somebody rates; the drift stays behind."""
    std = () if scorer.user_std is None else (Rows("user", "std", scorer.user_std[:-1]),)
    raters: tuple[Rows, ...] = ()
    if scorer.raters is not None:
        raters = (Rows("user", "rater", scorer.raters.user[:-1]), Rows("item", "rater", scorer.raters.item[:-1]))
    affinities = _affinities(scorer.affinities)
    return Export(
        rows=(
            Rows("user", "bias", scorer.user_bias[:-1]),
            Rows("item", "bias", scorer.item_bias[:-1]),
            *std,
            *raters,
            Rows("user", "factors", scorer.user_factors[:-1]),
            Rows("item", "factors", scorer.item_factors[:-1]),
            *affinities,
        ),
        model={
            "global_mean": scorer.global_mean,
            "unknown_user": _unknown(scorer.user_bias, scorer.user_factors),
            "unknown_item": {**_unknown(scorer.item_bias, scorer.item_factors), **_unknown_rater(scorer.raters)},
        },
        about=_about(scorer) + (TOLD if affinities else ""),
        functions=SCORES_OF.format(more=" + item_affinities @ user_affinities[u]" if affinities else "")
        + (TOBIT if scorer.link.kind == "tobit" else ""),
        beside_product='model["global_mean"] + user_bias[u]',
        of_pair=" + user_rater[u] * item_rater[i]" if raters else "",
    )


def _about(scorer: Factors) -> str:
    return f"""Each has a bias and {scorer.embedding_dim} factors. `model.json` holds what is not a row of a user or an
item: the global mean, the link, and the bias and factors that stand for an unknown user or item.

    score  = global_mean + user_bias + item_bias + user_factors · item_factors
    rating = link(score), and the link here is `{scorer.link.kind}`
{"" if scorer.raters is None else RATERS}{WITHOUT_DRIFT if scorer.drift is not None else ""}"""


def _affinities(affinities: Affinities | None) -> tuple[Rows, ...]:
    """Nothing where no item is told by features."""
    if affinities is None or not affinities.item.has_any.any():
        return ()
    of_items = affinities.item.dense()[:-1]
    return Rows("user", AFFINITIES, affinities.user[:-1]), Rows("item", AFFINITIES, of_items)


def _unknown_rater(raters: Raters | None) -> dict[str, Json]:
    return {} if raters is None else {"rater": float(raters.item[-1])}


def _unknown(bias: Array, factors: Array) -> dict[str, Json]:
    """The row that stands for whoever is unknown."""
    return {"bias": float(bias[-1]), "factors": factors[-1].tolist()}
