"""Running the rows on a source tree: this checkout, or a base commit in a temporary git worktree."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from golden.errors import GoldenError
from golden.inputs import RATINGS_ALONE, write_inputs
from golden.rows import Row
from golden.snapshot import Snapshot, read_snapshot

ROOT = Path(__file__).parents[1]
# Settings of the caller's shell that could make one tree, or one day, differ from another.
PRIVATE = ("RECSYS_", "NUMBA_", "OMP_", "MKL_", "OPENBLAS_", "PYTHON", "COV_", "COVERAGE_")


@dataclass(frozen=True)
class Tree:
    """A source tree, and the folder in which its rows run."""

    name: str
    source: Path
    work: Path

    def environment(self) -> dict[str, str]:
        """That of each command: this tree's code, kernels compiled for it alone, and as many threads as by default."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(PRIVATE)}
        return {
            **kept,
            "OMP_WAIT_POLICY": "PASSIVE",  # as the command line sets it: the two trees run at the same time
            "PYTHONPATH": str(self.source / "src"),
            "NUMBA_CACHE_DIR": str(self.work / "numba"),
            "RECSYS_RUNS": str(self.work / "runs"),
        }


def git(*arguments: str) -> str:
    """What a git command prints.

    Raises:
        GoldenError: git refuses.
    """
    ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise GoldenError(f"git {' '.join(arguments)}: {ended.stderr.strip()}")
    return ended.stdout.strip()


@contextlib.contextmanager
def worktree(commit: str, folder: Path) -> Iterator[Path]:
    """A checkout of a commit, gone afterwards."""
    git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def run_rows(
    tree: Tree, rows: tuple[Row, ...], report: Callable[[str], None], stop: threading.Event
) -> dict[str, Snapshot]:
    """A snapshot of each row; a row with a command that fails, or that needs such a row, has only its failure."""
    tree.work.mkdir(parents=True, exist_ok=True)
    _check_import(tree)
    write_inputs(tree.work / "inputs", ROOT / "data" / "movielens-small", RATINGS_ALONE if _ranks(tree) else {})
    snapshots: dict[str, Snapshot] = {}
    for row in rows:
        if stop.is_set():
            break
        start = time.perf_counter()
        failure = _missing(row, snapshots) or _run_row(tree, row)
        snapshots[row.name] = Snapshot({}, {}, failure) if failure else read_snapshot(tree.work / row.name)
        report(f"{tree.name}: {row.name} {'failed' if failure else f'{time.perf_counter() - start:.1f} s'}")
    return snapshots


def _missing(row: Row, snapshots: Mapping[str, Snapshot]) -> str:
    return next((f"it needs {name}, which failed" for name in row.needs if snapshots[name].failure), "")


def _run_row(tree: Tree, row: Row) -> str:
    """Runs a row's commands, whose JSON output becomes files in its folder; returns what failed, if anything."""
    folder = tree.work / row.name
    folder.mkdir()
    for position, command in enumerate(row.commands, 1):
        ended = _python(tree, *command)
        if ended.returncode:
            shown = " ".join(argument for argument in command if "\n" not in argument)
            return f"python {shown}: exit code {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-600:]}"
        (folder / f"output-{position}.json").write_text(ended.stdout, encoding="utf-8")
    return ""


def _check_import(tree: Tree) -> None:
    ended = _python(tree, "-c", "import recsys; print(recsys.__file__)")
    if not Path(ended.stdout.strip()).is_relative_to(tree.source / "src"):
        raise GoldenError(f"recsys is not imported from {tree.source / 'src'}: {ended.stdout}{ended.stderr}")


def _ranks(tree: Tree) -> bool:
    """Whether the tree trains a scorer for recommendations unless told otherwise."""
    ended = _python(tree, "-m", "recsys", "config", "reference")
    return "ranking.method" in ended.stdout


def _python(tree: Tree, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree.work,
        env=tree.environment(),
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
