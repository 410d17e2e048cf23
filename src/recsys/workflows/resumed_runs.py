"""Runs side by side in one folder after an interruption: which are finished, and whether they are the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from recsys.artifacts.checkpoint import newest_checkpoint, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG
from recsys.artifacts.metrics import RunMetrics, read_metrics
from recsys.artifacts.run_config import check_same_config
from recsys.config.schema.config import Config
from recsys.core.errors import RunError
from recsys.core.words import joined
from recsys.data.features.read import feature_fingerprints
from recsys.data.interactions import Dataset
from recsys.data.read import fingerprints

NEXT = "repeat the command as it was, or choose another --run-dir"


def finished_runs(configs: Mapping[str, Config], folder: Path, data: Dataset | None) -> dict[str, RunMetrics]:
    """The metrics of the runs in a folder that are finished, by name.

    Args:
        configs: name → what to do, of all runs.
        data: what all train on; None: what each config names.
    Raises:
        RunError: a run is of another config or of other data, which names both values; or is none of these; or the
            folder is a run itself.
    """
    if (folder / CONFIG).exists():
        raise RunError(
            "this is a run", where=str(folder), expected="a folder for the runs", hint="choose another --run-dir"
        )
    begun = {path.parent.name for path in folder.glob(f"*/{CONFIG}")}
    current: dict[str, dict[str, str]] = {}
    for name, config in configs.items():
        if name in begun:
            _check_config(folder / name, config)
            _check_data(folder / name, config, data, current)
    if others := sorted(begun.difference(configs)):
        raise RunError(
            f"the folder holds other runs: {joined(others, 'and')}",
            where=str(folder),
            expected=f"none but {joined(configs, 'and')}",
            hint=NEXT,
        )
    metrics = {name: read_metrics(folder / name) for name in configs if name in begun}
    return {name: of_run for name, of_run in metrics.items() if of_run is not None}


def _check_config(run: Path, config: Config) -> None:
    try:
        check_same_config(run, config)
    except RunError as error:
        error.hint = NEXT
        raise


def _check_data(run: Path, config: Config, data: Dataset | None, current: dict[str, dict[str, str]]) -> None:
    """Compares the data with that of a checkpoint, by content.

    Args:
        current: the checksums of what configs name, which are computed once.
    """
    checkpoint = newest_checkpoint(run / CHECKPOINTS)
    if checkpoint is None:
        return
    before = open_checkpoint(checkpoint).manifest.data
    key = str((config.data.files, config.data.items, config.data.item_features, config.data.user_features))
    if key not in current:
        ratings = fingerprints(config.data) if data is None else data.identify()
        current[key] = {**ratings, **feature_fingerprints(config.data, {} if data is None else data.frames)}
    for part, checksum in current[key].items():
        if before.get(part) != checksum:
            raise RunError(
                f"the data changed since the run was started: sha256 of {part}: {before.get(part)} → {checksum}",
                where=str(run),
                expected="the same bytes",
                hint=NEXT,
            )
