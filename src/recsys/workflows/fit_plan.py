"""One plan of a run: its learner trained, recorded and served."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import cast

from recsys.artifacts.fit_record import FitRecord
from recsys.artifacts.run import Run
from recsys.artifacts.write_bundle import ServedScorer
from recsys.config.plans import Plan
from recsys.core.collectives import gather_state
from recsys.core.communicator import Communicator
from recsys.core.errors import RunError, StoppedError
from recsys.core.events import Epoch, FitStart, Observer
from recsys.core.threads import one_blas_thread
from recsys.core.types import Counts, State
from recsys.data.features.kind import Role
from recsys.data.split import Splits
from recsys.data.training_inputs import TrainingInputs
from recsys.evaluation.intervals import Intervals
from recsys.objectives.measure import StartMeasured, measure_start
from recsys.objectives.objective import Objective
from recsys.objectives.specs import find_objective
from recsys.scoring.factors.scorer import factors_of
from recsys.scoring.feature_prior.fit import fit_priors
from recsys.scoring.protocols import DividedScorer, TrainedScorer
from recsys.training.affinities import with_affinities
from recsys.training.build import build_learner
from recsys.training.finite import solvable
from recsys.training.groups import Group
from recsys.training.loop import Learner, RankLearner, fit
from recsys.training.settings import Method
from recsys.workflows.featured_rows import Shares, draw_rows_to_features
from recsys.workflows.stop import EpochEnder


@dataclass(frozen=True, eq=False)
class FittedPlan:
    """A plan that is done.

    Attributes:
        state: the last one, for checkpoints of the scorers that come after it.
        n_ratings: that an epoch sees.
        start: the scores before training, where they were measured.
        shares: of rows that features tell, see draw_rows_to_features.
    """

    plan: Plan
    record: FitRecord
    state: State
    served: ServedScorer
    groups: tuple[Group, ...]
    n_ratings: int
    start: StartMeasured | None
    shares: Shares


@one_blas_thread()
def fit_plan(
    plan: Plan,
    run: Run,
    inputs: TrainingInputs,
    finished: Mapping[str, State],
    observe: Observer,
    communicator: Communicator,
    *,
    begins: FitStart,
    measured: FittedPlan | None = None,
    measures_start: bool = False,
) -> FittedPlan:
    """Trains one scorer.

    Args:
        finished: the last states of the fits before it, by name.
        begins: what observers are told where epochs are left to train, after a resume perhaps none.
        measured: the fit that was measured, where this one is on all ratings; its intervals are carried over.
        measures_start: whether to measure the scorer before it is trained.
    """
    objective = find_objective(plan.objective)
    learner = build_learner(plan, inputs, communicator)
    start = measure_start(objective, learner.scorer(), inputs, plan.seed, communicator) if measures_start else None
    run.open(inputs, plan, learner.settings())
    record = FitRecord(run, plan.name, objective, plan.training, finished)
    last = _fit(record, learner, inputs, observe, communicator, begins)
    selected = record.selected_state(last)
    if selected is not last:
        learner.restore(gather_state(selected, communicator))
    with solvable():
        scorer = _after_training(objective, learner.scorer(), inputs, measured)
        learned = inputs.seen if scorer.as_rating() is None else inputs.seen_ratings
        counts: dict[Role, Counts] = {"user": learned.user_counts, "item": learned.item_counts}
        priors = fit_priors(scorer, counts, inputs.ids, inputs.features)
        if "item" in priors:
            scorer = with_affinities(scorer, priors["item"], inputs)
        shares: Shares = {}
        if run.config.data.features_for == "all" and (factors := factors_of(scorer)) is not None:
            before = None if measured is None else measured.shares
            factors, shares = draw_rows_to_features(factors, priors, inputs, observe, before)
            scorer = _after_training(objective, factors, inputs, measured)
        with inputs.read_by_first():
            intervals = _intervals(objective, scorer, learner, inputs, measured) if run.is_writer else None
    served = ServedScorer(plan.model.kind, scorer, intervals, priors=priors)
    return FittedPlan(plan, record, record.whole(last), served, learner.groups, learner.n_ratings, start, shares)


def _after_training(
    objective: Objective, scorer: TrainedScorer, inputs: TrainingInputs, measured: FittedPlan | None
) -> TrainedScorer:
    """The scorer, with what validation ratings tell of it, where the objective has such a thing."""
    if measured is None:
        return objective.learn_from_valid(scorer, inputs) if objective.learn_from_valid else scorer
    return objective.carry_learned(measured.served.scorer, scorer) if objective.carry_learned else scorer


def _intervals(
    objective: Objective,
    scorer: TrainedScorer,
    learner: Learner,
    inputs: TrainingInputs,
    measured: FittedPlan | None,
) -> Intervals | None:
    """What is known of how far the truth lies from predictions, where the objective has such a thing."""
    if measured is None:
        return objective.learn_intervals and objective.learn_intervals(scorer, learner.samples, inputs)
    known, carry = measured.served.intervals, objective.carry_intervals
    return None if known is None or carry is None else carry(known, scorer, learner.samples, inputs)


def _fit(
    record: FitRecord,
    learner: Learner,
    inputs: TrainingInputs,
    observe: Observer,
    communicator: Communicator,
    begins: FitStart,
) -> State:
    """Trains, from where the record stands to its end, and returns the last state."""
    splits, n_done = inputs.splits, record.restore(learner)
    valid = record.objective.sample(splits.valid, inputs.seen, record.run.config.seed) if splits.valid else None
    communicator.barrier()  # before a checkpoint is written, all have read the last one
    if n_done < learner.n_epochs and not record.should_stop:
        observe(begins)
    observe = EpochEnder(observe)
    epochs = fit(learner, after=n_done, observe=observe)
    while not record.should_stop and (epoch := next(epochs, None)):
        if valid is not None and is_evaluated(epoch, record.settings, learner, splits):
            scorer = _scorer_of_rank(learner, communicator)
            scores = record.objective.evaluate(scorer, valid.interactions, inputs.seen, communicator)
            epoch = replace(epoch, valid={name: scores.metrics[name] for name in record.objective.metrics})
        record.add(epoch, learner.state)
        with _saved_if_stopped(record, learner, communicator):
            observe(epoch)
    last = learner.state(record.n_epochs)
    record.save(last)
    return last


def _scorer_of_rank(learner: Learner, communicator: Communicator) -> TrainedScorer | DividedScorer:
    return learner.scorer() if communicator.size == 1 else cast(RankLearner, learner).divided_scorer()


@contextmanager
def _saved_if_stopped(record: FitRecord, learner: Learner, communicator: Communicator) -> Iterator[None]:
    """Writes a checkpoint where a person or the system stops the training; several ranks have their last one."""
    try:
        yield
    except StoppedError:
        if communicator.size == 1:
            with suppress(RunError):  # a full disk: there is an older one
                record.save(learner.state(record.n_epochs))
        raise


def is_evaluated(epoch: Epoch, training: Method, learner: Learner, splits: Splits) -> bool:
    """Whether the epoch is one to look at valid after; auto keeps evaluating below training in time."""
    every = evaluation_interval(training, learner, splits)
    return every is not None and (epoch.number == epoch.n_epochs or epoch.number % every == 0)


def evaluation_interval(training: Method, learner: Learner, splits: Splits) -> int | None:
    """Epochs between looks at valid; None: there are none."""
    if training.evaluate_every != "auto":
        return training.evaluate_every
    # auto goes by counts, not by the clock, so that the history is the same every time
    return math.ceil(learner.evaluation_cost * len(splits.valid or ()) / len(splits.train))
