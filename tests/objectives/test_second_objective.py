"""A second objective, written here: the share of a user's pairs of ratings in the right order; higher is better."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from recsys.config.plans import Plan, plans
from recsys.config.schema.config import Config
from recsys.config.space import Range, Space
from recsys.core.events import Epoch
from recsys.core.types import Array
from recsys.data.interactions import Interactions
from recsys.evaluation import baselines
from recsys.evaluation.bootstrap import PairedMetrics, resampled
from recsys.evaluation.metrics import Scores
from recsys.objectives.measure import beats_baseline
from recsys.objectives.objective import Objective
from recsys.objectives.specs import OBJECTIVES
from recsys.scoring.protocols import Scorer
from recsys.workflows.cross_validate import cross_validate
from recsys.workflows.train import train
from recsys.workflows.tune import tune

ACCURACY, TAU = "pair_accuracy", "kendall_tau"
SPACE: Space = {"training.lr_max": Range(0.005, 0.2, log=True), "training.n_epochs": Range(2, 6)}


def count_pairs(scorer: Scorer, ratings: Interactions, group: Array) -> Array:
    """For each group of ratings: pairs with different ratings, and those in the right order; shape (n_groups, 2)."""
    predicted = scorer.rate(ratings.user_idx, ratings.item_idx, ratings.timestamp)
    counts = np.zeros((group.max() + 1, 2))
    for number in range(len(counts)):
        rows = np.flatnonzero(group == number)
        above = ratings.rating[rows][:, None] > ratings.rating[rows]
        right = above & (predicted[rows][:, None] > predicted[rows])
        counts[number] = above.sum(), right.sum()
    return counts


def evaluate(scorer: Scorer, held_out: Interactions, seen: Interactions) -> Scores:
    pairs, right = count_pairs(scorer, held_out, held_out.user_idx + 1).sum(axis=0)
    return Scores({ACCURACY: right / pairs, TAU: 2 * right / pairs - 1}, {"n_pairs": int(pairs)})


def resample(scorers: Sequence[Scorer], held_out: Sequence[Interactions], user: Array) -> PairedMetrics:
    _, group = np.unique(user, return_inverse=True)
    counts = [count_pairs(scorer, ratings, group) for scorer, ratings in zip(scorers, held_out, strict=True)]
    sums = np.concatenate(counts, axis=1)

    def metrics(totals: Array) -> dict[str, Array]:
        return {ACCURACY: totals[..., 1::2] / totals[..., ::2]}

    return PairedMetrics(metrics(sums.sum(axis=0)), metrics(resampled(sums)))


ORDERING = Objective(
    name="ordering",
    metrics=(ACCURACY, TAU),
    direction="maximize",
    evaluate=evaluate,
    baselines={"popular": baselines.most_popular, "biases": baselines.biases},
    baseline_to_beat="popular",
    resample=resample,
)


def ordering_plans(config: Config) -> tuple[Plan, ...]:
    return tuple(replace(plan, objective="ordering") for plan in plans(config))


@pytest.fixture(autouse=True)
def ordering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every config asks for a scorer that orders items well."""
    monkeypatch.setitem(OBJECTIVES, "ordering", ORDERING)
    for workflow in ("train", "tune", "cross_validate", "parallel_runs"):
        monkeypatch.setattr(f"recsys.workflows.{workflow}.plans", ordering_plans)


@pytest.fixture
def config(wild: Callable[..., Config]) -> Config:
    """20 epochs of a model that overfits."""
    config = wild(n_epochs=20, evaluate_every=1)
    return config.model_copy(update={"split": config.split.model_copy(update={"valid_fraction": 0.3})})


def with_training(config: Config, **changes: object) -> Config:
    return config.model_copy(update={"training": config.training.model_copy(update=changes)})


def history(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_a_run_is_measured_by_it(config: Config, tmp_path: Path) -> None:
    epochs: list[Epoch] = []
    metrics = train(
        config, tmp_path / "run", observe=lambda event: epochs.append(event) if isinstance(event, Epoch) else None
    )
    rows = history(tmp_path / "run")
    assert [row["valid"] for row in rows] == [epoch.valid for epoch in epochs]
    assert list(rows[-1]["valid"]) == [ACCURACY, TAU]
    assert metrics["valid"] == {**rows[-1]["valid"], "n_pairs": metrics["valid"]["n_pairs"]}
    assert list(metrics["baselines"]) == ["popular", "biases"]
    assert metrics["best_epoch"] == best_epoch(rows)
    is_better = metrics["test"][ACCURACY] > metrics["baselines"]["popular"][ACCURACY]
    assert beats_baseline(ORDERING, metrics) is is_better


def best_epoch(rows: list[dict[str, Any]]) -> int:
    """The first with the highest share; it is not the one with the lowest, nor the last."""
    shares = [row["valid"][ACCURACY] for row in rows]
    best = shares.index(max(shares))
    assert best not in (shares.index(min(shares)), len(shares) - 1)
    return best + 1


def test_training_stops_when_the_share_has_not_risen_for_so_long(config: Config, tmp_path: Path) -> None:
    metrics = train(with_training(config, patience=3), tmp_path / "run")
    assert metrics["best_epoch"] == best_epoch(history(tmp_path / "run"))
    assert metrics["n_epochs"] == metrics["best_epoch"] + 3 < 20


def test_the_epoch_with_the_highest_share_is_kept_and_survives_a_resume(
    config: Config, interrupted: Callable[..., None], tmp_path: Path
) -> None:
    config = with_training(config, keep="best")
    metrics = train(config, tmp_path / "whole")
    best = best_epoch(history(tmp_path / "whole"))
    assert metrics["valid"][ACCURACY] == history(tmp_path / "whole")[best - 1]["valid"][ACCURACY]
    interrupted(config, tmp_path / "parted", after=best + 1)
    assert train(config, tmp_path / "parted", resume=True)["valid"] == metrics["valid"]


def test_tuning_looks_for_the_highest_share(config: Config, tmp_path: Path) -> None:
    config = with_training(config, n_epochs=3)
    tuned = tune(config, 6, SPACE, f"sqlite:///{tmp_path}/study.db")
    assert tuned.best.metric >= tuned.as_it_is
    assert train(config, tmp_path / "plain")["valid"][ACCURACY] == tuned.as_it_is
    assert train(tuned.config, tmp_path / "best")["valid"][ACCURACY] == tuned.best.metric
    facts = tuned.to_dict()
    assert facts["popular"] == tuned.baseline
    assert facts["best"][ACCURACY] == tuned.best.metric
    study = optuna.load_study(study_name="recsys", storage=f"sqlite:///{tmp_path}/study.db")
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert max(trial.value for trial in study.trials if trial.state is TrialState.COMPLETE) <= tuned.best.metric


def test_folds_are_summed_up_by_it(config: Config) -> None:
    found = cross_validate(with_training(config, n_epochs=3), 2, jobs=1)
    shares = [fold[ACCURACY] for fold in found["folds"]]
    assert found["model"][ACCURACY]["mean"] == pytest.approx(np.mean(shares))
    assert found["n_pairs"] == sum(fold["n_pairs"] for fold in found["folds"])
    popular = [fold["baselines"]["popular"][ACCURACY] for fold in found["folds"]]
    assert found["difference"]["to"] == "popular"
    assert found["difference"][ACCURACY]["mean"] == pytest.approx(np.mean(np.subtract(shares, popular)))
