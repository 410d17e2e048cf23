"""What killed commands have left: temporary files and folders, locks, and folders of runs that never began."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from recsys.artifacts.directory import DATED, runs_root
from recsys.artifacts.lock import LOCK
from recsys.core.temporary import SCRATCH, TEMPORARY, is_left, leftovers, remove_leftover, scratch_root

DEPTH = 3  # of the folders below the root that hold something temporary: a fold's checkpoints


@dataclass(frozen=True)
class Leftovers:
    """What killed commands have left, below the root of all runs and in the system's temporary folder."""

    paths: list[Path]
    n_bytes: int


def find_leftovers() -> Leftovers:
    """What no process holds any more; commands remove it where they come across it, and `prune` all of it."""
    root = runs_root()
    below = [path for depth in range(DEPTH + 1) for path in root.glob("*/" * depth + f"{TEMPORARY}*")]
    outermost = [path for path in below if not any(folder.name.startswith(TEMPORARY) for folder in path.parents)]
    locks = [path for depth in range(2) for path in root.glob("*/" * depth + LOCK.format("*"))]
    paths = [path for path in (*outermost, *locks, *filter(_never_began, root.glob("*"))) if is_left(path)]
    paths += leftovers(scratch_root(), SCRATCH)
    return Leftovers(paths, sum(map(_n_bytes, paths)))


def remove_leftovers() -> Leftovers:
    """Removes what killed commands have left; returns what is gone."""
    sizes = {path: _n_bytes(path) for path in find_leftovers().paths}
    removed = [path for path in sizes if remove_leftover(path)]
    return Leftovers(removed, sum(sizes[path] for path in removed))


def _never_began(path: Path) -> bool:
    """Whether a folder was made for a run of which nothing was written."""
    return DATED.search(path.name) is not None and path.is_dir() and not any(path.iterdir())


def _n_bytes(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files if not file.is_dir() and file.exists())
