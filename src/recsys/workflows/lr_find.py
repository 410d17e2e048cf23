"""The learning rate finder of the lesson: the rate rises exponentially in training, and the loss is watched."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from typing import Protocol, cast

import numpy as np

from recsys.config.plans import Plan, plans
from recsys.config.schema.compatibility import methods_with_schedule
from recsys.config.schema.config import Config
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import ConfigError
from recsys.core.events import Observer, Step, silent
from recsys.core.seeding import rng
from recsys.core.types import Float64Array, Json
from recsys.core.words import joined
from recsys.data.interactions import Dataset
from recsys.data.training_inputs import TrainingInputs
from recsys.training.build import build_learner
from recsys.training.groups import peak
from recsys.training.loop import Learner
from recsys.training.rates import AutoRates, highest, scaled
from recsys.training.schedule import Schedule, exponential
from recsys.training.settings import Scheduled
from recsys.workflows.inputs import prepare_inputs
from recsys.workflows.lr_trial import LrComparison, compare_rates, with_rate

FIRST, LAST = 1e-5, 10.0  # the rates that are tried
N_POINTS = 100
MOST_RATINGS = 1_000_000  # of train: more would move no suggestion
SMOOTHING = 0.9  # share of the loss so far in the smoothed one, from point to point; fastai's for few points
AROUND = 7  # points on either side that tell how steep the curve is: a factor of 2.6 in the rate
HOPELESS = 4.0  # times the least loss: then it has diverged
MARGIN = 3.0  # the range of good rates ends at the minimum divided by it
LITTLE = 0.05  # of the first loss: a fall that says nothing


class Rated(Protocol):
    """What has a learning rate."""

    schedule: Schedule


@dataclass(frozen=True)
class LrCurve:
    """What the loss was at each learning rate; the loss is 1 where every prediction is the mean rating.

    Attributes:
        lr: rising, of the layer group with the highest.
        loss: mean squared error over the ratings seen at about this rate, as they were seen, in units of the training
            ratings' variance.
        smoothed: its exponentially weighted mean.
        steepest: the rate at which the smoothed loss falls fastest.
        minimum: the rate at which it is least, where training is about to diverge.
    """

    lr: list[float]
    loss: list[float]
    smoothed: list[float]
    steepest: float
    minimum: float

    @property
    def fall(self) -> float:
        """By what share of the first loss the smoothed one falls."""
        return 1 - min(self.smoothed) / self.smoothed[0]

    @property
    def says_little(self) -> bool:
        """Whether the loss falls too little to tell a good rate from others."""
        return self.fall < LITTLE

    @property
    def range(self) -> tuple[float, float]:
        """Rates to choose from: from the steepest descent to a third of the rate at the minimum."""
        return self.steepest, max(self.steepest, self.minimum / MARGIN)


@dataclass(frozen=True)
class LrFinding:
    """A range of learning rates, and whether one of them is better than that of the config.

    Attributes:
        lr_max: the highest rate that the config trains with.
        auto: what `training.lr_max: auto` stands for with this data.
        is_auto: whether the config leaves it to that.
        comparison: where the config's rate is outside the range: with the nearest one in it and with auto; else None.
    """

    curve: LrCurve
    lr_max: float
    auto: float
    is_auto: bool
    comparison: LrComparison | None

    @property
    def is_in_range(self) -> bool:
        """Whether the config's rate is one of those to choose from."""
        low, high = self.curve.range
        return low <= self.lr_max <= high

    @property
    def suggestion(self) -> AutoRates | None:
        """A value of `training.lr_max` that was found to be better than the config's; None: there is none."""
        return None if self.comparison is None else self.comparison.suggestion

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        rates = self.suggestion
        return {
            "suggestion": [*rates] if isinstance(rates, tuple) else rates,
            "range": [*self.curve.range],
            "lr_max": self.lr_max,
            "auto": self.auto,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
            "fall": self.curve.fall,
            **asdict(self.curve),
        }


