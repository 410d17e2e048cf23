"""What tuning has found, and the file that the best config is written to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recsys.artifacts.outputs import is_replaceable, write_output
from recsys.config.loading.dump import dump
from recsys.config.loading.edit import edited_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.types import Json
from recsys.objectives.objective import Objective

WRITTEN_BY = "# Written by recsys tune"


@dataclass(frozen=True)
class Best:
    """The best candidate: a trial with its values, or the config as it is (trial None, no values)."""

    trial: int | None
    metric: float
    values: dict[str, Json]


@dataclass(frozen=True)
class Tuned:
    """The config that is best on the validation set, and what was tried.

    Attributes:
        n_ratings: in the validation set.
        as_it_is: the deciding metric that the config reaches without changes.
        baseline: that of the baseline to beat.
    """

    config: Config
    objective: Objective
    n_trials: int
    n_pruned: int
    n_failed: int
    n_ratings: int
    as_it_is: float
    baseline: float
    best: Best

    @property
    def is_better(self) -> bool:
        """Whether a trial beat the config as it is."""
        return self.best.trial is not None

    def to_dict(self) -> dict[str, Json]:
        """All but the config, as a dict that json takes."""
        best: dict[str, Json] = {
            "trial": self.best.trial,
            self.objective.deciding_metric: self.best.metric,
            "values": self.best.values,
        }
        counts = {key: getattr(self, key) for key in ("n_trials", "n_pruned", "n_failed", "n_ratings")}
        return {
            "objective": self.objective.name,
            **counts,
            "as_it_is": self.as_it_is,
            self.objective.baseline_to_beat: self.baseline,
            "best": best,
        }


def check_output(path: Path) -> None:
    """Refuses to replace a file that tuning has not written.

    Raises:
        RunError: there is one.
    """
    if path.exists() and is_replaceable(path) and not path.read_text("utf-8", "replace").startswith(WRITTEN_BY):
        raise RunError(
            "there is a file already",
            where=str(path),
            expected="a new file, or one that recsys tune has written",
            hint="choose another --output",
        )


def write_tuned(path: Path, tuned: Tuned, storage: str, source: Path | None) -> None:
    """Writes the best config, with a first line that says how it was found.

    Args:
        source: the file that the config was read from, whose comments and relative paths stay.
    Raises:
        RunError: it cannot be written.
    """
    metric, n_trials = tuned.objective.deciding_metric, tuned.n_trials
    about = f"{WRITTEN_BY}: valid {metric} {tuned.best.metric:.4f} after {n_trials} trials ({storage})\n"
    text = dump(tuned.config) if source is None else edited_config(source, tuned.config, path)
    first, _, rest = text.partition("\n")
    write_output(path, about + (rest if first.startswith(WRITTEN_BY) else text))
