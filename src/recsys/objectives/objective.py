"""What a model is trained for, as data: which metrics, which of them decides, and which baselines it has to beat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from recsys.core.communicator import Communicator
    from recsys.core.types import Array
    from recsys.data.features.features import Features
    from recsys.data.interactions import Interactions
    from recsys.data.training_inputs import TrainingInputs
    from recsys.evaluation.bootstrap import PairedMetrics
    from recsys.evaluation.intervals import Intervals
    from recsys.evaluation.metrics import Scores
    from recsys.scoring.protocols import Ranker
    from recsys.scoring.uncertainty import Samples


@dataclass(frozen=True, eq=False)
class Sample:
    """The held-out interactions that a scorer is measured by.

    Attributes:
        counts: by name, of what they were drawn from.
    """

    interactions: Interactions
    counts: Mapping[str, int] = field(default_factory=dict)


class Evaluate(Protocol):
    """Measures a scorer on held-out interactions."""

    def __call__(
        self,
        scorer: Any,
        held_out: Interactions,
        seen: Interactions,
        communicator: Communicator,
        item_features: Features | None = None,
        /,
    ) -> Scores:
        """Metrics and counts, on each rank those of all; of features, what is worth saying of them beside."""


@dataclass(frozen=True)
class Objective:
    """One thing that a scorer can be good at. Its functions take scorers of the kind that is trained for it.

    Attributes:
        name: its key in OBJECTIVES.
        metrics: names of those that tables and the history show; by the first an epoch, a trial or a run is better
            than another.
        direction: whether that one is better when it is lower or when it is higher.
        optional_metrics: names of those that tables show too, where there is something to measure them on.
        sample: (held-out interactions, seen interactions, seed) → those that a run is measured by at its end, in a time
            that does not grow with the data; None where there is nothing to measure by.
        evaluate: how a scorer is measured.
        baselines: name → (seen interactions → scorer that needs no learning).
        also_measured: names of other scorers of a run that are measured beside the one that is trained for it.
        baseline_to_beat: the name of the baseline that tables show first, and that most models have to beat.
        advice: (training interactions) → what may help a model that does not beat its baselines.
        learn_intervals: (scorer, its samples or None, what it was trained on) → what is known of how far the truth lies
            from its predictions; None where predictions have no intervals.
        carry_intervals: (those of a model that was measured; scorer, samples and inputs of the same model on all
            interactions) → those of the latter.
        learn_from_valid: (scorer, what it was trained on) → the scorer, with what it learns of validation ratings.
        carry_learned: (a scorer that was measured, the same model on all interactions) → the latter, with what the
            former has learned of validation ratings.
        resample: (scorers; held-out interactions of each, in one order for all; seen interactions of each; a number
            for the user of each held-out interaction) → metrics of each scorer, and of each on resampled users.
    """

    name: str
    metrics: tuple[str, ...]
    direction: Literal["minimize", "maximize"]
    sample: Callable[[Interactions, Interactions, int], Sample | None]
    evaluate: Evaluate
    baselines: Mapping[str, Callable[[Interactions], Ranker]]
    baseline_to_beat: str
    advice: Callable[[int], str]
    resample: Callable[[Sequence[Any], Sequence[Interactions], Sequence[Interactions], Array], PairedMetrics]
    optional_metrics: tuple[str, ...] = ()
    also_measured: tuple[str, ...] = ()
    learn_intervals: Callable[[Any, Samples | None, TrainingInputs], Intervals | None] | None = None
    carry_intervals: Callable[[Intervals, Any, Samples | None, TrainingInputs], Intervals] | None = None
    learn_from_valid: Callable[[Any, TrainingInputs], Any] | None = None
    carry_learned: Callable[[Any, Any], Any] | None = None

    @property
    def deciding_metric(self) -> str:
        """The metric by which one model is better than another."""
        return self.metrics[0]

    def value(self, metrics: Mapping[str, float]) -> float:
        """The deciding metric among others."""
        return metrics[self.deciding_metric]

    def cost(self, value: float) -> float:
        """A value of the deciding metric, with the sign that makes lower better."""
        return value if self.direction == "minimize" else -value