def lr_find(
    config: Config,
    observe: Observer = silent,
    *,
    data: Dataset | None = None,
    communicator: Communicator = ALONE,
) -> LrFinding:
    """Trains with rising rates until the loss is hopeless; nothing is kept.

    Where the rate of the config is not in the range that follows, fits on the same ratings tell whether the nearest
    one of the range, or auto, is better.

    Args:
        data: the ratings; None: those that the config names are read.
    Raises:
        ConfigError: the method has no learning rate, or the data has no ratings.
        DataError: the ratings cannot be used.
    """
    if not config.training.has_schedule:
        raise ConfigError(
            f"{config.training.method} has no learning rate",
            where="training.method",
            expected=joined(methods_with_schedule()),
        )
    if not config.data.has_ratings:
        raise ConfigError(
            "the data has no ratings, and recommendations are learned without a learning rate", where="data"
        )
    whole, plan = prepare_inputs(config, observe, communicator, data)[0], plans(config)[0]
    auto = peak(build_learner(with_rate(plan, "auto"), whole, communicator).groups)
    inputs = _sampled(whole, config.seed)
    curve = _range_test(plan, inputs, observe, communicator)
    given = _given(plan)
    found = LrFinding(curve, auto if given == "auto" else highest(given), auto, given == "auto", None)
    if found.is_in_range or curve.says_little:
        return found
    rates = [_nearest(found, given), *([] if found.is_auto else ["auto"])]
    return replace(found, comparison=compare_rates(plan, rates, inputs, observe, communicator))


def _given(plan: Plan) -> AutoRates:
    """The learning rate as the config has it."""
    return cast(Scheduled, plan.training).lr_max


def _nearest(found: LrFinding, given: AutoRates) -> AutoRates:
    """The rate of the range that is nearest to that of the config, in its notation and in two digits."""
    low, high = found.curve.range
    rate = float(f"{min(max(found.lr_max, low), high):.2g}")
    return rate if given == "auto" else scaled(given, rate / found.lr_max)


def _range_test(plan: Plan, inputs: TrainingInputs, observe: Observer, communicator: Communicator) -> LrCurve:
    learner = build_learner(plan, inputs, communicator)
    n_steps = len(_rated(learner).schedule.lr) // learner.n_epochs
    n_epochs = max(5, math.ceil(N_POINTS / n_steps))
    _rated(learner).schedule = exponential(n_epochs * n_steps, FIRST, LAST)
    return _curve(list(_points(learner, n_epochs, inputs.scale.std, observe)))


def _points(learner: Learner, n_epochs: int, unit: float, observe: Observer) -> Iterator[tuple[float, float]]:
    """(rate, loss) between two reports, until the loss is no number or hopeless."""
    least = math.inf
    for number in range(1, n_epochs + 1):
        steps: list[Step] = []

        def note(event: object, steps: list[Step] = steps) -> None:
            if isinstance(event, Step):
                steps.append(event)

        with np.errstate(over="ignore", invalid="ignore"):
            rmse = learner.epoch(number, note).train["rmse"]
        end = Step(number, n_epochs, learner.n_ratings, learner.n_ratings, 0.0, learner.n_ratings * (rmse / unit) ** 2)
        observe(replace(end, lr=steps[-1].lr))
        for before, after in zip(steps, [*steps[1:], end], strict=True):
            n = after.done - before.done
            if n:
                loss = (after.squares - before.squares) / n
                if not loss < HOPELESS * least:
                    return
                least = min(least, loss)
                yield before.lr, loss


def _curve(points: list[tuple[float, float]]) -> LrCurve:
    lr, loss = (np.array(column) for column in zip(*points, strict=True))
    before = float(loss[: 2 * AROUND].mean())  # at rates so small that they all see the same model
    smoothed = np.array(
        list(accumulate(loss, lambda mean, value: SMOOTHING * mean + (1 - SMOOTHING) * value, initial=before))
    )[1:]
    lowest = int(np.argmin(smoothed))
    slope = _slope(np.log(lr), smoothed)
    return LrCurve(
        lr=lr.tolist(),
        loss=loss.tolist(),
        smoothed=smoothed.tolist(),
        steepest=float(lr[int(np.argmin(slope[: lowest + 1]))]),
        minimum=float(lr[lowest]),
    )


def _slope(x: Float64Array, y: Float64Array) -> Float64Array:
    """That of the straight line through the points around each, so many that one noisy loss decides nothing."""
    around = [slice(max(0, n - AROUND), n + AROUND + 1) for n in range(len(x))]
    return np.array([np.polyfit(x[near], y[near], 1)[0] if len(x) > 1 else 0.0 for near in around])


def _rated(learner: Learner) -> Rated:
    return cast(Rated, learner)


def _sampled(inputs: TrainingInputs, seed: int) -> TrainingInputs:
    train = inputs.splits.train
    if len(train) <= MOST_RATINGS:
        return inputs
    rows = rng(seed, "lr-find").choice(len(train), MOST_RATINGS, replace=False)
    return replace(inputs, splits=replace(inputs.splits, train=train.take(rows)))
