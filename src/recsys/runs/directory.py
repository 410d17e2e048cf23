"""Where runs lie, and which one is meant."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

METRICS, CONFIG, HISTORY = "metrics.json", "config.yaml", "history.jsonl"
CHECKPOINTS, SERVING = "checkpoints", "serving"
SERVING_JSON = "serving.json"


def runs_root() -> Path:
    """The folder of all runs: the environment variable RECSYS_RUNS, else ./runs."""
    return Path(os.environ.get("RECSYS_RUNS") or "runs")


def new_run_folder(name: str) -> Path:
    """A free folder for a run of the config `name`, named after the time in UTC."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    folder = runs_root() / f"{name}-{stamp}"
    suffix = 2
    while folder.exists():
        folder = runs_root() / f"{name}-{stamp}-{suffix}"
        suffix += 1
    return folder


def all_runs() -> list[Path]:
    """Every run under the root, oldest first by its config."""
    found = [path.parent for path in runs_root().glob(f"*/{CONFIG}")]
    return sorted(found, key=lambda path: ((path / CONFIG).stat().st_mtime_ns, path.name))


def finished_runs() -> list[Path]:
    """The runs that came to their end, oldest first by when they did."""
    found = [path for path in all_runs() if (path / METRICS).exists()]
    return sorted(found, key=lambda path: ((path / METRICS).stat().st_mtime_ns, path.name))
