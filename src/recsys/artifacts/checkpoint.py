"""A learner's state on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from recsys.artifacts.directory import CHECKPOINTS
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.verified import VerifiedFolder, open_verified, reading, write_verified
from recsys.core.errors import RunError
from recsys.core.files import write_text
from recsys.core.types import Arrays, State

STATE_JSON = "state.json"
MODEL, LEARNER = "model.safetensors", "learner.safetensors"
LAST = "last"
MAX_CHECKPOINTS = 2
BEST = "best."  # goes before the names of the best parameters, where those are what the run keeps


def write_checkpoint(folder: Path, state: State, manifest: CheckpointManifest) -> None:
    """Writes `folder`/epoch-NNNN, names it in `folder`/last, and keeps the two newest.

    Args:
        manifest: which gets the epoch of the state.
    """
    name = f"epoch-{state.epoch:04d}"
    of_epoch = manifest.model_copy(update={"epoch": state.epoch})
    write_verified(folder / name, STATE_JSON, of_epoch, {MODEL: state.model, LEARNER: state.learner})
    write_text(folder / LAST, name + "\n")
    for old in checkpoints(folder)[:-MAX_CHECKPOINTS]:
        shutil.rmtree(old, ignore_errors=True)


def open_checkpoint(path: Path) -> VerifiedFolder[CheckpointManifest]:
    """A checkpoint whose json and sizes are in order."""
    return open_verified(path, STATE_JSON, CheckpointManifest)


def read_state(checkpoint: VerifiedFolder[CheckpointManifest]) -> State:
    """The state in a checkpoint, every file checked against its sha256."""
    return State(epoch=checkpoint.manifest.epoch, model=checkpoint.arrays(MODEL), learner=checkpoint.arrays(LEARNER))


def selected_parameters(run: Path) -> tuple[Arrays, CheckpointManifest]:
    """The parameters that a finished run keeps, by name, and the manifest of their checkpoint.

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
    checkpoint = open_checkpoint(newest)
    state = read_state(checkpoint)
    best = {name.removeprefix(BEST): array for name, array in state.learner.items() if name.startswith(BEST)}
    return best or state.model, checkpoint.manifest


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    folders = [path for path in folder.glob("epoch-*") if path.is_dir()]
    return sorted(folders, key=lambda path: _age(path.name))


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that `last` names, or None before the first one."""
    if not (folder / LAST).exists():
        return None
    with reading(folder / LAST):
        name = (folder / LAST).read_text(encoding="utf-8", errors="replace").strip()
    if folder / name not in checkpoints(folder):
        raise RunError(
            f"{LAST} names the checkpoint {name!r}, which is not there",
            where=str(folder / LAST),
            expected="the name of a checkpoint beside it",
            hint=way_on(folder),
        )
    return folder / name


def way_on(folder: Path, before: str | None = None) -> str:
    """What to do when a checkpoint cannot be used: go on from the newest one, or the newest `before` one."""
    older = [path.name for path in checkpoints(folder) if before is None or _age(path.name) < _age(before)]
    if not older:
        return "start a new run"
    return f"resume from the older one: recsys train --resume --run-dir {folder.parent} --checkpoint {older[-1]}"


def _age(name: str) -> tuple[int, str]:
    """What sorts epoch-9999 before epoch-10000."""
    return len(name), name
