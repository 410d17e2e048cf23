"""What happened, epoch by epoch."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from recsys.artifacts.verified import reading
from recsys.core.events import Epoch
from recsys.core.files import write_text, writing

Row = dict[str, Any]


def row(epoch: Epoch, fit_seconds: float) -> Row:
    """An epoch as a line of history.jsonl; `fit_seconds` is the wall time of the whole fit up to its end."""
    return {
        "epoch": epoch.number,
        "lr": epoch.lr,
        "train_rmse": epoch.train_rmse,
        "valid_rmse": epoch.valid.rmse if epoch.valid else None,
        "valid_mae": epoch.valid.mae if epoch.valid else None,
        "seconds": epoch.seconds,
        "ratings_per_second": epoch.ratings_per_second,
        "fit_seconds": fit_seconds,
    }


def append(path: Path, line: Row) -> None:
    """Adds a line; see `to_disk`."""
    with writing(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(line) + "\n")


def to_disk(path: Path) -> None:
    """Waits until all lines are on disk: a checkpoint must not get there before its line.

    Not done at every line, since some fits have hundreds of epochs a second.
    """
    with writing(path), path.open("rb+") as file:
        os.fsync(file.fileno())


def read(path: Path) -> list[Row]:
    """The whole lines of a history; a torn last line is left out."""
    if not path.exists():
        return []
    with reading(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    rows = []
    for line in lines:
        try:
            rows.append(json.loads(line))
        except ValueError:
            break
    return rows


def cut(path: Path, epoch: int) -> list[Row]:
    """Cuts a history back to `epoch`, on disk too, and returns what is left."""
    rows = [one for one in read(path) if one["epoch"] <= epoch]
    write_text(path, "".join(json.dumps(one) + "\n" for one in rows))
    return rows


def best_epoch(rows: list[Row]) -> int | None:
    """The epoch with the lowest valid rmse, the first of equals; None if none was evaluated."""
    evaluated = [one for one in rows if one["valid_rmse"] is not None]
    return min(evaluated, key=lambda one: one["valid_rmse"])["epoch"] if evaluated else None


def is_out_of_patience(rows: list[Row], patience: int | None) -> bool:
    """Whether valid rmse has not improved for `patience` evaluations."""
    best = best_epoch(rows)
    if patience is None or best is None:
        return False
    return len([one for one in rows if one["valid_rmse"] is not None and one["epoch"] > best]) >= patience
