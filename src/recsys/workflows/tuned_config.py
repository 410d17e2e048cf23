"""The file that a tuned config is written to."""

from __future__ import annotations

from pathlib import Path

from recsys.config.loading.dump import dump
from recsys.core.errors import RunError
from recsys.core.files import write_text
from recsys.workflows.tune import Tuned

WRITTEN_BY = "# Written by recsys tune"


def check_output(path: Path) -> None:
    """Refuses to replace a file that tuning has not written.

    Raises:
        RunError: there is one.
    """
    if path.exists() and not (path.is_file() and path.read_text("utf-8", "replace").startswith(WRITTEN_BY)):
        raise RunError(
            "there is a file already",
            where=str(path),
            expected="a new file, or one that recsys tune has written",
            hint="choose another --output",
        )


def write_tuned(path: Path, tuned: Tuned, storage: str) -> None:
    """Writes the best config, with a first line that says how it was found.

    Raises:
        RunError: it cannot be written.
    """
    metric, n_trials = tuned.objective.deciding_metric, tuned.n_trials
    about = f"{WRITTEN_BY}: valid {metric} {tuned.best.metric:.4f} after {n_trials} trials ({storage})\n"
    write_text(path, about + dump(tuned.config))
