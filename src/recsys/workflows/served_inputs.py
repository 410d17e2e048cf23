"""What a fitted scorer is measured with: as it is served, with those whom the run knows by their features alone."""

from __future__ import annotations

from dataclasses import replace

from recsys.artifacts.write_bundle import ServedScorer
from recsys.data.behind import with_more_behind, with_those_behind
from recsys.data.interactions import Interactions
from recsys.data.parts import TEST, VALID
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.scoring.feature_prior.extension import ExtendedSide
from recsys.scoring.protocols import TrainedScorer


def as_served(served: ServedScorer, inputs: TrainingInputs) -> tuple[TrainedScorer, TrainingInputs]:
    """The scorer with rows of those whom only features tell of, and what it is measured by, on their vocabularies.

    Both as they are where there are no such ones, or where the scorer predicts no ratings: lists are measured on items
    with interactions.
    """
    if not served.priors or served.scorer.as_rating() is None:
        return served.scorer, inputs
    seen, learned, priors = inputs.seen, inputs.seen_ratings, served.priors
    users = ExtendedSide(seen.users, inputs.user_features if "user" in priors else None)
    items = ExtendedSide(seen.items, inputs.item_features if "item" in priors else None)
    scorer = served.scorer.extended(
        users.rows(learned.user_counts, priors.get("user")), items.rows(learned.item_counts, priors.get("item"))
    )
    splits = inputs.splits

    def located(part: Interactions | None, code: int) -> Interactions | None:
        if part is None:
            return None
        unknown, parts = splits.unknown, splits.unknown_part
        rows = None if unknown is None or parts is None else unknown.take(parts == code)
        return with_those_behind(part, rows, users.ids, items.ids)

    train = with_more_behind(seen, users.ids, items.ids)
    return scorer, replace(
        inputs,
        splits=Splits(train, located(splits.valid, VALID), located(splits.test, TEST)),
        warm_start=None,
        item_features=None,
        user_features=None,
    )
