"""Every file of a run, checked."""

from __future__ import annotations

from pathlib import Path

from recsys.artifacts import history
from recsys.artifacts.checkpoint import LAST, checkpoints, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, MEASURED, METRICS, SERVING, SERVING_JSON
from recsys.artifacts.manifest import BundleManifest, M, damaged
from recsys.artifacts.metrics import closing_files, read_metrics
from recsys.artifacts.recorded import check_recorded
from recsys.artifacts.run_config import check_as_started
from recsys.artifacts.stored_config import stored_config
from recsys.artifacts.verified import VerifiedFolder, open_verified


def verify_run(run: Path) -> int:
    """Checks every file of a run, finished or not, against what was written; returns how many there are.

    Raises:
        RunError: a file is damaged or missing, or its config.yaml was changed.
    """
    read_metrics(run)
    check_recorded(run, f"{CHECKPOINTS}/{LAST}")  # else there is nothing that it could name
    check_recorded(run, *closing_files(run))
    results, config = {line.result for line in history.read_lines(run)}, stored_config(run)
    n_files = sum((run / name).exists() for name in (CONFIG, HISTORY, METRICS, f"{CHECKPOINTS}/{LAST}"))
    for path in checkpoints(run / CHECKPOINTS):
        checkpoint = open_checkpoint(path)
        n_files += verify_folder(checkpoint)
        check_as_started(run, config, checkpoint.manifest.config)
        if checkpoint.manifest.history not in results:
            raise damaged(run / HISTORY, f"it lacks epochs that the checkpoint {path.name} has, or is of another run")
    for name in (SERVING, MEASURED):
        if (run / name).exists():
            n_files += verify_folder(open_verified(run / name, SERVING_JSON, BundleManifest))
    return n_files


def verify_folder(folder: VerifiedFolder[M]) -> int:
    """Checks every file that a manifest names; returns how many these are, with the manifest itself.

    Raises:
        RunError: a file is damaged.
    """
    for name in folder.files:
        folder.check(name)
    return len(folder.files) + 1
