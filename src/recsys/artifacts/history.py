"""What happened, epoch by epoch; each line has a checksum that covers the lines before it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from recsys.artifacts.directory import HISTORY
from recsys.artifacts.recorded import check_recorded
from recsys.artifacts.verified import reading
from recsys.core.errors import DamagedError, RunError
from recsys.core.events import Epoch
from recsys.core.files import write_text, writing
from recsys.core.regular import append_regular, read_regular
from recsys.objectives.objective import Objective
from recsys.version import __version__

TIMES = {"seconds", "ratings_per_second", "fit_seconds"}

MOST_BYTES = 1 << 30


class HistoryRow(BaseModel):
    """A line of history.jsonl, without its checksum.

    Attributes:
        scorer: which of the run's scorers was trained, such as "rating".
        seconds: inside Learner.epoch; fit_seconds: wall time of the whole fit up to the end of this epoch.
        train: the learner's own metrics; valid: the objective's, None where the epoch was not evaluated.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)  # training stops before it has others

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


class Line(NamedTuple):
    """A line of the file.

    Attributes:
        text: with the line break.
        checksum: of this line and all before it.
        result: the same of what they say but for times, so that it is equal wherever the result is.
    """

    row: HistoryRow
    text: bytes
    checksum: str
    result: str

    @classmethod
    def after(cls, last: Line | None, row: HistoryRow) -> Line:
        """The line of a row that follows another line, or is the first."""
        body = json.dumps(row.model_dump()).removesuffix("}")
        checksum = _chained(last.checksum if last else "", body)
        result = _chained(last.result if last else "", json.dumps(row.model_dump(exclude=TIMES)))
        return cls(row, f'{body}, "checksum": "{checksum}"}}\n'.encode(), checksum, result)


class History:
    """The history of a run that is trained, in memory; on disk too by the rank that writes the run."""

    def __init__(self, path: Path, lines: Sequence[Line], *, is_writer: bool) -> None:
        self.path, self.is_writer = path, is_writer
        self._lines = list(lines)

    @classmethod
    def up_to(cls, path: Path, result: str, *, is_writer: bool) -> History:
        """The history as it was at a checkpoint; what follows is cut off, on disk too.

        Args:
            result: that of the last line then; "" before the first.
        Raises:
            RunError: the lines up to there are not those that were written.
        """
        lines = list(_until(path, result)) if result else []
        kept = b"".join(line.text for line in lines)
        if is_writer and not (path.is_file() and not path.is_symlink() and path.read_bytes() == kept):
            write_text(path, kept.decode())
        return cls(path, lines, is_writer=is_writer)

    def add(self, row: HistoryRow) -> None:
        """Adds a line; see `to_disk`."""
        self._lines.append(Line.after(self._lines[-1] if self._lines else None, row))
        if self.is_writer:
            with writing(self.path):
                append_regular(self.path, self._lines[-1].text)

    def to_disk(self) -> None:
        """Waits until all lines are on disk: a checkpoint must not get there before its line.

        Not done at every line, since some fits have hundreds of epochs a second.
        """
        with writing(self.path), self.path.open("rb+") as file:
            os.fsync(file.fileno())

    def rows_of(self, scorer: str) -> list[HistoryRow]:
        """The rows of one scorer."""
        return [line.row for line in self._lines if line.row.scorer == scorer]

    @property
    def result(self) -> str:
        """Checksum of what all lines say but for times; "" before the first."""
        return self._lines[-1].result if self._lines else ""


def read(run: Path) -> list[HistoryRow]:
    """The whole lines of a run's history; a torn last line is left out.

    Raises:
        RunError: a line is not the one that was written, or the history is not the one that the run ended with.
    """
    return [line.row for line in read_lines(run)]


def read_lines(run: Path) -> list[Line]:
    """As `read`, with the checksums."""
    check_recorded(run, HISTORY)
    return list(_lines(run / HISTORY))


def intact_results(path: Path) -> set[str]:
    """The results up to each line before the first that is damaged."""
    results = set()
    with contextlib.suppress(RunError):
        for line in _lines(path):
            results.add(line.result)
    return results


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


def _until(path: Path, result: str) -> Iterator[Line]:
    for line in _lines(path):
        yield line
        if line.result == result:
            return
    raise DamagedError(
        f"{path.name} is damaged: it lacks epochs that the checkpoint has, or is of another run",
        where=str(path),
        expected="the lines as they were written",
    )


def _lines(path: Path) -> Iterator[Line]:
    """The lines as far as they end with a line break."""
    if not os.path.lexists(path):
        return
    with reading(path):
        *texts, _ = read_regular(path, MOST_BYTES).split(b"\n")
    last = None
    for number, text in enumerate(texts, 1):
        last = _read(path, number, text + b"\n", last)
        yield last


def _read(path: Path, number: int, text: bytes, last: Line | None) -> Line:
    body, checksum, _ = text.decode("utf-8", errors="replace").rpartition(', "checksum": "')
    if not checksum:
        raise RunError(
            f"{path.name} is damaged, or of another version of recsys: line {number} has no checksum",
            where=f"{path}:{number}",
            expected=f"lines with a checksum, as recsys {__version__} writes them",
            hint="copy the whole folder again from where it was written, or train again",
        )
    try:
        line = Line.after(last, HistoryRow.model_validate_json(body + "}"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise _not_written(path, number, f": {key}: {first['msg']}" if key else "") from error
    if line.text != text:
        raise _not_written(path, number)
    return line


def _not_written(path: Path, number: int, why: str = "") -> DamagedError:
    return DamagedError(
        f"{path.name} is damaged: line {number} is not the one that was written{why}",
        where=f"{path}:{number}",
        expected="the lines as they were written",
        hint="copy the whole folder again from where it was written, or train again",
    )


def _chained(previous: str, text: str) -> str:
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()
