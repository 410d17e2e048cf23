"""A run's scorer as other programs get it."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.artifacts.bundle import Bundle
from recsys.core.resolve import resolve
from recsys.core.types import Json
from recsys.scoring.export import Export
from recsys.scoring.link import Link
from recsys.scoring.specs import SCORERS
from recsys.version import __version__


@dataclass(frozen=True, eq=False)
class ExportedScorer:
    """What there is to write of a scorer.

    Attributes:
        kind: of the model that was trained.
        link: from scores to ratings; None where they stand for none.
    """

    kind: str
    export: Export
    link: Link | None

    @classmethod
    def of(cls, bundle: Bundle, name: str) -> ExportedScorer:
        """The scorer of this name.

        Raises:
            RunError: the run has none.
        """
        scorer = bundle.scorer(name)
        export: Export = resolve(SCORERS[scorer.kind].export)(scorer)
        ratings = scorer.as_rating()
        return cls(bundle.manifest.scorers[name].model, export, None if ratings is None else ratings.link)

    def to_model(self) -> dict[str, Json]:
        """What is not a row of a user or an item."""
        link: dict[str, Json] = {} if self.link is None else {"link": {**self.link.to_dict()}}
        return {"kind": self.kind, **self.export.model, **link, "recsys_version": __version__}
