"""A predicted rating with the parts of its score."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from recsys.core.types import Json


@dataclass(frozen=True)
class Interval:
    """Where a rating lies with the probability `level`, in rating units."""

    level: float
    low: float
    high: float


@dataclass(frozen=True)
class Prediction:
    """A predicted rating. The parts sum to the score, and rating = link(score).

    `std` is how far ratings like this lie from their predictions; it comes with an interval, where one is asked for.
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

    def to_dict(self) -> dict[str, Json]:
        """As a dict that json takes; without std and interval where none was asked for."""
        optional = {"std": self.std, "interval": self.interval}
        return {name: value for name, value in asdict(self).items() if name not in optional or value is not None}
