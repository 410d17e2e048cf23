"""The objective `rating`: predicted ratings near the given ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from recsys.core.communicator import Communicator
from recsys.core.types import Array
from recsys.data.features.features import Features
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.bootstrap import PairedMetrics, resampled
from recsys.evaluation.intervals import carry_intervals, learn_intervals
from recsys.evaluation.metrics import Scores, errors, errors_on_first, scores_of, scores_of_first
from recsys.evaluation.rater_weights import carry_rater_weights, learn_rater_weights
from recsys.objectives.objective import Objective, Sample
from recsys.scoring.protocols import Scorer

FEW = 100_000  # training ratings, of which more may help


def _sample(held_out: Interactions, _seen: Interactions, _seed: int) -> Sample | None:
    ratings = held_out.rated()
    return Sample(ratings) if len(ratings) else None


def _evaluate(
    scorer: Scorer,
    held_out: Interactions,
    seen: Interactions,
    communicator: Communicator,
    _item_features: Features | None = None,
) -> Scores:
    ratings = held_out.rated().known_to(seen.rated())
    error = errors_on_first(scorer, ratings, communicator)
    return scores_of_first(None if error is None else scores_of(error, ratings), communicator)


def _advice(n_interactions: int) -> str:
    more = "more data" if n_interactions < FEW else "tuning (recsys tune)"
    return f"Fewer factors, more weight decay or {more} may help."


def _resample(
    scorers: Sequence[Scorer], held_out: Sequence[Interactions], _seen: Sequence[Interactions], user: Array
) -> PairedMetrics:
    """rmse and mae come from sums over the ratings of each user, so that a resample of users needs their sums alone."""
    error = np.stack([errors(scorer, ratings) for scorer, ratings in zip(scorers, held_out, strict=True)])
    _, group = np.unique(user, return_inverse=True)
    columns = [*np.square(error), *np.abs(error), np.ones(len(user))]
    sums = np.stack([np.bincount(group, column) for column in columns], axis=1)

    def metrics(totals: Array) -> dict[str, Array]:
        squares, absolutes, n = np.split(totals, [len(error), 2 * len(error)], axis=-1)
        return {"rmse": np.sqrt(squares / n), "mae": absolutes / n}

    return PairedMetrics(metrics(sums.sum(axis=0)), metrics(resampled(sums)), len(sums), len(user))


RATING = Objective(
    name="rating",
    metrics=("rmse", "mae"),
    direction="minimize",
    sample=_sample,
    evaluate=_evaluate,
    baselines={"global_mean": baselines.global_mean, "biases": baselines.biases},
    baseline_to_beat="biases",
    advice=_advice,
    resample=_resample,
    learn_intervals=learn_intervals,
    carry_intervals=carry_intervals,
    learn_from_valid=learn_rater_weights,
    carry_learned=carry_rater_weights,
)
