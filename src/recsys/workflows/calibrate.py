"""How long the parts of a fit take on this machine, told by doing a few seconds of each."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from recsys.config.plans import Plan
from recsys.core.communicator import ALONE
from recsys.core.events import Event, Step
from recsys.data.training_inputs import TrainingInputs
from recsys.objectives.specs import find_objective
from recsys.training.build import build_learner
from recsys.training.loop import Learner
from recsys.workflows.fit_plan import evaluation_interval

LONGEST_SECONDS = 5.0  # of training that is measured
MOST_EPOCHS = 3  # the first one is slower: it touches the memory, and compiles what is not in the cache
MOST_EVALUATED = 1_000_000  # held-out interactions


@dataclass(frozen=True)
class Seconds:
    """Of work: on the clock, and of CPU time of all threads."""

    wall: float = 0.0
    cpu: float = 0.0

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def __mul__(self, times: float) -> Seconds:
        return Seconds(self.wall * times, self.cpu * times)


class Watch:
    """Runs from when it is made."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> Seconds:
        """What has passed."""
        return Seconds(time.perf_counter() - self._wall, time.process_time() - self._cpu)


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A learner that has been tried, and how long its fit takes.

    Attributes:
        build: sorting the interactions, and what `auto` asks for.
        fastest, slowest: an epoch.
        evaluations: looks at valid between epochs, and the scores at the end; without baselines.
        baselines: their scores at the end, if they take as long as those of the scorer.
    """

    learner: Learner
    build: Seconds
    fastest: Seconds
    slowest: Seconds
    evaluations: Seconds
    baselines: Seconds

    @property
    def least(self) -> Seconds:
        """The whole fit, if all goes well."""
        return self.build + self.fastest * self.learner.n_epochs + self.evaluations

    @property
    def most(self) -> Seconds:
        """The whole fit at the pace of the slowest epoch."""
        return self.build + self.slowest * self.learner.n_epochs + self.evaluations + self.baselines


def calibrate(plan: Plan, inputs: TrainingInputs) -> Calibrated:
    """Trains a scorer for a few seconds and evaluates it on a part of what is held out."""
    watch = Watch()
    learner = build_learner(plan, inputs, ALONE)
    build = watch.read()
    epochs = _epochs(learner)
    evaluations, baselines = _evaluations(plan, learner, inputs)
    fastest, slowest = (choose(epochs, key=lambda epoch: epoch.wall) for choose in (min, max))
    return Calibrated(learner, build, fastest, slowest, evaluations, baselines)


def _epochs(learner: Learner) -> list[Seconds]:
    """A few whole epochs, or one that is told by a part of it."""
    watch, epochs = Watch(), list[Seconds]()
    for number in range(1, min(MOST_EPOCHS, learner.n_epochs) + 1):
        epochs.append(_epoch(learner, number))
        if watch.read().wall * (number + 1) / number > LONGEST_SECONDS:
            break
    return epochs[1:] or epochs


class _Enough(Exception):  # noqa: N818 -- not an error
    """An epoch has run for long enough to know its speed."""


def _epoch(learner: Learner, number: int) -> Seconds:
    """An epoch, measured on all of it or on as much as fits the limit."""
    watch, share = Watch(), 1.0

    def stop(event: Event) -> None:
        nonlocal share
        if isinstance(event, Step) and event.done and watch.read().wall > LONGEST_SECONDS:
            share = event.done / event.total
            raise _Enough

    with contextlib.suppress(_Enough):
        learner.epoch(number, stop)
    return watch.read() * (1 / share)


def _evaluations(plan: Plan, learner: Learner, inputs: TrainingInputs) -> tuple[Seconds, Seconds]:
    """Of the scorer in the whole fit, and of the baselines at its end."""
    objective, splits = find_objective(plan.objective), inputs.splits
    parts = {"valid": splits.valid, "test": splits.test}
    samples = {name: objective.sample(part, inputs.seen, plan.seed) if part else None for name, part in parts.items()}
    sizes = {name: len(sample.interactions) if sample else 0 for name, sample in samples.items()}
    largest = max((sample for sample in samples.values() if sample), key=lambda s: len(s.interactions), default=None)
    if largest is None:
        return Seconds(), Seconds()
    part = largest.interactions.take(slice(0, MOST_EVALUATED))
    scorer, watch = learner.scorer(), Watch()
    objective.evaluate(scorer, part, inputs.seen, ALONE)
    each = watch.read() * (1 / len(part))
    interval = evaluation_interval(plan.training, learner, splits) if sizes["valid"] else None
    n_looks = 0 if interval is None else -(-learner.n_epochs // interval)
    n_baselines = len(objective.baselines) + len(objective.also_measured)
    of_scorer = (n_looks + 1) * sizes["valid"] + sizes["test"]
    return each * of_scorer, each * (n_baselines * (sizes["test"] or sizes["valid"]))
