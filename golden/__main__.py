"""Train small fixed runs with a base commit and with this checkout, and compare every bit of what they write.

Example: python -m golden f6d99ea --only sgd predict
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from golden.cache import cache_path, read_cache, write_cache
from golden.comparison import Comparison, compare, read_expected_changes
from golden.errors import GoldenError
from golden.rows import Row, select
from golden.snapshot import Snapshot
from golden.table import print_table
from golden.trees import ROOT, Tree, git, run_rows, worktree


def main() -> int:
    """The exit code: 0 if no row differs but as stated, 1 if one does, 2 if rows cannot be compared, 130 if stopped."""
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the worktree is removed
    try:
        comparisons = compare_trees(arguments.base, select(arguments.only), fresh=arguments.fresh)
    except GoldenError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    print_table(comparisons, arguments.show)
    return 1 if any(comparison.differences for comparison in comparisons) else 0


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        "python -m golden", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("base", metavar="BASE", help="the commit to compare with")
    parser.add_argument(
        "--only", metavar="ROW", nargs="+", default=[], help="only these rows, and those that they need"
    )
    parser.add_argument("--fresh", action="store_true", help="run the base commit even if its results are cached")
    parser.add_argument("--show", metavar="N", type=int, default=3, help="differences to show of each row [3]")
    return parser.parse_args()


def compare_trees(base: str, rows: tuple[Row, ...], *, fresh: bool) -> list[Comparison]:
    """Runs the rows in this checkout and, where they are not cached, with the base commit at the same time."""
    expected = read_expected_changes()
    commit = git("rev-parse", "--verify", f"{base}^{{commit}}")
    cached = cache_path(commit)
    before = {} if fresh else read_cache(cached)
    with tempfile.TemporaryDirectory(prefix="golden-") as folder, contextlib.ExitStack() as stack:
        trees = [Tree("here", ROOT, Path(folder, "here"))]
        if any(row.name not in before for row in rows):
            source = stack.enter_context(worktree(commit, Path(folder, "source")))
            trees.append(Tree("base", source, Path(folder, "base")))
        results = _run(trees, rows)
    if "base" in results:
        before |= results["base"]
        write_cache(cached, before)
    return [compare(row.name, before[row.name], results["here"][row.name], expected) for row in rows]


def _run(trees: list[Tree], rows: tuple[Row, ...]) -> dict[str, dict[str, Snapshot]]:
    stop = threading.Event()
    with ThreadPoolExecutor(len(trees)) as pool:
        futures = {tree.name: pool.submit(run_rows, tree, rows, _report, stop) for tree in trees}
        try:
            return {name: future.result() for name, future in futures.items()}
        except BaseException:
            stop.set()
            raise


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
