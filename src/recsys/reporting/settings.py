"""How a run was trained: the section of a report on its split, its seed and its hyperparameters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

from recsys.artifacts.checkpoint import newest_checkpoint, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, METRICS
from recsys.artifacts.run_config import read_run_config
from recsys.config.schema.data import Data
from recsys.config.schema.split import Split
from recsys.core.types import Json


class Settings(TypedDict):
    """What the run's config and its checkpoints say.

    Attributes:
        split: in words.
        finished: when its metrics were written, in UTC.
        hyperparameters: of each scorer that is served, by key of the config, with `auto` resolved.
    """

    seed: int
    split: str
    finished: str
    hyperparameters: dict[str, dict[str, Json]]


def settings(run: Path | None) -> Settings | None:
    """The settings of a run; None where the serving folder lies alone."""
    newest = None if run is None else newest_checkpoint(run / CHECKPOINTS)
    if run is None or newest is None:
        return None
    config, manifest = read_run_config(run), open_checkpoint(newest).manifest
    written = datetime.fromtimestamp((run / METRICS).stat().st_mtime, UTC)
    return {
        "seed": config.seed,
        "split": _split_in_words(config.split, config.data),
        "finished": f"{written:%Y-%m-%d %H:%M} UTC",
        "hyperparameters": {
            scorer: dict[str, Json](manifest.fits[fit].training) for scorer, fit in manifest.served_fits.items()
        },
    }


def _split_in_words(split: Split, data: Data) -> str:
    parts = [
        f"{name} {'in a file' if given is not None else f'{fraction:.0%}'}"
        for name, given, fraction in (
            ("validation", data.valid, split.valid_fraction),
            ("test", data.test, split.test_fraction),
        )
        if given is not None or fraction
    ]
    method = f"fold {split.fold} of {split.n_folds}" if split.fold is not None else split.method.replace("_", " ")
    return ", ".join([method, *parts]) if parts else "nothing held out"
