"""What a report says about a run: a plain dict that json takes, of which page.py makes a page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from recsys.artifacts import history
from recsys.artifacts.bundle import Bundle
from recsys.artifacts.directory import HISTORY, SERVING
from recsys.artifacts.run import read_result
from recsys.objectives.specs import OBJECTIVES
from recsys.reporting.accuracy import NOTHING_HELD_OUT, accuracy
from recsys.reporting.items import Section, example_user, extremes, item_map
from recsys.scoring.protocols import Scorer

PARTS: tuple[Literal["valid", "test"], ...] = ("valid", "test")
EPOCHS = 400  # a curve is not wider than this many points
OF_RESULT = ("method", "embedding_dim", "n_epochs", "best_epoch", "fit_seconds", "ratings_per_second")


def report(bundle: Bundle) -> dict[str, Any]:
    """All that the page shows, from the serving folder and, where that lies in a run, from the run's files.

    Returns:
        "run" holds facts; "scores", "history", "accuracy", "map", "biases" and "user" each a section, or None where
        the run has nothing for it: "missing" then says why, by the section's name. Ids are texts, since a number of
        64 bits does not survive JavaScript.
    """
    sections = {
        "scores": _scores(bundle),
        "history": _history(bundle),
        "accuracy": accuracy(bundle),
        "map": item_map(bundle),
        "biases": extremes(bundle),
        "user": example_user(bundle),
    }
    missing = {name: section for name, section in sections.items() if isinstance(section, str)}
    return {"run": _run(bundle), **sections, **dict.fromkeys(missing), "missing": missing}


def _run(bundle: Bundle) -> Section:
    manifest, folder = bundle.manifest, _folder(bundle)
    result = (read_result(folder) if folder is not None else None) or {}
    parent = result.get("parent") or result.get("start") or {}
    return {
        "name": manifest.run,
        "link": bundle.scorer("rating").link.kind,
        "parent": parent.get("run"),
        "kind": manifest.scorers["rating"].model,
        "recsys_version": manifest.recsys_version,
        "n_ratings": manifest.n_ratings,
        "n_users": manifest.n_users,
        "n_items": manifest.n_items,
        "scale": asdict(manifest.scale),
        **{key: result.get(key) for key in OF_RESULT},
    }


def _folder(bundle: Bundle) -> Path | None:
    """The run that the serving folder lies in; a copy of the folder has none."""
    return bundle.path.parent if bundle.path.name == SERVING else None


def _scores(bundle: Bundle) -> dict[str, dict[str, Section] | None] | str:
    """Part → who predicts → scores; the baselines are fitted on the training ratings."""
    held_out = {part: ratings for part in PARTS if (ratings := bundle.held_out(part)) is not None}
    if not held_out:
        return NOTHING_HELD_OUT
    train = bundle.seen.interactions()
    objective = OBJECTIVES["rating"]
    fitted = {name: fit_baseline(train) for name, fit_baseline in objective.baselines.items()}
    scorers: dict[str, Scorer] = {"model": bundle.scorer("rating"), **fitted}
    return {
        part: {name: objective.evaluate(scorer, held_out[part], train).to_dict() for name, scorer in scorers.items()}
        if part in held_out
        else None
        for part in PARTS
    }


def _history(bundle: Bundle) -> Section | str:
    """The deciding metric by epoch, evenly thinned where there are very many; the last is always there."""
    folder = _folder(bundle)
    rows = [row for row in (history.read(folder / HISTORY) if folder is not None else []) if row.scorer == "rating"]
    if not rows:
        return "No history of the training lies beside this model."
    step = -(-len(rows) // EPOCHS)
    kept = rows[::-1][::step][::-1]
    objective = OBJECTIVES["rating"]
    metric = objective.deciding_metric
    epochs = [
        {"epoch": row.epoch, "lr": row.lr, "train": row.train.get(metric), "valid": row.valid and row.valid[metric]}
        for row in kept
    ]
    return {"metric": metric, "baseline": objective.baseline_to_beat, "epochs": epochs}
