"""What a run, a checkpoint or a serving folder holds, for people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recsys.artifacts import history
from recsys.artifacts.checkpoint import STATE_JSON, checkpoints, newest_checkpoint, open_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, CONFIG, HISTORY, SERVING, SERVING_JSON, is_default
from recsys.artifacts.manifest import BundleManifest, M
from recsys.artifacts.run import read_result
from recsys.artifacts.verified import VerifiedFolder, open_verified
from recsys.core.errors import RunError


def overview(run: Path) -> dict[str, Any]:
    """A run in a line: path, status, epochs done, metrics once it is finished, and its part among the runs.

    "default": whether it is served when none is named; "parent": the name of the run that it was made from.
    """
    result = read_result(run)
    parent: dict[str, Any] = (result or {}).get("parent") or (result or {}).get("start") or {}
    return {
        "path": str(run),
        "status": "finished" if result else "unfinished",
        "epochs": len(history.read(run / HISTORY)),
        "default": result is not None and is_default(run),
        "parent": parent.get("run"),
        "metrics": result,
    }


def describe(path: Path, *, verify: bool) -> dict[str, Any]:
    """All that is said about a run, a checkpoint or a serving folder.

    Raises:
        RunError: it is none of these, or is damaged; with `verify` every file's sha256 is checked.
    """
    if (path / STATE_JSON).exists():
        return _verified(open_checkpoint(path), verify)
    if (path / SERVING_JSON).exists():
        return _verified(open_verified(path, SERVING_JSON, BundleManifest), verify)
    if not (path / CONFIG).exists() or not (path / CHECKPOINTS).exists():
        raise RunError(
            "this is neither a run nor a checkpoint",
            where=str(path),
            expected="a folder of a run, a folder epoch-… below its checkpoints, or a serving folder",
            hint="recsys runs lists the runs",
        )
    newest = newest_checkpoint(path / CHECKPOINTS)
    answer = {**overview(path), "checkpoints": [one.name for one in checkpoints(path / CHECKPOINTS)]}
    if newest is not None:
        answer["last"] = _verified(open_checkpoint(newest), verify)
    if (path / SERVING).exists():
        answer["serving"] = _verified(open_verified(path / SERVING, SERVING_JSON, BundleManifest), verify)
    return answer


def _verified(folder: VerifiedFolder[M], verify: bool) -> dict[str, Any]:
    if verify:
        for name in folder.files:
            folder.check(name)
    return {"path": str(folder.path), **folder.manifest.to_dict(), "verified": verify}
