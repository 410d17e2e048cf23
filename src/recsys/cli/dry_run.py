"""What train --dry-run prints."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from recsys import api
from recsys.cli.render import echo, paragraph, print_table, say
from recsys.cli.scores import baseline_label
from recsys.core.words import counted

if TYPE_CHECKING:
    from recsys.workflows.estimate import Estimate, FitEstimate

HOW = (
    "Measured now: reading (the whole file), a few seconds of training and one evaluation. Calculated: memory, disk and"
    " messages. The time of the whole run is for one process, on a machine as busy as it is now."
)
GIGABIT = 1.25e8  # bytes a second


def show_estimate(needs: Estimate, run_dir: Path | None, *, refit: bool) -> None:
    """Prints what a run would need, beside what there is."""
    fits: Mapping[str, FitEstimate] = {"": needs}
    if "ranking" in needs:
        fits = {f"{baseline_label('rating')}: ": needs, f"{baseline_label('ranking')}: ": needs["ranking"]}
    table = _of_data(needs)
    for scorer, fit in fits.items():
        table += _of_fit(scorer, fit, needs["n_ranks"])
    free, limit = _free_bytes(run_dir), needs["memory_bytes"]
    table += [
        [
            f"peak memory of {'the process' if needs['n_ranks'] == 1 else 'a rank'}, about",
            f"{_size(needs['peak_bytes'])}{_of(limit, 'there are')}",
        ],
        ["disk for the run, at most", f"{_size(needs['disk_bytes'])}{_of(free, 'free')}"],
        ["time of the whole run", f"{needs['least_seconds']:,.1f} to {needs['most_seconds']:,.1f} s"],
    ]
    print_table(["", "estimate"], table, numbers=["estimate"])
    echo("\n".join(paragraph(HOW)))
    if refit:
        echo("refit: the same fits once more, on all interactions, which the time and the disk include")
    if limit is not None and needs["peak_bytes"] > limit:
        say(f"note: the run may not fit into memory: {_size(needs['peak_bytes'])} of {_size(limit)}")
    if free is not None and needs["disk_bytes"] > free:
        say(f"note: the run may not fit on the disk: {_size(needs['disk_bytes'])} of {_size(free)}")


def _of_data(needs: Estimate) -> list[list[str]]:
    n_rows = needs["n_interactions"]
    rows = "ratings" if needs["n_ratings"] == n_rows else "interactions"
    return [
        [
            f"training {rows}",
            f"{n_rows:,} by {counted(needs['n_users'], 'user')} of {counted(needs['n_items'], 'item')}",
        ],
        ["memory for the data", _size(needs["data_bytes"])],
        ["time to read it", f"{needs['read_seconds']:,.1f} s"],
    ]


def _of_fit(scorer: str, fit: FitEstimate, n_ranks: int) -> list[list[str]]:
    dims = fit["embedding_dim"]
    dim = f"dim {dims}" if isinstance(dims, int) else ", ".join(f"{role} dim {dim}" for role, dim in dims.items())
    rows = [
        [f"{scorer}method", f"{fit['method']}, {dim}, {counted(fit['n_epochs'], 'epoch')}"],
        [f"{scorer}parameters", f"{fit['n_parameters']:,}"],
        [f"{scorer}memory to train", _size(fit["training_bytes"])],
        [f"{scorer}time of an epoch", f"{fit['epoch_seconds']:,.3f} s"],
        [f"{scorer}time of all epochs", f"{fit['fit_seconds']:,.1f} s"],
    ]
    if n_ranks > 1:
        sent = fit["sent_bytes"]
        rows += [
            [f"{scorer}sent in an epoch by {n_ranks} ranks", _size(sent)],
            [f"{scorer}the same for each rank at 1 Gb/s", f"{sent / n_ranks / GIGABIT:,.2f} s"],
        ]
        if fit["sent_evaluating_bytes"]:
            rows.append([f"{scorer}sent in an evaluation", _size(fit["sent_evaluating_bytes"])])
        if fit["sent_at_end_bytes"]:
            rows.append([f"{scorer}sent once, at the end", _size(fit["sent_at_end_bytes"])])
    return rows


def _of(n_bytes: int | None, what: str) -> str:
    return "" if n_bytes is None else f" ({_size(n_bytes)} {what})"


def _size(n_bytes: int) -> str:
    if n_bytes >= 1e10:
        return f"{n_bytes / 1e9:,.0f} GB"
    return f"{n_bytes / 1e6:,.0f} MB" if n_bytes >= 1e7 else f"{n_bytes / 1e6:,.1f} MB"


def _free_bytes(run_dir: Path | None) -> int | None:
    """Of the disk that the run would be on."""
    folder = (run_dir or api.runs_root()).absolute()
    try:
        return shutil.disk_usage(next(path for path in (folder, *folder.parents) if path.is_dir())).free
    except OSError:
        return None
