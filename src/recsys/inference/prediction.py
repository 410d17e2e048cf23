"""A predicted rating with the parts of its score."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from recsys.artifacts.bundle import Bundle
from recsys.core.errors import RunError
from recsys.core.types import Indices, Json, Times


@dataclass(frozen=True)
class Interval:
    """Where a rating lies with the probability `level`, in rating units."""

    level: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """A predicted rating. The parts sum to the score, and rating = link(score).

    `from_features` names those of "user" and "item" that have no training ratings, and whose rows come from their
    features. `std` is how far ratings like this lie from their predictions; it comes with an interval, where one is
    asked for.
    """

    user_id: int | str
    item_id: int | str
    rating: float
    score: float
    link: str
    parts: dict[str, float]
    known_user: bool
    known_item: bool
    title: str | None
    std: float | None = None
    interval: Interval | None = None
    from_features: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; std and interval where they were asked for, from_features where there are any."""
        optional = {"std": self.std, "interval": self.interval, "from_features": self.from_features or None}
        content = {**asdict(self), "from_features": list(self.from_features)}
        return {name: value for name, value in content.items() if name not in optional or optional[name] is not None}


def interval_of(
    bundle: Bundle, user_idx: Indices, item_idx: Indices, level: float, timestamp: Times | None
) -> tuple[float, Interval]:
    """The std and the interval of one pair."""
    from recsys.inference.intervals import rate_with_intervals  # and with it evaluation: for who asks

    predicted = rate_with_intervals(bundle, level, user_idx, item_idx, timestamp)
    return float(predicted.std[0]), Interval(level, float(predicted.low[0]), float(predicted.high[0]))


def check_time(bundle: Bundle) -> None:
    """Refuses a time where predictions do not depend on it."""
    if bundle.drift is None:
        raise RunError(
            "the run's predictions do not depend on time",
            where=str(bundle.path),
            expected="a run that was trained by gibbs with model.user_drift: true",
            hint="leave the time out",
        )
