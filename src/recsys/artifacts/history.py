"""What happened, epoch by epoch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from recsys.artifacts.verified import reading
from recsys.core.errors import RunError
from recsys.core.events import Epoch
from recsys.core.files import write_text, writing
from recsys.objectives.objective import Objective


class HistoryRow(BaseModel):
    """A line of history.jsonl.

    Attributes:
        scorer: which of the run's scorers was trained, such as "rating".
        seconds: inside Learner.epoch; fit_seconds: wall time of the whole fit up to the end of this epoch.
        train: the learner's own metrics; valid: the objective's, None where the epoch was not evaluated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scorer: str
    epoch: int
    lr: float
    seconds: float
    ratings_per_second: float
    fit_seconds: float
    train: dict[str, float]
    valid: dict[str, float] | None

    @classmethod
    def of(cls, scorer: str, epoch: Epoch, fit_seconds: float) -> HistoryRow:
        """An epoch of one scorer."""
        return cls(
            scorer=scorer,
            epoch=epoch.number,
            lr=epoch.lr,
            seconds=epoch.seconds,
            ratings_per_second=epoch.ratings_per_second,
            fit_seconds=fit_seconds,
            train=dict(epoch.train),
            valid=None if epoch.valid is None else dict(epoch.valid),
        )

    def to_line(self) -> str:
        """As a line of the file."""
        return json.dumps(self.model_dump()) + "\n"


def append(path: Path, row: HistoryRow) -> None:
    """Adds a line; see `to_disk`."""
    with writing(path), path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(row.to_line())


def to_disk(path: Path) -> None:
    """Waits until all lines are on disk: a checkpoint must not get there before its line.

    Not done at every line, since some fits have hundreds of epochs a second.
    """
    with writing(path), path.open("rb+") as file:
        os.fsync(file.fileno())


def read(path: Path) -> list[HistoryRow]:
    """The whole lines of a history; a torn last line is left out.

    Raises:
        RunError: a line is JSON, but not a row.
    """
    if not path.exists():
        return []
    with reading(path):
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return [_row(path, number, content) for number, content in enumerate(_whole_lines(lines), 1)]


def cut(path: Path, scorer: str, epoch: int) -> list[HistoryRow]:
    """Cuts a history back to an epoch of a scorer, on disk too, and returns what is left of this scorer.

    Scorers are trained one after the other, so that whatever follows that epoch goes.
    """
    rows = _up_to(path, scorer, epoch)
    write_text(path, "".join(row.to_line() for row in rows))
    return [row for row in rows if row.scorer == scorer]


def read_up_to(path: Path, scorer: str, epoch: int) -> list[HistoryRow]:
    """What `cut` returns; the file stays."""
    return [row for row in _up_to(path, scorer, epoch) if row.scorer == scorer]


def best_epoch(rows: Sequence[HistoryRow], objective: Objective) -> int | None:
    """The first epoch at which the deciding metric on the validation set is best; None if none was evaluated."""
    evaluated = [(objective.cost(objective.value(row.valid)), row.epoch) for row in rows if row.valid is not None]
    return min(evaluated)[1] if evaluated else None


def is_out_of_patience(rows: Sequence[HistoryRow], objective: Objective, patience: int | None) -> bool:
    """Whether the deciding metric on the validation set has not improved for `patience` evaluations."""
    best = best_epoch(rows, objective)
    if patience is None or best is None:
        return False
    return len([row for row in rows if row.valid is not None and row.epoch > best]) >= patience


def _up_to(path: Path, scorer: str, epoch: int) -> list[HistoryRow]:
    return list(takewhile(lambda row: row.scorer != scorer or row.epoch <= epoch, read(path)))


def _whole_lines(lines: Sequence[str]) -> Iterator[object]:
    for line in lines:
        try:
            yield json.loads(line)
        except ValueError:
            return


def _row(path: Path, number: int, content: object) -> HistoryRow:
    try:
        return HistoryRow.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise RunError(
            f"{path.name} is damaged, or of another version of recsys: {key}: {first['msg'].lower()}",
            where=f"{path}:{number}",
            expected=", ".join(HistoryRow.model_fields),
            hint="start a new run",
        ) from error
