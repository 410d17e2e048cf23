"""The parameters that a finished run keeps."""

from __future__ import annotations

from pathlib import Path

from recsys.artifacts.checkpoint import (
    LAST,
    STATE_JSON,
    best_parameters,
    newest_checkpoint,
    open_checkpoint,
    read_states,
)
from recsys.artifacts.directory import CHECKPOINTS
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.recorded import check_recorded
from recsys.core.errors import RunError
from recsys.core.types import Arrays


def selected_parameters(run: Path) -> tuple[dict[str, Arrays], CheckpointManifest]:
    """The parameters that a finished run keeps, by scorer and then by name, and the manifest of their checkpoint.

    Raises:
        RunError: the run has no checkpoint, or a damaged one.
    """
    newest = newest_checkpoint(run / CHECKPOINTS)
    if newest is None:
        raise RunError(
            "the run has no checkpoint",
            where=str(run),
            expected="a whole run: a copy of its serving folder holds no parameters to go on from",
            hint="recsys runs lists the runs",
        )
    check_recorded(run, f"{CHECKPOINTS}/{LAST}", f"{CHECKPOINTS}/{newest.name}/{STATE_JSON}")
    checkpoint = open_checkpoint(newest)
    fits = checkpoint.manifest.served_fits
    states = read_states(checkpoint, fits.values())
    kept = {scorer: best_parameters(states[fit]) or states[fit].model for scorer, fit in fits.items()}
    return kept, checkpoint.manifest
