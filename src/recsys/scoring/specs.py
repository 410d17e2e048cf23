"""Every kind of scorer, by where its code lies: a new one is a folder and an entry here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScorerSpec:
    """Where the parts of a scorer lie, each as "package.module:name", so that to read this loads none of them.

    Attributes:
        layout: what its arrays are, a Layout of "n_users" and "n_items".
        encode: scorer → StoredScorer.
        decode: StoredScorer → scorer.
        export: scorer → Export, for other programs.
    """

    layout: str
    encode: str
    decode: str
    export: str


SCORERS: dict[str, ScorerSpec] = {
    "factors": ScorerSpec(
        layout="recsys.scoring.factors.codec:LAYOUT",
        encode="recsys.scoring.factors.codec:encode",
        decode="recsys.scoring.factors.codec:decode",
        export="recsys.scoring.factors.export:export",
    ),
    "implicit": ScorerSpec(
        layout="recsys.scoring.implicit.codec:LAYOUT",
        encode="recsys.scoring.implicit.codec:encode",
        decode="recsys.scoring.implicit.codec:decode",
        export="recsys.scoring.implicit.export:export",
    ),
    "network": ScorerSpec(
        layout="recsys.scoring.network.codec:LAYOUT",
        encode="recsys.scoring.network.codec:encode",
        decode="recsys.scoring.network.codec:decode",
        export="recsys.scoring.network.export:export",
    ),
}
"""By kind."""
