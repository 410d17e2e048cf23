"""What a report says about a run: a plain dict that json takes, of which page.py makes a page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal, TypedDict, TypeVar

from recsys.artifacts import history
from recsys.artifacts.bundle import Bundle
from recsys.artifacts.metrics import RunMetrics, parent_name, read_metrics, scorer_metrics
from recsys.core.communicator import ALONE
from recsys.core.threads import one_blas_thread
from recsys.objectives.measure import NamedScores
from recsys.objectives.specs import find_objective
from recsys.reporting.accuracy import NO_RATINGS, Accuracy, accuracy, held_out_ratings, nothing_held_out
from recsys.reporting.example_user import ExampleUser, example_user
from recsys.reporting.items import Extremes, ItemMap, extremes, item_map
from recsys.reporting.recommendations import Recommendations, recommendations
from recsys.reporting.settings import Settings, settings
from recsys.scoring.protocols import Ranker

PARTS: tuple[Literal["valid", "test"], ...] = ("valid", "test")
EPOCHS = 400  # a curve is not wider than this many points
T = TypeVar("T")


class RankingFit(TypedDict):
    """How the ranking scorer was trained, in a run whose first scorer predicts ratings."""

    method: str
    embedding_dim: int | dict[str, int]
    n_epochs: int
    fit_seconds: float


class RunSection(TypedDict):
    """What the run is; None for what only metrics.json says, where the serving folder lies alone."""

    name: str
    link: str | None
    parent: str | None
    kind: str
    recsys_version: str
    n_ratings: int
    n_interactions: int
    n_users: int
    n_items: int
    scale: dict[str, float] | None
    method: str | None
    embedding_dim: int | dict[str, int] | None
    n_epochs: int | None
    best_epoch: int | None
    fit_seconds: float | None
    ratings_per_second: float | None
    ranking: RankingFit | None
    has_titles: bool
    may_be_chance: dict[str, bool]


class EpochPoint(TypedDict):
    """The learning rate of an epoch and the deciding metric after it."""

    epoch: int
    lr: float
    train: float | None
    valid: float | None


class HistorySection(TypedDict):
    """The deciding metric by epoch, and the baseline to beat."""

    metric: str
    baseline: str
    epochs: list[EpochPoint]


ScoresSection = dict[str, dict[str, NamedScores] | None]
"""Part → who predicts → scores; None for a part that the run has not."""


class Report(TypedDict):
    """All that the page shows. A section is None where the run has nothing for it; `missing` says why, by its name.

    Ids are texts, since a number of 64 bits does not survive JavaScript.
    """

    run: RunSection
    settings: Settings | None
    scores: ScoresSection | None
    history: HistorySection | None
    accuracy: Accuracy | None
    ranking: Recommendations | None
    map: ItemMap | None
    biases: Extremes | None
    user: ExampleUser
    missing: dict[str, str]


@one_blas_thread()
def report(bundle: Bundle) -> Report:
    """The content of the page, from the serving folder and, where that lies in a run, from the run's files."""
    missing: dict[str, str] = {}

    def available(name: str, section: T | str) -> T | None:
        if isinstance(section, str):
            missing[name] = section
            return None
        return section

    return {
        "run": _run(bundle),
        "settings": settings(_folder(bundle)),
        "scores": available("scores", _scores(bundle)),
        "history": available("history", _history(bundle)),
        "accuracy": available("accuracy", accuracy(bundle)),
        "ranking": available("ranking", recommendations(bundle)),
        "map": available("map", item_map(bundle)),
        "biases": available("biases", extremes(bundle)),
        "user": example_user(bundle),
        "missing": missing,
    }


def _run(bundle: Bundle) -> RunSection:
    manifest, folder = bundle.manifest, _folder(bundle)
    rates = bundle.scorer(next(iter(bundle.scorers))).as_rating()
    metrics = None if folder is None else read_metrics(folder)
    return {
        "name": manifest.run,
        "link": None if rates is None else rates.link.kind,
        "parent": None if metrics is None else parent_name(metrics),
        "kind": next(iter(manifest.scorers.values())).model,
        "recsys_version": manifest.recsys_version,
        "n_ratings": manifest.n_ratings,
        "n_interactions": manifest.n_interactions,
        "n_users": manifest.n_users,
        "n_items": manifest.n_items,
        "scale": None if manifest.scale is None else asdict(manifest.scale),
        "method": None if metrics is None else metrics["method"],
        "embedding_dim": None if metrics is None else metrics["embedding_dim"],
        "n_epochs": None if metrics is None else metrics["n_epochs"],
        "best_epoch": None if metrics is None else metrics["best_epoch"],
        "fit_seconds": None if metrics is None else metrics["fit_seconds"],
        "ratings_per_second": None if metrics is None else metrics["ratings_per_second"],
        "ranking": None if metrics is None else _ranking_fit(metrics),
        "has_titles": bool((bundle.titles != "").any()),
        "may_be_chance": {} if metrics is None else _may_be_chance(metrics),
    }


def _may_be_chance(metrics: RunMetrics) -> dict[str, bool]:
    """Scorer → whether its difference to the best baseline stands on too little to tell."""
    differences = {name: scorer.get("difference") for name, scorer in scorer_metrics(metrics).items()}
    return {name: difference["is_real"] is False for name, difference in differences.items() if difference}


def _ranking_fit(metrics: RunMetrics) -> RankingFit | None:
    fit = metrics.get("ranking")
    if fit is None:
        return None
    return {
        "method": fit["method"],
        "embedding_dim": fit["embedding_dim"],
        "n_epochs": fit["n_epochs"],
        "fit_seconds": fit["fit_seconds"],
    }


def _folder(bundle: Bundle) -> Path | None:
    """The run that the serving folder lies in; a copy of the folder has none."""
    return None if bundle.run_folder == bundle.path else bundle.run_folder


def _scores(bundle: Bundle) -> ScoresSection | str:
    """Part → who predicts → scores; the baselines are fitted on the training ratings."""
    if "rating" not in bundle.scorers:
        return NO_RATINGS
    held_out = {part: ratings for part in PARTS if (ratings := held_out_ratings(bundle, part)) is not None}
    if not held_out:
        return nothing_held_out(bundle)
    train = bundle.seen.interactions()
    objective = find_objective("rating")
    fitted = {name: fit_baseline(train) for name, fit_baseline in objective.baselines.items()}
    scorers: dict[str, Ranker] = {"model": bundle.rating, **fitted}
    return {
        part: {
            name: objective.evaluate(scorer, held_out[part], train, ALONE).to_dict() for name, scorer in scorers.items()
        }
        if part in held_out
        else None
        for part in PARTS
    }


def _history(bundle: Bundle) -> HistorySection | str:
    """The deciding metric by epoch, evenly thinned where there are very many; the last is always there."""
    folder = _folder(bundle)
    if "rating" not in bundle.scorers:
        return "The ranking scorer has no learning rate, and is measured at the end of training alone."
    rows = [row for row in (history.read(folder) if folder is not None else []) if row.scorer == "rating"]
    if not rows:
        return "No history of the training lies beside this model."
    step = -(-len(rows) // EPOCHS)
    kept = rows[::-1][::step][::-1]
    objective = find_objective("rating")
    metric = objective.deciding_metric
    epochs: list[EpochPoint] = [
        {
            "epoch": row.epoch,
            "lr": row.lr,
            "train": row.train.get(metric),
            "valid": None if row.valid is None else row.valid[metric],
        }
        for row in kept
    ]
    return {"metric": metric, "baseline": objective.baseline_to_beat, "epochs": epochs}
