"""A scorer for other programs: its numbers, and how to score with them in Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recsys.core.types import Array, Json
from recsys.scoring.link import Link

TOBIT = '''

import math

def tobit(score, std):
    """The mean of a rating ~ N(score, std²) that is clipped to [low, high]."""
    low, high = model["link"]["low"], model["link"]["high"]
    a, b = (low - score) / std, (high - score) / std
    below, above = 0.5 * math.erfc(-a / 2**0.5), 0.5 * math.erfc(b / 2**0.5)
    density = (math.exp(-a * a / 2) - math.exp(-b * b / 2)) / (2 * math.pi) ** 0.5
    return low * below + high * above + score * (1 - below - above) + std * density
'''


AFFINITIES = "affinities"


@dataclass(frozen=True, eq=False)
class Rows:
    """Numbers of each known user, or of each known item.

    Attributes:
        role: "user" or "item".
        part: "bias", "std" or "rater", shape (n,), or "factors" or "affinities", shape (n, dim).
    """

    role: str
    part: str
    array: Array

    @property
    def column(self) -> str:
        """What the columns of several numbers each are called, before _0, _1, …"""
        return {"factors": "factor", AFFINITIES: "affinity"}[self.part]

    @property
    def name(self) -> str:
        """Of the array in a file, and of the variable in the Python of the README."""
        return f"{self.role}_{self.part}"


@dataclass(frozen=True, eq=False)
class Export:
    """What an export holds beside ids and titles.

    Attributes:
        rows: without those that stand for the unknown.
        model: what is not a row, for model.json.
        about: the paragraphs of the README that say what the numbers are.
        functions: Python of `scores_of(u)`, and of whatever the link needs.
        of_pair: Python of what the score of a predicted pair of `u` and `i` is beside scores_of(u)[i]; "": nothing.
        beside_product: Python of what a score of user `u` is beside [user_factors, 1] · [item_factors, item_bias], with
            affinities behind them where there are any; None where scores are no such products.
    """

    rows: tuple[Rows, ...]
    model: Mapping[str, Json]
    about: str
    functions: str
    beside_product: str | None
    of_pair: str = ""

    @property
    def has_affinities(self) -> bool:
        """Whether they are among the rows; vectors to be multiplied end with them then."""
        return any(rows.part == AFFINITIES for rows in self.rows)


def link_in_python(link: Link) -> str:
    """The rating for a `score` of user `u`, as Python; a tobit link needs TOBIT."""
    low, high = 'model["link"]["low"]', 'model["link"]["high"]'
    return {
        "identity": "score",
        "clip": f"np.clip(score, {low}, {high})",
        "sigmoid": f"{low} + ({high} - {low}) / (1 + np.exp(-score))",
        "tobit": "tobit(score, user_std[u])",
    }[link.kind]
