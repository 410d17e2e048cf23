"""metrics.json: what a finished run reached. It is written last, which makes the run a finished one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import (
    NotRequired,  # pydantic reads those of `typing` from Python 3.12 on
    cast,
)

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from recsys.artifacts.bounds import finite
from recsys.artifacts.checkpoint import LAST, STATE_JSON, newest_checkpoint
from recsys.artifacts.directory import CHECKPOINTS, HISTORY, MEASURED, METRICS, SERVING, SERVING_JSON
from recsys.artifacts.manifest import check_format, damaged_by, seal_json
from recsys.artifacts.recorded import Recorded, read_sealed, record
from recsys.artifacts.verified import consistent
from recsys.core.checked import RefusedError, Rule, checked
from recsys.core.files import write_text
from recsys.objectives.measure import Measured, StartMeasured


class StartMetrics(TypedDict):
    """The run that a run starts from, see StartReport, and the scores before and after training."""

    run: str
    path: str
    n_new_users: int
    n_new_items: int
    n_replayed: int
    n_held_out_not_new: int
    n_outside_scale: NotRequired[int]
    before: StartMeasured
    after: StartMeasured


class FoldedFeatures(TypedDict):
    """A file of features of new users or items."""

    path: str
    sha256: str


class FoldInReport(TypedDict):
    """The run that new users and items were folded into, and from which ratings and features.

    Attributes:
        ratings, sha256: the file of the ratings, and of its content; None without ratings.
        features: role → file of features, where there is any.
        n_users_from_features, n_items_from_features: without ratings, of these files.
    """

    run: str
    path: str
    ratings: str | None
    sha256: str | None
    n_new_users: int
    n_new_items: int
    n_ratings: int
    n_outside_scale: int
    features: NotRequired[dict[str, FoldedFeatures]]
    n_users_from_features: NotRequired[int]
    n_items_from_features: NotRequired[int]


class GroupMetrics(TypedDict):
    """A layer group and its highest learning rate; 0 if it is frozen."""

    name: str
    lr_max: float
    frozen: bool


class TrainCounts(TypedDict):
    """The training interactions, and how many of them are ratings."""

    n_ratings: int
    n_interactions: int
    n_users: int
    n_items: int


class ScorerMetrics(Measured):
    """What a scorer reached.

    Attributes:
        objective: the name of what it was trained for and is measured by.
        embedding_dim: of users and items, or of each where a network has its own.
        best_epoch: by the deciding metric on the validation set; None without one.
        link: from scores to ratings; None where they stand for none.
    """

    objective: str
    fit_seconds: float
    ratings_per_second: float
    n_epochs: int
    best_epoch: int | None
    embedding_dim: int | dict[str, int]
    method: str
    link: dict[str, str | float] | None
    groups: list[GroupMetrics]


class RefitMetrics(TypedDict):
    """A fit on all ratings, which nothing is left to measure."""

    n_epochs: int
    fit_seconds: float
    n_interactions: int


class RunMetrics(ScorerMetrics):
    """The content of metrics.json: what the first scorer reached, and by their names the others.

    Attributes:
        refit: by scorer, where the run serves what was trained on all ratings; scores are those of before.
        start: of a run that starts from another.
        parent: of a run that was made by fold-in; the other figures are then those of the parent.
    """

    format: int
    ranking: NotRequired[ScorerMetrics]
    refit: NotRequired[dict[str, RefitMetrics]]
    start: NotRequired[StartMetrics]
    parent: NotRequired[FoldInReport]
    train: TrainCounts
    recsys_version: str


def _metrics(value: object) -> object:
    if not isinstance(value, Mapping) or "objective" not in value:
        raise RefusedError(value)
    return value


RUN_METRICS = Rule("the metrics of a run, as train returns them", _metrics)


@checked(metrics=RUN_METRICS)
def scorer_metrics(metrics: RunMetrics) -> dict[str, ScorerMetrics]:
    """What each scorer of a run reached, by name, in the order in which they were trained.

    Args:
        metrics: what `train` returns.
    """
    first: dict[str, ScorerMetrics] = {metrics["objective"]: metrics}
    return first | ({"ranking": metrics["ranking"]} if "ranking" in metrics else {})


class RunResult(RunMetrics):
    """The metrics of a run and its folder."""

    run_dir: str


def read_metrics(run: Path) -> RunMetrics | None:
    """The metrics of a run; None if it is not finished.

    Raises:
        RunError: metrics.json is damaged, or has another version's format.
    """
    path, text = run / METRICS, read_sealed(run)
    if text is None:
        return None
    try:
        _schema().validate_json(text)
    except ValidationError as error:
        check_format(path, text)
        raise damaged_by(path, error) from error
    check_format(path, text)
    metrics = json.loads(text)  # as it was written: a count stays an int
    with consistent(path):
        finite(metrics)
    return cast(RunMetrics, {key: value for key, value in metrics.items() if key not in Recorded.model_fields})


def write_metrics(run: Path, metrics: RunMetrics) -> None:
    """Writes metrics.json in one step, with the checksums of the files that it completes.

    Raises:
        RunError: it cannot be written.
    """
    recorded = record(run, closing_files(run)).to_dict()
    write_text(run / METRICS, seal_json({**metrics, **recorded}).decode())


def closing_files(run: Path) -> list[str]:
    """The files that metrics.json names, where a run has them; they name all others but config.yaml."""
    newest = newest_checkpoint(run / CHECKPOINTS)
    of_checkpoint = [] if newest is None else [f"{CHECKPOINTS}/{LAST}", f"{CHECKPOINTS}/{newest.name}/{STATE_JSON}"]
    return [HISTORY, *of_checkpoint, f"{SERVING}/{SERVING_JSON}", f"{MEASURED}/{SERVING_JSON}"]


def parent_name(metrics: RunMetrics) -> str | None:
    """The name of the run that a run was made from, if there is one."""
    if "parent" in metrics:
        return metrics["parent"]["run"]
    return metrics["start"]["run"] if "start" in metrics else None


def parent_path(metrics: RunMetrics) -> Path | None:
    """The folder of the run that a run was made from, if there is one, as it was then."""
    if "parent" in metrics:
        return Path(metrics["parent"]["path"])
    return Path(metrics["start"]["path"]) if "start" in metrics else None


@cache
def _schema() -> TypeAdapter[RunMetrics]:
    return TypeAdapter(RunMetrics)
