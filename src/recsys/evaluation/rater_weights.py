"""How much it counts that a user is among the raters of an item, learned from validation ratings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from recsys.core.types import Float64Array
from recsys.data.interactions import Interactions
from recsys.evaluation.intervals import MOST_RATINGS, evenly_spaced
from recsys.evaluation.validation_weights import choose_weights
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.protocols import RatingScorer
from recsys.scoring.raters import N_WEIGHTS, Raters, group_of

if TYPE_CHECKING:
    from recsys.data.training_inputs import TrainingInputs

WEIGHTS = np.arange(61) / 40  # tried: 0 to 1.5
EXPECTED, STD = 0.25, 0.25  # of a weight before there is a validation rating (docs/experiments/raters.md)


def learn_rater_weights(scorer: RatingScorer, inputs: TrainingInputs) -> RatingScorer:
    """The scorer with weights of its raters, where it has such; without validation ratings they count in full."""
    factors, valid = scorer.as_factors(), inputs.splits.valid
    rated = None if valid is None else valid.rated()
    if factors is None or factors.raters is None or rated is None or not len(rated):
        return scorer
    weights = _weights(factors.without_raters(), factors.raters, evenly_spaced(rated, MOST_RATINGS))
    return replace(factors, raters=factors.raters.weighted(weights))


def carry_rater_weights(measured: RatingScorer, scorer: RatingScorer) -> RatingScorer:
    """A scorer that was trained on all ratings, with the weights of the same model that was trained on a part."""
    before, factors = measured.as_factors(), scorer.as_factors()
    if before is None or before.raters is None or factors is None or factors.raters is None:
        return scorer
    return replace(factors, raters=factors.raters.weighted(before.raters.weights))


def _weights(scorer: Factors, raters: Raters, valid: Interactions) -> Float64Array:
    """Of each group of items its weight."""
    return choose_weights(
        partial(scorer.rating_of, valid.user_idx),
        valid,
        scorer.score(valid.user_idx, valid.item_idx, valid.timestamp),
        raters.weighted(np.ones(N_WEIGHTS)).score(valid.user_idx, valid.item_idx),
        group_of(raters.n_ratings[valid.item_idx]),
        N_WEIGHTS,
        tried=WEIGHTS,
        expected=EXPECTED,
        std=STD,
    )
