"""Snapshots of a base commit, kept for the next run on the same machine with the same packages."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from golden.snapshot import Snapshot
from golden.trees import ROOT, git


def cache_path(commit: str) -> Path:
    """Where the snapshots of a commit are kept: in the main worktree, for all worktrees of the repository.

    The name holds a checksum of all else that they depend on: this package, the data, the packages that are installed,
    the processor and the number of its cores.
    """
    installed = sorted(
        f"{distribution.name} {distribution.version}" for distribution in importlib.metadata.distributions()
    )
    sources = [*sorted(Path(__file__).parent.glob("*.py")), *sorted((ROOT / "data" / "movielens-small").glob("*.csv"))]
    digest = hashlib.sha256(json.dumps([sys.version, processor(), _n_cores(), installed]).encode())
    for path in sources:
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    repository = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir")).parent
    return repository / "benchmarks" / ".cache" / "golden" / f"{commit[:12]}-{digest.hexdigest()[:16]}.json"


def read_cache(path: Path) -> dict[str, Snapshot]:
    """The snapshots in a file, by row; none if there is no such file."""
    if not path.exists():
        return {}
    return {row: Snapshot(**entry) for row, entry in json.loads(path.read_text(encoding="utf-8")).items()}


def write_cache(path: Path, snapshots: dict[str, Snapshot]) -> None:
    """Keeps the snapshots of the rows that did not fail."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(
        json.dumps({row: asdict(snapshot) for row, snapshot in snapshots.items() if not snapshot.failure}),
        encoding="utf-8",
    )
    aside.replace(path)


def processor() -> str:
    """The name of the processor."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next((line for line in lines if line.startswith("model name")), platform.processor())


def _n_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
