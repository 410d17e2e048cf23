"""What several folds say together: means, spreads, and how much better the model is than a baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from recsys.core.types import Json

LEVEL = 0.95
Scores = Mapping[str, float]


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over folds."""

    mean: float
    std: float


@dataclass(frozen=True)
class PairedDifference:
    """Mean and standard deviation of differences in pairs, and the interval of the mean."""

    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True)
class FoldsSummary:
    """What folds say together.

    Attributes:
        model: of each metric.
        baselines: the same of each baseline.
        reference: the name of the baseline that the model is compared with.
        level: of the intervals of the differences.
        differences: of each metric, the model less the reference.
        counts: by name, added up.
    """

    model: Mapping[str, Spread]
    baselines: Mapping[str, Mapping[str, Spread]]
    reference: str
    level: float
    differences: Mapping[str, PairedDifference]
    counts: Mapping[str, float]

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes."""
        return {
            "model": _json(self.model),
            "baselines": {name: _json(spreads) for name, spreads in self.baselines.items()},
            "difference": {"to": self.reference, "level": self.level, **_json(self.differences)},
            **self.counts,
        }


def _json(metrics: Mapping[str, Spread | PairedDifference]) -> dict[str, Json]:
    return {name: {**vars(value)} for name, value in metrics.items()}


def summary(
    model: Sequence[Scores], baselines: Mapping[str, Sequence[Scores]], metrics: Sequence[str], reference: str
) -> FoldsSummary:
    """Mean and standard deviation over folds of the model and the baselines, and the model's difference to one of them.

    Args:
        model: of each fold, metrics and counts by name; at least two folds.
        baselines: the same of each baseline.
        metrics: the names of the metrics; names of counts begin with n_.
        reference: the name of the baseline that the model is compared with.
    """
    differences = {
        metric: [ours[metric] - theirs[metric] for ours, theirs in zip(model, baselines[reference], strict=True)]
        for metric in metrics
    }
    return FoldsSummary(
        model=_spread(model, metrics),
        baselines={name: _spread(scores, metrics) for name, scores in baselines.items()},
        reference=reference,
        level=LEVEL,
        differences={metric: paired(values) for metric, values in differences.items()},
        counts={count: sum(fold[count] for fold in model) for count in model[0] if count.startswith("n_")},
    )


def paired(differences: Sequence[float], level: float = LEVEL) -> PairedDifference:
    """Mean, standard deviation, and the paired t interval: mean ± t · std / √n with n − 1 degrees of freedom.

    Folds have training ratings in common, so their differences are less independent than the interval takes them to
    be: a rough guide.

    Source: Student 1908, "The Probable Error of a Mean"; Nadeau and Bengio 2003, "Inference for the Generalization
    Error", on folds that overlap.
    """
    n = len(differences)
    mean, std = fmean(differences), stdev(differences)
    half = t_quantile((1 + level) / 2, n - 1) * std / math.sqrt(n)
    return PairedDifference(mean, std, mean - half, mean + half)


def t_quantile(share: float, df: int) -> float:
    """The value below which Student's t with df degrees of freedom lies with probability `share`, at least ½.

    Source: Abramowitz and Stegun 1964, 26.7.3 and 26.7.4, by bisection.
    """
    low, high = 0.0, math.pi / 2  # θ = atan(t / √df)
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if (1 + _within(middle, df)) / 2 < share else (low, middle)
    return math.sqrt(df) * math.tan(low)


def _within(theta: float, df: int) -> float:
    """The probability that |t| ≤ √df · tan θ."""
    sine, cosine = math.sin(theta), math.cos(theta)
    is_odd = df % 2
    term, total = (cosine if is_odd else 1.0), 0.0
    for power in range(2 + is_odd, df + 1, 2):
        total += term
        term *= cosine * cosine * (power - 1) / power
    return 2 / math.pi * (theta + sine * total) if is_odd else sine * total


def _spread(folds: Sequence[Scores], metrics: Sequence[str]) -> dict[str, Spread]:
    values = {metric: [fold[metric] for fold in folds] for metric in metrics}
    return {metric: Spread(fmean(scores), stdev(scores)) for metric, scores in values.items()}
