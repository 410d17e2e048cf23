"""The states of a run's learners on disk."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from recsys.artifacts.divided import write_divided
from recsys.artifacts.manifest import CheckpointManifest
from recsys.artifacts.verified import VerifiedFolder, check_layout, open_verified, reading
from recsys.core.communicator import ALONE, Communicator
from recsys.core.errors import RunError
from recsys.core.files import remove_folder, write_text
from recsys.core.layout import StateLayout
from recsys.core.regular import read_regular
from recsys.core.types import Arrays, State
from recsys.core.words import shell_word

STATE_JSON = "state.json"
MODEL, LEARNER = "model.safetensors", "learner.safetensors"
LAST = "last"
MOST_LAST = 1000  # bytes
MAX_CHECKPOINTS = 2
BEST = "best."  # goes before the names of the best parameters, where those are what the run keeps


def write_checkpoint(
    folder: Path, states: Mapping[str, State], manifest: CheckpointManifest, communicator: Communicator = ALONE
) -> None:
    """Writes `folder`/epoch-NNNN, names it in `folder`/last, and keeps the two newest; all ranks call this.

    NNNN counts the epochs of all fits, which is the number of lines in the history.

    Args:
        states: of the fits so far, by name; those names go before the names of their arrays.
        manifest: which gets their epochs; that of rank 0 is written.
        communicator: ranks write their own rows of what is divided among them, and rank 0 all else.
    """
    epochs = {fit: state.epoch for fit, state in states.items()}
    name = f"epoch-{sum(epochs.values()):04d}"
    arrays = {
        MODEL: _with_names({fit: state.model for fit, state in states.items()}),
        LEARNER: _with_names({fit: state.learner for fit, state in states.items()}),
    }
    rows = {f"{fit}.{key}": rows for fit, state in states.items() for key, rows in state.rows_here.items()}
    rows_here = {file: {key: rows[key] for key in content if key in rows} for file, content in arrays.items()}
    write_divided(folder / name, STATE_JSON, manifest.with_epochs(epochs), arrays, rows_here, communicator)
    if communicator.rank == 0:
        name_last(folder / name)
        remove_old(folder)


def remove_old(folder: Path) -> None:
    """Removes all checkpoints but the two newest."""
    for old in checkpoints(folder)[:-MAX_CHECKPOINTS]:
        with contextlib.suppress(RunError):  # it stays
            remove_folder(old)


def name_last(checkpoint: Path) -> None:
    """Makes a checkpoint the one that a run goes on from."""
    path, text = checkpoint.parent / LAST, f"{checkpoint.name}\n"
    if not (path.is_file() and path.read_bytes() == text.encode()):
        write_text(path, text)


def open_checkpoint(path: Path) -> VerifiedFolder[CheckpointManifest]:
    """A checkpoint whose json and sizes are in order."""
    return open_verified(path, STATE_JSON, CheckpointManifest)


def read_state(checkpoint: VerifiedFolder[CheckpointManifest], fit: str) -> State:
    """The state of a fit in a checkpoint, every file checked against its sha256."""
    return read_states(checkpoint, [fit])[fit]


def read_states(checkpoint: VerifiedFolder[CheckpointManifest], fits: Iterable[str]) -> dict[str, State]:
    """The states of fits by name; each file is read and checked once."""
    models, learners = (checkpoint.arrays(name) for name in (MODEL, LEARNER))
    entries = checkpoint.manifest.fits
    return {fit: State(entries[fit].epoch, _of_fit(fit, models), _of_fit(fit, learners)) for fit in fits}


def check_state(path: Path, fit: str, state: State, layout: StateLayout) -> None:
    """Holds the state of a fit against its layout; the best parameters are as the last ones.

    Args:
        path: of the checkpoint that it was read from.
    Raises:
        RunError: which array is not as it should be.
    """
    last = {name: array for name, array in state.learner.items() if not name.startswith(BEST)}
    best = best_parameters(state)
    for name, prefix, arrays, wanted in (
        (MODEL, "", state.model, layout.model),
        (LEARNER, "", last, layout.learner),
        (LEARNER, BEST, best, layout.model if best else {}),
    ):
        named = {f"{fit}.{prefix}{key}": array for key, array in arrays.items()}
        check_layout(path / name, named, {f"{fit}.{prefix}{key}": spec for key, spec in wanted.items()}, **layout.sizes)


def best_parameters(state: State) -> Arrays:
    """The best parameters in the state, by name; none where the run keeps the last."""
    return {name.removeprefix(BEST): array for name, array in state.learner.items() if name.startswith(BEST)}


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in a folder, oldest first."""
    folders = [path for path in folder.glob("epoch-*") if path.is_dir()]
    return sorted(folders, key=lambda path: _age(path.name))


def epochs_of(checkpoint: Path) -> int:
    """The epochs of all fits, as its name counts them; 0 where it counts none."""
    number = checkpoint.name.removeprefix("epoch-")
    return int(number) if re.fullmatch("[0-9]{1,18}", number) else 0


def newest_checkpoint(folder: Path) -> Path | None:
    """The checkpoint that `last` names, or None before the first one; where `last` is not there, the newest."""
    if not os.path.lexists(folder / LAST):
        return next(reversed(checkpoints(folder)), None)
    with reading(folder / LAST):
        name = read_regular(folder / LAST, MOST_LAST).decode(errors="replace").strip()
    if folder / name not in checkpoints(folder):
        raise RunError(
            f"{LAST} names the checkpoint {name!r}, which is not there",
            where=str(folder / LAST),
            expected="the name of a checkpoint beside it",
            hint=way_on(folder),
        )
    return folder / name


@contextlib.contextmanager
def offering_older(checkpoint: Path) -> Iterator[None]:
    """Errors say how to go on from the checkpoint before this one."""
    try:
        yield
    except RunError as error:
        error.hint = way_on(checkpoint.parent, before=checkpoint.name)
        raise


def way_on(folder: Path, before: str | None = None, results: Collection[str] | None = None) -> str:
    """What to do when a checkpoint cannot be used: go on from the newest one, or the newest `before` one.

    Args:
        results: those up to the lines of the history that are intact, where not all are.
    """
    older = [path.name for path in checkpoints(folder) if before is None or _age(path.name) < _age(before)]
    if results is not None:
        older = [name for name in older if _has_result(folder / name, results)]
    if not older:
        return "start a new run"
    run = shell_word(str(folder.parent))
    return f"resume from the older one: recsys train --resume --run-dir {run} --checkpoint {older[-1]}"


def _has_result(checkpoint: Path, results: Collection[str]) -> bool:
    try:
        return open_checkpoint(checkpoint).manifest.history in results
    except RunError:
        return False


def _with_names(arrays: Mapping[str, Arrays]) -> Arrays:
    return {f"{fit}.{name}": array for fit, of_fit in arrays.items() for name, array in of_fit.items()}


def _of_fit(fit: str, arrays: Arrays) -> Arrays:
    prefix = f"{fit}."
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _age(name: str) -> tuple[int, str]:
    """What sorts epoch-9999 before epoch-10000."""
    return len(name), name
