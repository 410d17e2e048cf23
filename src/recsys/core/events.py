"""What observers are told while work goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Loading:
    """A file is being read. `total_bytes` is its size on disk; `done_bytes` how much of that has been read."""

    path: Path
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True)
class FitStart:
    """The fit of a scorer begins, the `position`-th of `n_fits`; `trained_on`: "train", or "all" in a refit."""

    scorer: str
    position: int
    n_fits: int
    trained_on: str = "train"


@dataclass(frozen=True)
class Step:
    """Somewhere inside an epoch: `done` of `total` ratings have been seen.

    `squares` is the sum of their squared errors as they were seen, in units of the training ratings' variance, where
    the method has one.
    """

    epoch: int
    n_epochs: int
    done: int
    total: int
    lr: float
    squares: float = 0.0


@dataclass(frozen=True)
class Scoring:
    """`done` of `total` users or pairs have been scored."""

    done: int
    total: int


@dataclass(frozen=True)
class Exporting:
    """`done` of `total` rows of users and items have been written or indexed."""

    done: int
    total: int


@dataclass(frozen=True)
class EpochResult:
    """What one pass over the training ratings gave: metrics as the parameters moved, and the last learning rate."""

    train: Mapping[str, float]
    lr: float


@dataclass(frozen=True)
class Epoch:
    """A finished epoch.

    Attributes:
        train: the learner's own metrics by name, as the parameters moved.
        seconds: inside Learner.epoch: no evaluation, no checkpoint.
        valid: the objective's metrics on the validation set, the deciding one first; None where it was not evaluated.
    """

    number: int
    n_epochs: int
    lr: float
    train: Mapping[str, float]
    seconds: float
    ratings_per_second: float
    valid: Mapping[str, float] | None = None


@dataclass(frozen=True)
class RunsProgress:
    """Runs are under way side by side: `done` of `total`, with the share that is done of those not finished.

    `message` is a line about one that has just finished.
    """

    done: float
    total: int
    message: str = ""


@dataclass(frozen=True)
class Note:
    """A sentence that the user should know before the work begins."""

    text: str


Event = Loading | FitStart | Step | Scoring | Exporting | Epoch | RunsProgress | Note
Observer = Callable[[Event], None]


def silent(_: Event) -> None:
    """The observer that shows nothing."""
