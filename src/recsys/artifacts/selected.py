"""The parameters that a finished run keeps."""

from __future__ import annotations

from pathlib import Path

from recsys.artifacts.checkpoint import (
    LAST,
    LEARNER,
    MODEL,
    STATE_JSON,
    best_parameters,
    newest_checkpoint,
    open_checkpoint,
    read_states,
)
from recsys.artifacts.directory import CHECKPOINTS
from recsys.artifacts.manifest import CheckpointManifest, damaged
from recsys.artifacts.recorded import check_recorded
from recsys.artifacts.run_config import read_run_config
from recsys.artifacts.verified import check_layout
from recsys.config.plans import served_plans
from recsys.core.errors import RunError
from recsys.core.types import Arrays


def selected_parameters(run: Path, **sizes: int) -> tuple[dict[str, Arrays], CheckpointManifest]:
    """The parameters that a finished run keeps, by scorer and then by name, and the manifest of their checkpoint.

    Args:
        sizes: n_users and n_items of a finished run, which has all its scorers.
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
    for plan in served_plans(read_run_config(run)):
        if plan.scorer in kept:
            name = LEARNER if best_parameters(states[fits[plan.scorer]]) else MODEL
            check_layout(newest / name, kept[plan.scorer], plan.model.layout(), **sizes)
        elif sizes:
            raise damaged(checkpoint.json, f"it has no fit of {plan.scorer!r}")
    return kept, checkpoint.manifest
