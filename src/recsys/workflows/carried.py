"""A scorer that stays as the earlier run trained it, on the users and items of a run that starts from that one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.artifacts.bundle import open_bundle
from recsys.artifacts.entity_counts import EntityCounts
from recsys.artifacts.run import Run
from recsys.artifacts.selected import selected_parameters
from recsys.artifacts.write_bundle import ServedScorer
from recsys.config.plans import served_plans
from recsys.config.schema.config import Config
from recsys.core.resolve import resolve
from recsys.core.types import Array, Arrays, Counts, Indices, State
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import Intervals
from recsys.evaluation.residual_variance import ResidualVariance
from recsys.models.specs import MODELS
from recsys.scoring.factors.scorer import Factors
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.uncertainty import Samples


@dataclass(frozen=True, eq=False)
class CarriedScorer:
    """A scorer that is not trained here, and the state that checkpoints keep of it."""

    served: ServedScorer
    state: State


def carry_scorers(config: Config, run: Run, inputs: TrainingInputs) -> dict[str, CarriedScorer]:
    """By name, the scorers of the run to start from that `start.only` leaves as they are; opens the run for them.

    New users and items get what an unknown id gets.

    Raises:
        RunError: the scorer of ratings is no dot product, and so cannot be on more users and items.
    """
    start, warm = config.start, inputs.warm_start
    if start is None or start.only is None or warm is None or not config.data.has_ratings:
        return {}
    bundle = open_bundle(start.run)
    rows = warm.rows
    factors = bundle.factors.with_rows(rows["user"], rows["item"])
    entry, (_, manifest) = bundle.manifest.scorers["rating"], selected_parameters(start.run, **bundle.sizes)
    extend = MODELS[entry.model].extend
    assert extend is not None, "every dot product has one"
    parameters: Arrays = resolve(extend)(config.model, inputs, factors)
    intervals = None if bundle.intervals is None else _intervals_on_new_rows(bundle.intervals, rows, factors)
    counts = bundle.counts["rating"]
    known = EntityCounts(_counts(counts.users, rows["user"]), _counts(counts.items, rows["item"]))
    priors = fit_priors(factors, {"user": known.users, "item": known.items}, inputs.ids, inputs.features)
    plan = next(plan for plan in served_plans(config) if plan.name == "rating")
    run.open(inputs, plan, manifest.fits[manifest.served_fits["rating"]].training)
    return {
        "rating": CarriedScorer(ServedScorer(entry.model, factors, intervals, known, priors), State(0, parameters, {}))
    }


def _intervals_on_new_rows(intervals: Intervals, rows: Mapping[str, Indices], factors: Factors) -> Intervals:
    user, item = rows["user"], rows["item"]
    samples, variance = intervals.samples, intervals.residual_variance
    if samples is not None:
        of_rows = _take(samples.user_rows, user, axis=1), _take(samples.item_rows, item, axis=1)
        noise = _take(samples.user_noise, user), _take(samples.item_noise, item)
        samples = Samples(samples.unit, samples.noise, *of_rows, *noise)
    if variance is not None:
        variance = ResidualVariance(_take(variance.user, user), _take(variance.item, item))
    counts = _counts(intervals.user_counts, user), _counts(intervals.item_counts, item)
    return Intervals(samples, intervals.calibration, *counts, variance, factors.drift)


def _take(array: Array, rows: Indices, axis: int = 0) -> Array:
    """The rows, and last the one that stands for the unknown, which a row −1 gets too."""
    return np.take(array, np.append(rows, -1), axis=axis)


def _counts(counts: Counts, rows: Indices) -> Counts:
    return np.append(counts, 0)[rows]
