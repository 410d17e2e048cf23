"""Writes README.md: the table of the last short run, and how to run everything."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from measure import Row
from peers import VERSIONS

PAGE = """# Benchmarks

`make bench` (or `python benchmarks`, with `pip install -e '.[bench]'`) runs the short form of every comparison, in
under ten minutes on two cores, and writes this page and its picture. The other programs are installed the first time,
each in an environment of its own under `benchmarks/.cache/`; libmf is built with g++ from the source in its package.
All ratios come from interleaved rounds: ours and the other run in turn, each round gives one ratio, and the table
shows the smallest, the median and the largest.

{date}, {cpu}, {cores} cores, {memory}. {versions}. The run took {minutes:.1f} minutes.

![How many times as fast recsys is](ratios.png)

| | recsys | against | | times as fast: min | median | max |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

A "pass" goes over all ratings once; M ratings/s count neither reading nor sorting nor evaluating. Ratings are
synthetic (`synthetic.py`: planted factors, a known noise floor): 5M of 138,000 users and 27,000 items, and for the
other trainers 1M of 6,900 users and 3,664 items. Each trainer runs with its own defaults but for the number of factors.
"Coded" means that the ids are numbers 0 … n − 1, which is what the others do; "ready", that duplicates
are checked too and the ratings split and sorted for training. "Itself" compares the time a rating takes: in the lines
on sizes 1.00 means that time grows exactly as the ratings do (users and items grow along), in those on threads that the
second one brings nothing.

## Long form

The full comparisons take minutes to an hour each; [docs/performance.md](../docs/performance.md) has their results.
`--help` shows the options.

| command | compares |
| --- | --- |
| `python benchmarks/sgd_vs_libmf.py` | a pass of sgd with libmf's, 19M ratings, dims 16 to 128 |
| `python benchmarks/whole_process.py` | `recsys train` with libmf, from text to a model as good: time and memory |
| `python benchmarks/trainers.py --n-ratings 20000000 --peers adamw` | sgd with adamw on 19M ratings |
| `python benchmarks/trainers.py --peers surprise cornac` | sgd with Surprise and Cornac on 1M ratings |
| `python benchmarks/loading.py` | reading 19M rows with pyarrow and pandas |
| `python benchmarks/reading_files.py BASE` | reading 19M rows of CSV with another source tree, and with Parquet |
| `python benchmarks/serving.py` | top 10 of 27,000 items for 138,000 users with implicit; `predict --input` |
| `python benchmarks/serving_at_size.py` | a score among 1,000,000 items with one among 27,000; `--export`: memory |
| `python benchmarks/ann_index.py RUN` | lists from an approximate index with exact ones |
| `python benchmarks/growth.py` | sgd with itself: 1M to 50M ratings, dims 16 to 128, 1 and 2 threads; `--growing` |
| `torchrun --nproc-per-node 2 benchmarks/ring.py` | sgd on several ranks with one process |
| `python benchmarks/costs.py` | what `train --dry-run` predicts with what the run takes; `--ranking` |
| `python benchmarks/epoch_model.py` | nothing: computes epochs on several hosts |
| `python benchmarks/roofline.py` | sgd with what the machine's caches, memory and arithmetic allow |
| `python benchmarks/embedding_net.py` | embedding_net with fastai's and with the dot product, on ML-100K |
| `python benchmarks/finetuning.py` | fine-tuning with training from scratch, five ratings a user |
| `python benchmarks/updating.py` | an update with training again on all ratings |
| `python benchmarks/fold_in.py` | fold-in with having trained with those users; a visitor's waiting time |
| `python benchmarks/lesson.py` | an embedding's lookup with the one-hot product; with biases and without; schedules |
| `python benchmarks/reading.py` | nothing: the figures of docs/reading-factors.md |
| `python benchmarks/gibbs_vs_myfm.py` | gibbs with myFM on a fold of ML-100K; a fit of the shape of ML-1M |
| `python benchmarks/sgd_defaults.py` | sgd by default with biases alone, on sets that are dense and sparse |
| `python benchmarks/svdpp.py` | SVD++ by sgd with the dot product, on ML-100K |
| `python benchmarks/intervals.py` | what intervals hold with what they promise |
| `python benchmarks/accuracy.py` | the accuracy figures of the README and docs/splits.md |
| `python benchmarks/ranking.py` | recommendations with popularity, item-kNN, implicit ALS and BPR, EASE; `--sparse` |
| `python benchmarks/visitors.py` | lists for visitors with few interactions with EASE and popularity |
| `python benchmarks/ials_vs_implicit.py` | implicit ALS with that of implicit: an epoch, a fit; its growth and memory |
| `python benchmarks/synthetic.py` | nothing: makes a synthetic world as CSV and in libmf's format |
"""


def write_page(tables: dict[str, list[Row]], seconds: float, path: Path) -> None:
    """The page for these tables, which took `seconds` to measure."""
    rows = "\n".join(line_of(row) for rows in tables.values() for row in rows)
    page = PAGE.format(
        date=datetime.now(UTC).date().isoformat(),
        cpu=cpu_model(),
        cores=os.cpu_count(),
        memory=memory(),
        versions=versions(),
        minutes=seconds / 60,
        rows=rows,
    )
    path.write_text(page, encoding="utf-8")


def line_of(row: Row) -> str:
    """A line of the table."""
    times = row.times
    figures = [f"{each:.2f}" for each in (times.least, times.median, times.most)] if times else ["–"] * 3
    return f"| {' | '.join([row.what, row.ours, row.peer, row.theirs, *figures])} |"


def versions() -> str:
    """Of everything that was compared."""
    ours = {"Python": platform.python_version(), **{name: version(name) for name in ("numpy", "numba", "torch")}}
    readers = {name: version(name) for name in ("pyarrow", "pandas")}
    return ", ".join(f"{name} {number.split('+')[0]}" for name, number in {**ours, **readers, **VERSIONS}.items())


def cpu_model() -> str:
    """As the system names it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def memory() -> str:
    """Of the machine."""
    if not hasattr(os, "sysconf"):  # Windows
        return "memory unknown"
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB"
